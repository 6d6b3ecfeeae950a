"""The command line: help in sections, what excludes what, and a user's mistakes: one line, exit code 2, nothing changed."""

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipeline.cli import SECTIONS, cli
from serving.repository.errors import UserError
from serving.repository.version import UNKNOWN, forger_version
from tests.support.command import assert_refused, forger

ROOT = Path(__file__).resolve().parents[3]
FORGER = str(Path(sys.executable).with_name("forger"))


def process(*arguments: object) -> subprocess.CompletedProcess:
    """The command as a user starts it."""
    return subprocess.run([FORGER, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """All commands that do something, by what is typed."""
    found = []
    for name, one in group.commands.items():
        found += commands(one, (*path, name)) if isinstance(one, click.Group) else [((*path, name), one)]
    return found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--set", "gan.stepz=5"], "did you mean gan.steps?"),
        (["run", "--set", "gan.steps=0"], "greater than or equal to"),
        (["run", "--profile", "fast"], "choose one of"),
        (["run", "--profil", "smoke"], "No such option"),
        (["sample", "--out", "x.png"], "push one with `forger run`"),
        (["sample", "--out", "x.gif"], ".png or .npy"),
        (["sample", "--out", "x.png", "--count", "0"], "1<=x<="),
        (["sample", "--out", "x.png", "--server", "127.0.0.1:9"], "start one with `forger serve`"),
        (["serve"], "run `forger run` first"),
        (["serve", "--label", "stable"], "give NAME=VERSION"),
        (["report"], "no run yet"),
        (["generate", "--count", "5", "--out", "x", "--shards", "6"], "name fewer"),
        (["generate", "--count", "5", "--out", "gs://x"], "is not a local path"),
    ],
)
def test_a_mistake_ends_in_exit_2_and_changes_nothing(arguments, words, tmp_path):
    assert_refused(forger(*arguments, "--home", tmp_path / "home"), words)
    assert not (tmp_path / "home" / "runs").exists() or not list((tmp_path / "home" / "runs").iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sample", "--out", "x.png", "--server", "a:1", "--model", "b"], "name either --server or --model, not both"),
        (["sample", "--out", "x.png", "--version", "1", "--version-label", "canary"], "name either --version or --version-label"),
        (["sample", "--out", "x.png", "--model", "b", "--version", "1"], "leave --model out"),
        (["sample", "--out", "x.png", "--first-row", "0", "--to-seed", "3"], "name one of them"),
        (["sample", "--out", "x.png", "--tls"], "are for --server"),
        (["sample", "--out", "x.png", "--server", "a:1", "--tls-key", "{pem}"], "needs both --tls-cert and --tls-key"),
        (["evaluate", "--server", "a:1", "--model", "b"], "name one of --server, --samples and --model"),
        (["evaluate", "--tls"], "are for --server"),
        (["evaluate", "--server", "a:1", "--tls-cert", "{pem}"], "needs both --tls-cert and --tls-key"),
        (["evaluate", "--server", "a:1", "--labels", "{pem}"], "--labels are those of --samples"),
        (["generate", "--count", "5", "--out", "x", "--shards", "2", "--shard-size", "3"], "--shards or --shard-size, not both"),
        (["generate", "--count", "5", "--out", "x", "--model", "m", "--version-label", "canary"], "leave --model out"),
        (["serve", "--tls-cert", "a"], "TLS needs both --tls-cert and --tls-key"),
        (["serve", "--tls-client-ca", "a"], "TLS needs both --tls-cert and --tls-key"),
        (["serve", "--batching-parameters-file", "a", "--max-queue", "5"], "not both"),
    ],
)
def test_options_that_do_not_go_together(arguments, words, tmp_path):
    pem = tmp_path / "pem"
    pem.write_text("")
    arguments = [str(pem) if argument == "{pem}" else argument for argument in arguments]
    done = forger(*arguments, "--home", tmp_path / "home")
    assert_refused(done, words)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["runn"], "No such command 'runn'. Did you mean 'run'? (`forger --help` tells more)"),
        (["run", "--hom", "x"], "No such option '--hom'. Did you mean '--home'? (`forger run --help` tells more)"),
        (["generate", "--count", "10"], "Missing option '--out' (`forger generate --help` tells more)"),
        (
            ["serve", "--port", "99999"],
            "Invalid value for '--port': 99999 is not in the range 0<=x<=65535 (`forger serve --help` tells more)",
        ),
    ],
)
def test_a_mistyped_command_line_is_told_in_one_line(arguments, line):
    done = forger(*arguments)
    assert_refused(done, line)


def test_the_bare_command_shows_what_there_is():
    done = forger()
    assert done.exit_code == 2
    assert "Make a generator:" in done.output


def test_an_unknown_dataset_names_close_ones(tmp_path):
    done = process("run", "--set", "data.dataset=mnits", "--home", tmp_path)
    assert done.returncode == 2
    assert "mnist" in done.stderr.removeprefix("forger: ").replace("mnits", "")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("name another"), 2, "forger: name another\n"),
        (FileNotFoundError(2, "No such file or directory", "a.txt"), 2, "forger: No such file or directory: a.txt\n"),
        (RuntimeError("first\nsecond"), 2, "forger: first (forger --debug ... shows all)\n"),
        (KeyboardInterrupt(), 130, "\nforger: interrupted; the same command goes on where it was\n"),
    ],
)
def test_how_errors_end(error, code, line, monkeypatch, capsys):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cli.commands["status"], "callback", fail)
    done = forger("status")
    assert (done.exit_code, done.stderr) == (code, line)
    monkeypatch.setattr(sys, "argv", ["forger", "status"])
    with pytest.raises(SystemExit) as stop:
        cli()
    assert (stop.value.code, capsys.readouterr().err) == (code, line)
    if isinstance(error, Exception):
        shown = forger("--debug", "status")
        assert shown.exit_code == code  # 1 would say that the gate refused
        assert shown.stderr.startswith("Traceback (most recent call last)")
        assert shown.stderr.endswith(line)


def test_the_help_is_in_the_order_of_work_and_nothing_is_cut():
    shown = forger("--help").stdout
    titles = ["Make a generator:", "Look at runs:", "Draw images and score them:", "Serve:", "On a cluster:"]
    assert sorted(titles, key=shown.index) == titles
    names = [name for section in SECTIONS for name, _ in section.list_commands()]
    assert sorted(names) == sorted(cli.commands)
    words = " ".join(shown.split())
    for _, command in commands():
        if command.name in names:
            assert command.get_short_help_str() in words
    assert "..." not in shown.replace("[ARGS]...", "")


def test_the_help_of_run_has_sections_and_examples():
    shown = forger("run", "--help").stdout
    titles = ["What to run:", "Where the Beam steps run:", "Workers of Flink, Spark and Dataflow:", "Examples:"]
    assert sorted(titles, key=shown.index) == titles
    assert sum(line.startswith("  forger run ") for line in shown.partition("Examples:")[2].splitlines()) == 3


def test_examples_are_commands_that_there_are():
    """Each example's command and options are known, and what it needs is given."""
    for path, command in commands():
        for line in (command.epilog or "").splitlines():
            if line.startswith("  forger "):
                words = line.split()[1:]
                assert words[: len(path)] == list(path)
                known = {name for parameter in command.params for name in parameter.opts}
                assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_all_but_run_and_serve_print_json():
    without = {path for path, command in commands() if "--json" not in {name for one in command.params for name in one.opts}}
    assert without == {("run",), ("serve",)}


def test_the_version_is_the_packages_own(monkeypatch):
    assert forger("--version").stdout == f"forger, version {forger_version()}\n"

    def missing(_):
        from importlib.metadata import PackageNotFoundError

        raise PackageNotFoundError("forger")

    monkeypatch.setattr("serving.repository.version.version", missing)
    assert forger_version() == UNKNOWN


def test_a_port_in_use_is_said(tmp_path):
    base = tmp_path / "serving" / "mnist_gan" / "1"
    base.mkdir(parents=True)
    (base / "saved_model.pb").write_bytes(b"")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = process("serve", "--home", tmp_path, "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "Address already in use" in done.stderr


def test_a_corrupt_pushed_version_is_named(tmp_path):
    base = tmp_path / "serving" / "mnist_gan" / "1"
    base.mkdir(parents=True)
    (base / "saved_model.pb").write_bytes(b"not a model")
    assert_refused(forger("sample", "--home", tmp_path, "--out", tmp_path / "x.png"), str(base))
    assert not (tmp_path / "x.png").exists()


def test_status_of_an_empty_home_says_what_to_do(tmp_path):
    done = forger("status", "--home", tmp_path)
    assert done.exit_code == 0
    assert "forger run" in done.stdout
    assert json.loads(forger("status", "--json", "--home", tmp_path).stdout)["last_run"] is None


def test_a_dry_run_prints_the_resolved_configuration_and_touches_nothing(tmp_path):
    done = process("run", "--profile", "article", "--set", "gan.seed=5", "--dry-run", "--home", tmp_path / "home")
    assert done.returncode == 0
    assert '"seed": 5' in done.stdout
    assert "GanTrainer" in done.stdout
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["status"], ["run", "--set", "gan.x=1"]])
def test_what_does_not_need_tensorflow_does_not_import_it(arguments, tmp_path):
    code = (
        "import sys\nfrom pipeline.cli import main\n"
        f"sys.argv = ['forger', *{arguments!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'grpc'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", ["--help", "run --dry-run", "status --json"])
def test_a_reader_that_leaves_is_no_refusal(arguments, tmp_path):
    command = f"{shlex.quote(sys.executable)} -m pipeline.cli {arguments} | true; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert ended.returncode in (0, 2, 141)  # 2: there is no run yet; never 1, which says that the gate refused


@pytest.mark.parametrize("arguments", ["run --dry-run", "--help"])
def test_a_closed_output_ends_as_a_shell_says_it(arguments):
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", *arguments.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()  # before anything is written
        error = process.stderr.read()
    assert process.returncode in (0, 141)
    assert b"Traceback" not in error


def test_the_end_of_another_pipe_is_an_error_in_a_line(monkeypatch, capfd):
    """A server that goes away in the middle is no reader of ours that leaves."""

    def gone(*_: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("pipeline.terminal.run.show_plan", gone, raising=True)
    monkeypatch.setattr(sys, "argv", ["forger", "run", "--dry-run"])
    with pytest.raises(SystemExit) as ended:
        cli()
    assert ended.value.code == 2
    assert capfd.readouterr().err == "forger: [Errno 32] Broken pipe\n"

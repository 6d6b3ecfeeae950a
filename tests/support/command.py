"""The `forger` command in this process: what it prints, how it ends; a process of its own would import everything anew."""

from __future__ import annotations

from click.testing import CliRunner, Result

from pipeline.cli import cli


def forger(*arguments: object) -> Result:
    """Run the command; an error that the command doesn't handle is raised here."""
    return CliRunner().invoke(cli, list(map(str, arguments)), prog_name="forger", catch_exceptions=False)


def assert_refused(done: Result, words: str) -> None:
    """Check that a user's mistake has ended as all do: exit code 2, nothing printed, and the words in what is said of it."""
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert words in done.stderr
    assert done.stderr.startswith("forger: ")
    assert done.stderr.count("\n") == 1, done.stderr

"""What a person sees on a terminal: our lines, and none of TensorFlow's. The real commands, each on a pseudo-terminal."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.push.layout import push_model
from pipeline.home.home import Home
from tests.support.terminal import NATIVE, on_a_terminal
from tests.support.tiny_generator import build_tiny_generator

ROOT = Path(__file__).resolve().parents[2]
FORGER = Path(sys.executable).with_name("forger")
DRAW = (
    "import sys; from pathlib import Path; from serving.saved_model.generator import LocalGenerator\n"
    "images, labels = LocalGenerator(Path(sys.argv[1])).sample([1, 2], [7, -1]); print(images.shape)"
)

SERVE = (
    "import sys; from pathlib import Path; from serving.client import GeneratorClient\n"
    "from serving.server.app import GeneratorServer\n"
    "with GeneratorServer(Path(sys.argv[1]), 'mnist_gan', port=0, rest_port=0) as server:\n"
    "    with GeneratorClient(server.target, 'mnist_gan') as client:\n"
    "        print(client.sample([1, 2], [7, -1])[0].shape, file=sys.stderr)"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home.at(tmp_path_factory.mktemp("terminal") / "home")
    home.open()
    model = build_tiny_generator(tmp_path_factory.mktemp("model") / "model")
    push_model(model, home.model_base("mnist"), run_id="run", verdict={"figures": {}}, keep_versions=5)
    return home


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ([FORGER, "sample", "--out", "{tmp}/a.png", "--home", "{home}"], "100 images from"),
        ([FORGER, "generate", "--count", "20", "--out", "{tmp}/out", "--home", "{home}"], "20 images of mnist_gan"),
        (
            [FORGER, "kubeflow", "compile", "--image", "a/b:1", "--pipeline-root", "gs://a/b", "--out", "{tmp}/p.yaml"],
            "compiled",
        ),
        ([FORGER, "run", "--set", "data.dataset=mnits", "--home", "{tmp}/new"], "mnist"),
        ([sys.executable, "-c", DRAW, "{home}/serving/mnist_gan/1"], "(2, 28, 28, 1)"),
    ],
    ids=lambda value: None if isinstance(value, str) else Path(value[0]).name + value[1],
)
def test_no_native_message_reaches_a_terminal(command, shown, home, tmp_path):
    words = [str(word).format(tmp=tmp_path, home=home.path) if "{" in str(word) else word for word in command]
    _, seen = on_a_terminal(words, PYTHONPATH=str(ROOT), TF_CPP_MIN_LOG_LEVEL="1")
    assert shown in seen
    assert not NATIVE.findall(seen), seen


def test_serve_shows_its_own_lines(home):
    command = [FORGER, "serve", "--port", "0", "--rest-port", "0", "--home", home.path]
    _, seen = on_a_terminal(command, stop_at="mnist_gan", PYTHONPATH=str(ROOT))
    assert "loaded version 1" in seen
    assert not NATIVE.findall(seen), seen


def test_debug_shows_them(home):
    command = ["env", "-u", "TF_CPP_MIN_LOG_LEVEL", FORGER, "--debug", "serve", "--no-rest", "--port", "0", "--home", home.path]
    _, seen = on_a_terminal(command, stop_at="serving mnist_gan", PYTHONPATH=str(ROOT))
    assert NATIVE.search(seen)


def test_a_script_with_a_server_shows_its_own_lines(home):
    """It chooses no level of TensorFlow's log, and what it writes itself still arrives."""
    command = ["env", "-u", "TF_CPP_MIN_LOG_LEVEL", sys.executable, "-c", SERVE, home.model_base("mnist")]
    _, seen = on_a_terminal(command, PYTHONPATH=str(ROOT))
    assert seen.strip() == "(2, 28, 28, 1)"


def test_a_script_may_ask_for_the_messages(home):
    """And it keeps its own standard error after a quiet start."""
    code = DRAW + "\nprint('still there', file=sys.stderr)"
    command = [sys.executable, "-c", code, home.model_base("mnist") / "1"]
    _, seen = on_a_terminal(command, PYTHONPATH=str(ROOT), TF_CPP_MIN_LOG_LEVEL="0")
    assert NATIVE.search(seen)
    assert "still there" in seen


def test_closed_standard_streams_are_no_obstacle(home, tmp_path):
    """As cron and some services start programs: a file that is opened must not get the number of standard error."""
    out = tmp_path / "a.npy"
    words = f'exec "{FORGER}" sample --out "{out}" --home "{home.path}" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", words], cwd=ROOT, check=False)
    assert done.returncode == 0
    assert out.is_file()

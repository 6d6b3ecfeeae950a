"""What the user has set for other programs doesn't reach a run; a process for each, as Keras reads it when it is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_SHOW = (
    "import keras, tensorflow as tf; k = keras.backend; print("
    "k.backend(), k.floatx(), k.image_data_format(), k.epsilon(), tf.keras.__name__.partition('.')[0], keras.config.max_epochs())"
)
_OURS = "tensorflow float32 channels_last 1e-07 keras None"
# How processes begin that use Keras: a command or a step of Kubeflow's, and an engine's worker, which only unpickles our classes.
_COMMAND = "from pipeline.environment import prepare_tensorflow; prepare_tensorflow(quiet=True); "
_WORKER = "import components.gate.combiners.rows; "
_FILE = {"backend": "jax", "floatx": "float16", "image_data_format": "channels_first", "epsilon": 0.1}


_VARIABLES = {
    "KERAS_BACKEND": "jax",
    "TF_USE_LEGACY_KERAS": "1",
    "KERAS_MAX_EPOCHS": "many",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "KERAS_NNX_ENABLED": "true",
}


@pytest.mark.parametrize("start", [_COMMAND, _WORKER])
def test_variables_change_nothing_and_no_file_is_left_in_the_users_home(start, tmp_path):
    assert shown(start, {**_VARIABLES, "HOME": str(tmp_path)}) == _OURS
    assert not (tmp_path / ".keras").exists()


@pytest.mark.parametrize(("start", "variable"), [(_COMMAND, "HOME"), (_WORKER, "HOME"), (_COMMAND, "KERAS_HOME")])
def test_a_file_changes_nothing(start, variable, tmp_path):
    place = tmp_path if variable == "KERAS_HOME" else tmp_path / ".keras"
    place.mkdir(exist_ok=True)
    (place / "keras.json").write_text(json.dumps(_FILE))
    assert shown(start, {variable: str(tmp_path)}) == _OURS


def shown(start, environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KERAS_", "TF_USE"))}
    done = subprocess.run(
        [sys.executable, "-c", start + _SHOW],
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()

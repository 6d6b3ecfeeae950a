"""The training loop: exact resume, what it leaves behind, and how it stops."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from components.gan.input.source import InMemory
from components.gan.training.checkpoints import Checkpoints
from components.gan.training.journal_files import METRICS_FILE, SAMPLES_DIR, read_metrics
from components.gan.training.loop import train
from components.gan.training.provenance import Provenance
from serving.repository.errors import UserError

RECIPES = ("conv", "article")
# For what is the loop's own, whatever it trains: this one is compiled in a third of the time.
QUICK = "article"


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the loop may catch it."""


def kill_after(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Kill the training once it has saved a checkpoint of this step."""
    save = Checkpoints.save

    def killed_after(self, step):
        save(self, step)
        if step == last:
            raise Killed

    monkeypatch.setattr(Checkpoints, "save", killed_after)


def weights(state) -> list[np.ndarray]:
    return [
        variable.numpy()
        for variable in [*state.ema_generator.variables, *state.generator.variables, *state.discriminator.variables]
    ]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(recipe, images, settings, tmp_path, monkeypatch):
    whole = train(InMemory(*images), 3, settings[recipe], tmp_path / "whole")
    kill_after(monkeypatch, 16)
    with pytest.raises(Killed):
        train(InMemory(*images), 3, settings[recipe], tmp_path / "killed")
    monkeypatch.undo()
    # The line of a step after the last checkpoint, and one cut in the middle: both must go.
    with (tmp_path / "killed" / METRICS_FILE).open("a") as file:
        file.write(json.dumps({"step": 20}) + '\n{"step": 21, "d_lo')
    continued = train(InMemory(*images), 3, settings[recipe], tmp_path / "killed")

    for mine, theirs in zip(weights(continued), weights(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    steps = [line["step"] for line in read_metrics(tmp_path / "killed")]
    assert steps == [line["step"] for line in read_metrics(tmp_path / "whole")] == [8, 12, 16, 24]
    for step in ("0000012", "0000024"):
        grids = [(tmp_path / name / SAMPLES_DIR / f"step_{step}.png").read_bytes() for name in ("whole", "killed")]
        assert grids[0] == grids[1]


@pytest.mark.parametrize("content", ["", None])
def test_checkpoints_are_found_where_the_list_of_them_is_damaged(content, images, settings, tmp_path, monkeypatch, caplog):
    whole = train(InMemory(*images), 3, settings[QUICK], tmp_path / "whole")
    kill_after(monkeypatch, 16)
    with pytest.raises(Killed):
        train(InMemory(*images), 3, settings[QUICK], tmp_path / "killed")
    monkeypatch.undo()
    listed = tmp_path / "killed" / "checkpoints" / "checkpoint"
    listed.unlink() if content is None else listed.write_text(content)
    with caplog.at_level("INFO", "forger.progress"):
        continued = train(InMemory(*images), 3, settings[QUICK], tmp_path / "killed")
    assert "continued from step 16" in caplog.text
    for mine, theirs in zip(weights(continued), weights(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert sorted(path.name for path in listed.parent.glob("*.index")) == ["step-16.index", "step-24.index"]


def test_with_the_examples_in_another_order_a_training_begins_anew(images, settings, tmp_path, monkeypatch, caplog):
    """A cluster writes them in whatever order: half a training on one and half on another is none that can be had again."""
    turned = InMemory(*(values[::-1] for values in images), digest="turned")
    whole = train(turned, 3, settings[QUICK], tmp_path / "whole")
    kill_after(monkeypatch, 16)
    with pytest.raises(Killed):
        train(InMemory(*images, digest="as it was"), 3, settings[QUICK], tmp_path / "killed")
    monkeypatch.undo()
    with caplog.at_level("INFO", "forger.progress"):
        other = train(turned, 3, settings[QUICK], tmp_path / "killed")
    assert "the examples lie in another order than when this training began" in caplog.text
    for mine, theirs in zip(weights(other), weights(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert [line["step"] for line in read_metrics(tmp_path / "killed")] == [8, 12, 16, 24]
    assert Provenance.read(tmp_path / "killed") == Provenance.read(tmp_path / "whole")


def test_a_training_that_changes_its_dtype_says_so_and_keeps_it(images, settings, tmp_path, monkeypatch, caplog):
    changed = settings[QUICK].model_copy(update={"precision": "float32"})
    kill_after(monkeypatch, 16)
    with pytest.raises(Killed):
        train(InMemory(*images), 3, changed, tmp_path)
    monkeypatch.undo()
    with caplog.at_level("INFO", "forger.progress"):
        train(InMemory(*images), 3, changed.model_copy(update={"precision": "bfloat16"}), tmp_path)
    assert "trained in float32 up to step 16, from here on in mixed_bfloat16" in caplog.text
    stretches = Provenance.read(tmp_path).stretches
    assert [(one.step, one.precision) for one in stretches] == [(0, "float32"), (16, "mixed_bfloat16")]


def test_a_cut_checkpoint_falls_back_on_the_one_before(images, settings, tmp_path):
    whole = train(InMemory(*images), 3, settings[QUICK], tmp_path)
    (newest,) = (tmp_path / "checkpoints").glob("step-24.data*")
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    again = train(InMemory(*images), 3, settings[QUICK], tmp_path)
    for mine, theirs in zip(weights(again), weights(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_finished_training_is_not_run_again(images, settings, tmp_path):
    first = train(InMemory(*images), 3, settings[QUICK], tmp_path)
    written = (tmp_path / METRICS_FILE).read_bytes()
    second = train(InMemory(*images), 3, settings[QUICK], tmp_path)
    assert int(second.step) == 24
    assert (tmp_path / METRICS_FILE).read_bytes() == written
    for mine, theirs in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_another_seed_gives_other_weights(images, settings, tmp_path):
    one = train(InMemory(*images), 3, settings[QUICK], tmp_path / "1")
    two = train(InMemory(*images), 3, settings[QUICK].model_copy(update={"seed": 2}), tmp_path / "2")
    assert not np.array_equal(weights(one)[0], weights(two)[0])


def test_numbers_that_break_down_stop_the_training_with_the_step(images, settings, tmp_path):
    broken = settings["article"].model_copy(update={"learning_rate": 1.0, "final_learning_rate": 1.0, "latent_size": 8})
    poisoned = images[0]
    with pytest.raises(UserError, match=r"broke down .* step"):
        _train_poisoned(poisoned, images[1], broken, tmp_path)


def _train_poisoned(pixels, labels, settings, directory):
    """Train with a discriminator that a NaN has got into, as an overflow would do."""
    import components.gan.training.loop as loop

    class Poisoned(loop.TrainState):
        def __init__(self, *args):
            super().__init__(*args)
            weight = self.discriminator.trainable_variables[0]
            weight.assign(weight * float("nan"))

    original, loop.TrainState = loop.TrainState, Poisoned
    try:
        loop.train(InMemory(pixels, labels), 3, settings, directory)
    finally:
        loop.TrainState = original


@pytest.mark.parametrize(("recipe", "batch", "least"), [("conv", 100, 8), ("conv", 36, 8), ("article", 90, 4)])
def test_devices_share_whole_groups_of_rows(recipe, batch, least, images, settings, tmp_path):
    """Every second row of `conv` carries the penalties: an odd share would count on from another row."""
    devices = SimpleNamespace(num_replicas_in_sync=4)
    changed = settings[recipe].model_copy(update={"batch_size": batch})
    with pytest.raises(UserError, match=rf"gan\.batch_size={batch} can't be shared evenly by 4 devices: .* multiple of {least}$"):
        train(InMemory(*images), 3, changed, tmp_path, devices)


def test_no_images_is_the_users_to_mend(settings, tmp_path):
    with pytest.raises(UserError, match="no training images"):
        train(InMemory(np.zeros((0, 28, 28, 1), np.uint8), np.zeros(0, np.int64)), 3, settings["conv"], tmp_path)

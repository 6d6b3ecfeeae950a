"""A training that goes wrong late: the best average so far is kept, survives a kill, and is what is exported."""

import logging

import numpy as np
import pytest

from components.gan.input.source import InMemory, open_source
from components.gan.settings import GanSettings
from components.gan.training import best as choosing
from components.gan.training.best import Best, Look, last_within, look_steps, nearest
from components.gan.training.checkpoints import Checkpoints
from components.gan.training.distance import TrainDistance
from components.gan.training.journal_files import DISTANCE, read_metrics, read_samples
from components.gan.training.loop import train
from components.gan.training.outcome import OUTCOME_FILE, Outcome, read_outcome
from serving.repository.errors import UserError
from tests.support.collapsing import collapsing
from tests.support.shards import write_shards

RECIPES = ("conv", "article")


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.fixture(scope="module", autouse=True)
def often():
    """Look as often as tiny trainings have steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "_LEAST_STEPS", 4)
        yield


_COMMON = {"sample_every": 720, "batch_size": 16, "latent_size": 8, "learning_rate": 2e-3}
# Settings that learn something in seconds: looks at 12, 24, ... 144 and at 80, 160, ... 720.
TINY = {
    "conv": GanSettings(
        **_COMMON, steps=144, looks=12, checkpoint_every=16, width=8, final_learning_rate=1e-3, ema_decay=0.9, stop_after=1
    ),
    "article": GanSettings(
        **_COMMON, recipe="article", steps=720, looks=9, checkpoint_every=100, width=64, final_learning_rate=2e-3, beta_1=0.5,
        ema_decay=0, stop_after=1, rate_ratio=1,
    ),
}  # fmt: skip
FACTORS = {"conv": 30.0, "article": 1000.0}  # of the rate after two thirds
COLLAPSE = {"conv": 96, "article": 480}  # the step


@pytest.fixture(scope="module")
def collapsed(images, tmp_path_factory):
    """Of each recipe a training that collapses: its state and its directory."""
    made = {}
    for recipe in RECIPES:
        directory = tmp_path_factory.mktemp(recipe)
        with collapsing(FACTORS[recipe]):
            made[recipe] = train(InMemory(*images), 3, TINY[recipe], directory), directory
    return made


def weights(state) -> list[np.ndarray]:
    networks = (state.ema_generator, state.generator, state.discriminator)
    return [variable.numpy() for network in networks for variable in network.variables]


def distances(directory) -> list[tuple[int, float]]:
    return [(line["step"], line[DISTANCE]) for line in read_metrics(directory) if DISTANCE in line]


def assert_equal(mine, theirs):
    for one, other in zip(weights(mine), weights(theirs), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("steps", "looks", "expected"),
    [
        (9600, 20, [0, *range(500, 9600, 500), 9600]),
        (400, 20, [0, 100, 200, 300, 400]),
        (60_000, 20, list(range(0, 60_001, 3000))),
        (252, 20, [0, 100, 200, 252]),
        (100, 20, []),  # nothing can be lost
        (60, 20, []),
        (9600, 0, []),
    ],
)
def test_looks_are_spread_evenly_and_never_close(steps, looks, expected, monkeypatch):
    monkeypatch.setattr(choosing, "_LEAST_STEPS", 100)
    assert look_steps(GanSettings(steps=steps, looks=looks)) == expected


def test_the_best_is_the_first_of_the_nearest_and_noise_makes_nothing_clearly_worse():
    looks = [Look(100, 0.9), Look(200, 0.2), Look(300, 0.2), Look(400, 0.29), Look(500, 2.0)]
    assert nearest(looks).step == 200
    assert last_within(1.5, looks) == 400
    assert last_within(1.25, looks) == 300
    assert last_within(1.25, looks[:1]) == 100


@pytest.mark.parametrize("recipe", RECIPES)
def test_looking_changes_no_bit_of_a_training(recipe, images, tmp_path):
    settings = TINY[recipe].model_copy(update={"steps": 72})
    watched = train(InMemory(*images), 3, settings, tmp_path / "watched")
    alone = train(InMemory(*images), 3, settings.model_copy(update={"looks": 0}), tmp_path / "alone")
    assert read_outcome(tmp_path / "watched").step == 72  # as it only got better
    assert_equal(watched, alone)
    assert [step for step, _ in distances(tmp_path / "watched")] == look_steps(settings)[1:]
    assert not distances(tmp_path / "alone")
    assert read_outcome(tmp_path / "alone") == Outcome(72, 72, 72)


def assert_best_of_collapse(recipe, directory):
    outcome = read_outcome(directory)
    measured = dict(distances(directory))
    assert 0 < outcome.step <= COLLAPSE[recipe]
    assert outcome.last_distance > 3 * outcome.distance
    assert outcome.distance == min(measured.values()) == measured[outcome.step]
    assert outcome.last_distance == measured[TINY[recipe].steps]
    assert f"the best average, of step {outcome.step} of {TINY[recipe].steps}" in outcome.sentence()
    assert outcome.step in read_samples(directory)
    return outcome


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_collapse_exports_the_best_before_it(recipe, images, collapsed):
    state, directory = collapsed[recipe]
    outcome = assert_best_of_collapse(recipe, directory)
    # What would be exported is that very average: measured again, it is as near as it was then.
    again = TrainDistance(InMemory(*images), state)(state.ema_generator.get_weights())
    np.testing.assert_allclose(again, outcome.distance, rtol=1e-6)


def test_streamed_images_collapse_and_are_saved_alike(images, tmp_path):
    settings = TINY["article"].model_copy(update={"input": "stream", "shuffle_buffer": 200})
    pattern = write_shards(tmp_path / "examples", *images, [200, 100, 300])
    with collapsing(FACTORS["article"]):
        train(open_source([pattern], settings, tmp_path), 3, settings, tmp_path)
    assert_best_of_collapse("article", tmp_path)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("where", ["between looks", "after a new best"])
def test_a_killed_training_keeps_its_best(recipe, where, images, collapsed, tmp_path, monkeypatch):
    saves_at = {"conv": 112, "article": 600}[recipe]  # after the collapse; the looks about it are at 108 and 120, 560 and 640
    looks_at = {"conv": 84, "article": 240}[recipe]  # before it; what is since the checkpoints at 80 and 200 is lost
    saved, looked = Checkpoints.save, Best.look

    def save(self, step):
        saved(self, step)
        if where == "between looks" and step == saves_at:
            raise Killed

    def look(self, step):
        distance = looked(self, step)
        if where == "after a new best" and step == looks_at:
            assert nearest(self.looks).step == step
            raise Killed
        return distance

    with collapsing(FACTORS[recipe]):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Checkpoints, "save", save)
            patch.setattr(Best, "look", look)
            train(InMemory(*images), 3, TINY[recipe], tmp_path)
        continued = train(InMemory(*images), 3, TINY[recipe], tmp_path)
    whole, directory = collapsed[recipe]
    assert_equal(continued, whole)
    assert read_outcome(tmp_path) == read_outcome(directory)
    assert distances(tmp_path) == distances(directory)


def test_a_training_whose_numbers_break_exports_its_best_and_says_so_each_time(images, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    with collapsing(float("nan")):
        state = train(InMemory(*images), 3, TINY["conv"], tmp_path)
        again = train(InMemory(*images), 3, TINY["conv"], tmp_path)
    outcome = read_outcome(tmp_path)
    assert (outcome.ended, outcome.reached, outcome.steps) == ("broke down", 100, 144)
    assert 0 < outcome.step <= COLLAPSE["conv"]
    for mine, theirs in zip(state.ema_generator.get_weights(), again.ema_generator.get_weights(), strict=True):
        assert np.isfinite(mine).all()
        np.testing.assert_array_equal(mine, theirs)
    assert caplog.text.count("its numbers broke down by step 100: lower gan.learning_rate or raise gan.gamma") == 2
    assert all(np.isfinite(line["d_loss"]) for line in read_metrics(tmp_path))


def test_nothing_is_exported_of_a_training_that_broke_before_it_had_learned(images, tmp_path):
    settings = TINY["conv"].model_copy(update={"learning_rate": 1e-9, "final_learning_rate": 1e-9, "steps": 72})
    with collapsing(float("nan")), pytest.raises(UserError, match=r"broke down between steps 48 and 56 .* lower gan.learning"):
        train(InMemory(*images), 3, settings, tmp_path)
    assert not (tmp_path / OUTCOME_FILE).exists()


def test_a_training_that_is_worse_for_long_stops_and_is_not_continued(images, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    settings = TINY["conv"].model_copy(update={"stop_after": 0.2})
    with collapsing(FACTORS["conv"]):
        state = train(InMemory(*images), 3, settings, tmp_path)
        outcome, written = read_outcome(tmp_path), read_metrics(tmp_path)
        again = train(InMemory(*images), 3, settings, tmp_path)
    assert outcome.ended == "stopped"
    assert outcome.step <= COLLAPSE["conv"] < outcome.reached < settings.steps
    assert int(state.step) == outcome.reached == written[-1]["step"]
    assert caplog.text.count("clearly further from the train images") == 1
    assert caplog.text.count(f"stopped at step {outcome.reached}, lost for long") == 2
    assert_equal(state, again)
    assert read_outcome(tmp_path) == outcome
    assert read_metrics(tmp_path) == written


@pytest.mark.parametrize("text", ["", "{", '{"step": 1}', '{"unknown": 1}', "[]"])
def test_a_damaged_outcome_is_none(text, tmp_path):
    (tmp_path / OUTCOME_FILE).write_text(text)
    assert read_outcome(tmp_path) is None

"""Images streamed from files: their order, their memory, and damaged files."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.gan.input.shards import Shards, find_shards
from components.gan.input.source import open_source
from components.gan.input.stream import Streamed, shuffled
from components.gan.settings import GanSettings
from components.gan.training.checkpoints import Checkpoints
from components.gan.training.loop import train
from components.transform.pixels import parse_transformed
from serving.repository.errors import UserError
from tests.support.shapes import GREY_28
from tests.support.shards import write_shards
from tests.unit.gan.test_loop import Killed, weights

COUNT, WINDOW = 600, 100
SIZES = [12, 37, 61, 0, 86, 110, 135, 159]  # some smaller than a window, some larger


def write_numbered(directory: Path, sizes: list[int]) -> str:
    """Write 600 images; the first two pixels of each say which it is."""
    numbers = np.arange(COUNT)
    images = np.zeros([COUNT, 28, 28, 1], np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = numbers // 256, numbers % 256
    return write_shards(directory, images, numbers % 3, sizes)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory) -> str:
    return write_numbered(tmp_path_factory.mktemp("numbered"), SIZES)


@pytest.fixture
def shards(pattern, tmp_path) -> Shards:
    return find_shards([pattern], tmp_path)


def order(shards: Shards, position: int, count: int, seed: int = 1) -> list[int]:
    """Numbers of the next images after a position."""
    rows = shuffled(shards, seed, WINDOW, position).rebatch(1).take(count)
    images = rows.map(lambda records: parse_transformed(records, GREY_28)[0]).as_numpy_iterator()
    return [int(image[0, 0, 0, 0]) * 256 + int(image[0, 0, 1, 0]) for image in images]


def test_every_pass_holds_every_image_once_in_an_order_of_its_own(shards):
    seen = order(shards, 0, 3 * COUNT)
    passes = [seen[n * COUNT : (n + 1) * COUNT] for n in range(3)]
    for one in passes:
        assert sorted(one) == list(range(COUNT))
    for one, other in itertools.pairwise(passes):
        assert np.mean(np.equal(one, other)) < 0.02
    # Not only inside the windows: the same images don't stay together.
    assert len(set(passes[0][:WINDOW]) & set(passes[1][:WINDOW])) < 0.6 * WINDOW
    assert order(shards, 0, COUNT, seed=2) != passes[0]


def test_any_position_can_be_gone_on_with(shards):
    whole = order(shards, 0, 3 * COUNT)
    for position in (1, 100, 357, 599, 600, 1234):
        assert order(shards, position, 200) == whole[position : position + 200], position


def test_files_before_the_position_are_not_opened(tmp_path):
    shards = find_shards([write_numbered(tmp_path, [75] * 8)], tmp_path)
    last = order(shards, COUNT - WINDOW, WINDOW)
    needed = {number // 75 for number in last}
    assert len(needed) == 4
    for number, path in enumerate(shards.paths):
        if number not in needed:
            Path(path).unlink()
    assert order(shards, COUNT - WINDOW, WINDOW) == last


@pytest.mark.parametrize("recipe", ["conv", "article"])
def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(recipe, pattern, settings, tmp_path, monkeypatch):
    # Windows and passes of the data end in the middle of batches, before and after the kill.
    mine = settings[recipe].model_copy(update={"input": "stream", "shuffle_buffer": 90, "batch_size": 26})
    whole = train(open_source([pattern], mine, tmp_path / "whole"), 3, mine, tmp_path / "whole")
    save = Checkpoints.save

    def killed_after(self, step):
        save(self, step)
        if step == 16:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", killed_after)
        with pytest.raises(Killed):
            train(open_source([pattern], mine, tmp_path / "killed"), 3, mine, tmp_path / "killed")
    continued = train(open_source([pattern], mine, tmp_path / "killed"), 3, mine, tmp_path / "killed")
    for one, other in zip(weights(continued), weights(whole), strict=True):
        np.testing.assert_array_equal(one, other)


def test_memory_is_bounded_by_the_window_not_by_the_data(tmp_path):
    count, window = 60_000, 1000  # 45 MiB of pixels, windows of 0.8 MiB
    noise = np.random.default_rng(0).integers(0, 256, [1000, 28, 28, 1], np.uint8)
    images = np.broadcast_to(noise, [count // 1000, *noise.shape]).reshape(-1, 28, 28, 1)
    shards = find_shards([write_shards(tmp_path, images, np.zeros(count, np.int64), [count // 4] * 4)], tmp_path / "work")
    del images
    batches = shuffled(shards, 1, window, 0).rebatch(64).as_numpy_iterator()
    next(batches)
    before = largest = _resident_mib()
    for _ in itertools.islice(batches, count // 64 - 1):
        largest = max(largest, _resident_mib())
    assert largest - before < 20


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


@pytest.mark.parametrize(
    ("choice", "limit", "kind"), [("auto", 1, "memory"), ("stream", 1, "stream"), ("memory", 1, "memory"), ("auto", 0, "stream")]
)
def test_size_or_the_setting_decides(pattern, choice, limit, kind, tmp_path, monkeypatch):
    if limit == 0:  # less than any limit that can be set
        monkeypatch.setattr("components.gan.input.source._LABEL_BYTES", 2**20)
    source = open_source([pattern], GanSettings(input=choice, memory_limit_mib=1), tmp_path)
    assert (source.kind, source.count) == (kind, COUNT)


def test_what_does_not_fit_in_memory_is_not_put_there(pattern, tmp_path, monkeypatch):
    monkeypatch.setattr("components.gan.input.source._LABEL_BYTES", 2**20)
    with pytest.raises(UserError, match=r"600 MiB, more than gan.memory_limit_mib=1: raise it, or set gan.input=auto"):
        open_source([pattern], GanSettings(input="memory", memory_limit_mib=1), tmp_path)


@pytest.mark.parametrize("harm", ["cut", "without an end", "flipped", "text"])
def test_a_damaged_file_is_named_before_the_training(pattern, harm, tmp_path):
    whole = sorted(Path(pattern).parent.glob(Path(pattern).name))
    for path in whole:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    victim = tmp_path / whole[4].name
    content = victim.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    victim.write_bytes(
        {"cut": content[:middle], "without an end": content[:-8], "flipped": flipped, "text": b"no examples"}[harm]
    )
    with pytest.raises(UserError) as caught:
        find_shards([str(tmp_path / "transformed*")], tmp_path)
    line = str(caught.value)
    assert line.startswith(f"{victim} is damaged (")
    assert line.endswith("run again with another --home, which makes the examples anew")
    assert "\n" not in line
    assert "{{" not in line


def test_counts_are_kept_until_a_file_changes(pattern, tmp_path):
    shards = find_shards([pattern], tmp_path)
    note = (tmp_path / "shards.json").stat().st_ino
    assert find_shards([pattern], tmp_path) == shards
    assert (tmp_path / "shards.json").stat().st_ino == note  # not written again
    other = write_shards(tmp_path / "other", np.zeros([9, 28, 28, 1], np.uint8), np.zeros(9, np.int64), [4, 5])
    assert find_shards([other], tmp_path).count == 9


def test_the_digest_is_that_of_images_and_labels_in_their_order(tmp_path):
    images, labels = np.arange(4 * 784, dtype=np.int64).reshape(4, 28, 28, 1).astype(np.uint8), np.arange(4) % 2

    def digest(name, order, labels=labels):
        written = write_shards(tmp_path / name, images[order], labels[order], [2, 2])
        return find_shards([written], tmp_path / f"{name} counted").digest

    first = digest("first", [0, 1, 2, 3])
    assert digest("again", [0, 1, 2, 3]) == first
    assert digest("swapped", [1, 0, 2, 3]) != first
    assert digest("files swapped", [2, 3, 0, 1]) != first
    assert digest("other labels", [0, 1, 2, 3], labels[::-1]) != first


def test_no_examples_is_the_users_to_mend(tmp_path):
    with pytest.raises(UserError, match="no examples match"):
        find_shards([str(tmp_path / "none-*")], tmp_path)


def test_a_step_gets_its_own_rows_with_their_labels(shards):
    settings = GanSettings(batch_size=64, shuffle_buffer=WINDOW)
    step = tf.Variable(5, dtype=tf.int64)
    feed = Streamed(shards).feed(settings, step, tf.distribute.get_strategy())
    images, labels = tf.function(feed)()
    numbers = images.numpy()[:, 0, 0, 0].astype(int) * 256 + images.numpy()[:, 0, 1, 0]
    assert numbers.tolist() == order(shards, 5 * 64, 64)
    np.testing.assert_array_equal(labels, numbers % 3)

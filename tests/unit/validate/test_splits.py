"""What keeps a generator from being judged by the evaluation split: an overlap, a class that is missing or scarce."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from components.gate.verdict.conclude import LEAST_EXAMPLES
from components.validate import splits
from components.validate.contents import NO_LABEL, contents
from components.validate.splits import LEAST_OF_SPLIT, SplitFacts, compare, note, problems

NAMES = ["cat", "dog", "owl"]


def write(path, encoded, labels):
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for image, label in zip(encoded, labels, strict=True):
            feature = {"image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image]))}
            if label is not None:
                feature["label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return str(path)


def read(pattern):
    keys, labels = zip(*contents(pattern), strict=True)
    return np.concatenate(keys), np.concatenate(labels)


def images(count, size=(6, 5, 3), seed=0):
    return list(np.random.default_rng(seed).integers(0, 256, (count, *size)).astype(np.uint8))


def png(image, level=9):
    return tf.io.encode_png(image, level).numpy()


def batches(keys, labels=None, size=100):
    keys = np.asarray(keys, np.uint64)
    labels = np.zeros(len(keys), np.int64) if labels is None else np.asarray(labels)
    return [(keys[i : i + size], labels[i : i + size]) for i in range(0, len(keys), size)]


def facts(shared=0, evaluated=1000, train=(500, 500, 500), test=(400, 300, 300)):
    return SplitFacts(
        evaluated, shared, Counter({i: n for i, n in enumerate(train) if n}), Counter({i: n for i, n in enumerate(test) if n})
    )


def test_a_key_is_that_of_the_pixels_whatever_their_compression(tmp_path):
    some = [*images(3), *images(2, (4, 4, 1))]
    first = write(tmp_path / "a.gz", [png(image) for image in some], [0, 1, 2, 0, None])
    second = write(tmp_path / "b.gz", [png(image, 1) for image in some], [0] * 5)
    keys, labels = read(first)
    assert labels.tolist() == [0, 1, 2, 0, NO_LABEL]
    assert len(set(keys.tolist())) == 5
    np.testing.assert_array_equal(keys, read(second)[0])
    # The same bytes in another shape are another image.
    turned = write(tmp_path / "c.gz", [png(some[0].reshape(5, 6, 3))], [0])
    assert read(turned)[0][0] != keys[0]


def test_an_image_that_cannot_be_decoded_is_left_to_others(tmp_path):
    image = images(1)[0]
    keys, _ = read(write(tmp_path / "a.gz", [b"no image", png(image), b"no image"], [0, 0, 0]))
    assert keys[0] == keys[2] != keys[1]
    # It changes no other image's key.
    assert read(write(tmp_path / "b.gz", [png(image, 1)], [0]))[0][0] == keys[1]


def test_memory_is_that_of_a_few_images(tmp_path):
    """Decoded, these fill 768 MB: in a process of its own, since a peak stays what it was."""
    path = write(tmp_path / "a.gz", [png(np.full((1000, 1000, 3), value, np.uint8)) for value in range(256)], [0] * 256)
    small = write(tmp_path / "b.gz", [png(image) for image in images(2)], [0, 0])
    code = f"""
        import resource
        from components.validate.contents import contents

        def peak(path):
            found = len({{key for keys, _ in contents(path) for key in keys.tolist()}})
            return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

        _, before = peak({small!r})
        print(*peak({path!r}), before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    found, peak, before = map(int, done.stdout.split())
    assert found == 256
    assert peak - before < 200


def test_shared_images_are_counted_once_each_in_the_evaluation_split():
    found = compare(batches([1, 2, 3, 3, 4]), batches([3, 9, 4, 4, 10], [0, 1, 0, 0, 1]))
    assert (found.shared, found.evaluated) == (3, 5)
    assert found.eval_classes == {0: 3, 1: 2}
    assert found.train_classes == {0: 5}


def test_a_large_split_is_sampled_by_key(monkeypatch):
    monkeypatch.setattr(splits, "_MOST_KEYS", 2000)
    rng = np.random.default_rng(0)
    evaluated = rng.integers(0, 2**64, 20_000, np.uint64)
    train = np.concatenate([rng.integers(0, 2**64, 50_000, np.uint64), evaluated[:4000]])
    found = compare(batches(rng.permutation(train)), batches(evaluated))
    assert found.evaluated == 20_000
    assert found.shared == pytest.approx(4000, abs=4 * 20_000 * np.sqrt(0.2 * 0.8 / 2000))


def test_nothing_shared_and_nothing_at_all():
    assert compare(batches([1, 2]), batches([3, 4])).shared == 0
    assert compare(batches([]), batches([3])).shared == 0
    assert compare(batches([1]), batches([])) == SplitFacts(0, 0, Counter({0: 1}), Counter())


@pytest.mark.parametrize(
    ("shared", "evaluated", "refused"),
    [(10, 10_000, False), (100, 10_000, False), (101, 10_000, True), (5, 100, False), (6, 100, True), (500, 500, True)],
)
def test_natural_duplicates_are_told_from_an_overlap(shared, evaluated, refused):
    found = problems(facts(shared, evaluated), NAMES, 0.01)
    assert bool(found) == refused
    if refused:
        assert f"{shared} of the {evaluated} images to judge by are training images as well" in found[0]


def test_the_number_of_duplicates_is_said():
    assert note(facts(10, 10_000)) == "10 of 10000 images to judge by are training images as well (0.10%)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test": (500, 500)}, "data.eval_split holds no image of owl, which the other split has: take another data.eval_split"),
        ({"train": (0, 500, 500)}, "data.train_split holds no image of cat"),
        ({"test": (500, 491, 9)}, r"data.eval_split holds too few images to judge by, under 10, of owl \(9\)"),
        ({"train": (500, 3, 2)}, r"data.train_split holds too few .* of dog \(3\), owl \(2\)"),
        ({"evaluated": 99}, "99 images are too few to judge by: take a data.eval_split of at least 100"),
    ],
)
def test_classes_that_cannot_be_judged_are_named(changes, words):
    (found,) = problems(facts(**changes), NAMES, 0.01)
    assert re.search(words, found)


def test_classes_that_are_named_but_nowhere_are_no_problem():
    assert problems(facts(train=(500, 500), test=(500, 500)), NAMES, 0.01) == []
    assert problems(facts(), NAMES, 0.01) == []


def test_images_without_classes_need_none():
    unlabelled = SplitFacts(1000, 0, Counter({NO_LABEL: 5000}), Counter({NO_LABEL: 1000}))
    assert problems(unlabelled, [], 0.01) == []


def test_a_long_list_of_classes_is_cut():
    many = SplitFacts(1000, 0, Counter(dict.fromkeys(range(100), 50)), Counter({0: 1000}))
    (found,) = problems(many, [f"c{i}" for i in range(100)], 0.01)
    assert "c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 and 89 more" in found


def test_the_gate_needs_as_many():
    assert LEAST_OF_SPLIT == LEAST_EXAMPLES

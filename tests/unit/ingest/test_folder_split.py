"""The split that a folder without one gets."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from components.ingest.folder_split import choose_test


def digests(*numbers: int) -> list[bytes]:
    return [hashlib.sha256(str(number).encode()).digest() for number in numbers]


def test_a_tenth_goes_to_test_of_each_class_or_enough_to_judge_by():
    contents, labels = digests(*range(1000)), ["cat"] * 900 + ["dog"] * 95 + ["emu"] * 5
    chosen = choose_test(contents, labels)
    counts = [
        sum(label == wanted and one in chosen for one, label in zip(contents, labels, strict=True))
        for wanted in ("cat", "dog", "emu")
    ]
    assert counts == [90, 10, 2]


@pytest.mark.parametrize(("images", "test"), [(30, 15), (200, 100), (500, 100), (1000, 100), (2000, 200)])
def test_few_images_leave_enough_to_judge_by(images, test):
    assert len(choose_test(digests(*range(images)), [None] * images)) == test


@pytest.mark.parametrize(("classes", "each"), [(1, 200), (3, 67), (8, 25), (7, 143), (9, 113), (10, 100), (12, 40)])
def test_equal_classes_leave_enough_to_judge_by_as_well(classes, each):
    """Rounding class by class loses up to half an image of each."""
    contents, labels = digests(*range(classes * each)), [str(number % classes) for number in range(classes * each)]
    chosen = choose_test(contents, labels)
    assert len(chosen) == max(100, classes * 10)
    assert chosen == choose_test(contents[::-1], labels[::-1])
    taken = Counter(label for one, label in zip(contents, labels, strict=True) if one in chosen)
    assert max(taken.values()) <= (each + 1) // 2


def test_ten_of_each_class_may_be_more_than_ten_thousand():
    classes = 1200
    contents = digests(*range(classes * 20))
    assert len(choose_test(contents, [str(number % classes) for number in range(classes * 20)])) == 12_000


def test_at_most_ten_thousand():
    assert len(choose_test(digests(*range(150_000)), [None] * 150_000)) == 10_000


def test_order_changes_nothing():
    contents = digests(*range(200))
    assert choose_test(contents, [None] * 200) == choose_test(contents[::-1], [None] * 200)


def test_copies_count_and_stay_together():
    """Copies are chosen by their content, so they can't be on both sides; in two classes they count in both."""
    contents, labels = digests(*[number // 2 for number in range(400)]), ["cat", "dog"] * 200
    chosen = choose_test(contents, labels)
    assert 48 <= len(chosen) <= 52


def test_a_further_image_moves_few():
    before = choose_test(digests(*range(1000)), [None] * 1000)
    after = choose_test(digests(*range(1010)), [None] * 1010)
    assert len(before - after) <= 2

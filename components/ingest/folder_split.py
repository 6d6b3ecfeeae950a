"""The train and test splits of a folder that names none: made by content, so that they stay what they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

SHARE, MOST = 0.1, 10_000  # of the images go to the test split, at most so many where that leaves enough of each class
# Of each class and in all, if there are twice as many: the validator stops a run that would be judged by fewer.
_LEAST_OF_CLASS, _LEAST = 10, 100


def choose_test(digests: Sequence[bytes], labels: Sequence[str | None]) -> set[bytes]:
    """Choose the contents of the test split.

    A tenth of each class, at least 10 images of it and 100 in all, but no more than half, in the order of the digests: which
    content goes where depends neither on names nor on what was read first, and copies of an image are never on both sides.

    Args:
        digests: SHA-256 of each image's content.
        labels: Its class; None where there are no classes.

    Returns:
        Digests of the contents that go to the test split.
    """
    counts = Counter(labels)
    classes_of, copies = defaultdict(set), Counter(zip(digests, labels, strict=True))
    for digest, label in copies:
        classes_of[digest].add(label)
    share = min(max(SHARE, min(_LEAST / len(digests), 0.5)), MOST / len(digests))
    wanted = {label: max(round(share * count), min(_LEAST_OF_CLASS, count // 2)) for label, count in counts.items()}
    chosen, taken = set(), Counter()

    def take(digest: bytes) -> None:
        chosen.add(digest)
        taken.update({label: copies[digest, label] for label in classes_of[digest]})

    for digest in sorted(classes_of):
        if any(taken[label] < wanted[label] for label in classes_of[digest]):
            take(digest)
    # Each class by itself was rounded, which may leave a few too few in all.
    for digest in sorted(classes_of.keys() - chosen):
        if taken.total() >= min(_LEAST, len(digests) // 2):
            break
        if all(taken[label] + copies[digest, label] <= (counts[label] + 1) // 2 for label in classes_of[digest]):
            take(digest)
    return chosen

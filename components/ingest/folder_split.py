"""The train and test splits of a folder that names none: made by content, so that they stay what they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

SHARE, MOST = 0.1, 10_000  # of the images go to the test split, at most so many
_LEAST = 10  # of each class, if it has twice as many: by fewer none can be judged


def choose_test(digests: Sequence[bytes], labels: Sequence[str | None]) -> set[bytes]:
    """Choose the contents of the test split.

    A tenth of each class, at least 10 images or half of a smaller one, in the order of the digests: which content goes where depends neither on names nor
    on what was read first, and copies of an image are never on both sides.

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
    share = min(SHARE, MOST / len(digests))
    wanted = {label: max(round(share * count), min(_LEAST, count // 2)) for label, count in counts.items()}
    chosen = set()
    for digest in sorted(classes_of):
        classes = classes_of[digest]
        if any(wanted[label] > 0 for label in classes):
            chosen.add(digest)
            for label in classes:
                wanted[label] -= copies[digest, label]
    return chosen

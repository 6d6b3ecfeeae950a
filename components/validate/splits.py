"""Whether a generator can be judged by the evaluation split: it is not part of the training, and holds enough of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from components.validate.contents import NO_LABEL

Batches = Iterable[tuple[np.ndarray, np.ndarray]]  # keys uint64 [n] and labels int64 [n], of `contents`

# The gate's figures of a class look at an image's 5 nearest neighbours among the class's others: with fewer than twice as many,
# most of the class is everybody's neighbour and no figure can fail.
LEAST_OF_CLASS = 10
LEAST_OF_SPLIT = 100  # as the gate has it
# Images in both splits that are never an overlap, however small the split: two uploads of one photograph, say.
_A_HANDFUL = 5
_MOST_KEYS = 2**20  # kept at once, 8 MiB; of a larger split those with the smallest keys, a random sample of its images


@dataclass
class _Sample:
    """Keys of a split's images: all, or the smallest."""

    keys: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    highest: int = 2**64 - 1  # keys above were not kept

    def add(self, keys: np.ndarray) -> None:
        kept = np.concatenate([self.keys, keys[keys <= np.uint64(self.highest)]])
        if len(kept) > _MOST_KEYS:
            kept = np.partition(kept, _MOST_KEYS - 1)[:_MOST_KEYS]
            self.highest = int(kept.max())
        self.keys = kept


@dataclass(frozen=True)
class SplitFacts:
    """What two splits have in common.

    Attributes:
        evaluated: Images of the evaluation split.
        shared: Those of them whose content is in the training split as well; an estimate where there are more than a million.
        train_classes: Images of each label in the training split.
        eval_classes: The same of the evaluation split.
    """

    evaluated: int
    shared: int
    train_classes: Counter[int]
    eval_classes: Counter[int]


def compare(train: Batches, evaluated: Batches) -> SplitFacts:
    """Look through both splits once, in time linear in their images and bounded memory.

    Args:
        train: The training split.
        evaluated: The evaluation split.
    """
    sample, eval_classes, train_classes = _Sample(), Counter[int](), Counter[int]()
    for keys, labels in evaluated:
        sample.add(keys)
        eval_classes.update(labels.tolist())
    known, counts = np.unique(sample.keys, return_counts=True)
    found = np.zeros(len(known), bool)
    for keys, labels in train:
        train_classes.update(labels.tolist())
        if len(known):
            places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            found[places[known[places] == keys]] = True
    total = eval_classes.total()
    scale = total / max(len(sample.keys), 1)
    return SplitFacts(total, round(int(counts[found].sum()) * scale), train_classes, eval_classes)


def problems(facts: SplitFacts, class_names: Sequence[str], max_shared: float) -> list[str]:
    """Say why a generator that learns from the one split can't be judged by the other; nothing where it can.

    Args:
        facts: Of `compare`.
        class_names: Names by label.
        max_shared: Share of the evaluation split's images, 0..1, that may be in the training split as well.
    """
    found = []
    if facts.shared > max(_A_HANDFUL, max_shared * facts.evaluated):
        found.append(
            f"{facts.shared} of the {facts.evaluated} images to judge by are training images as well, more than "
            f"data.max_shared={max_shared:g}: take a train_split and an eval_split that share none, or remove the duplicates"
        )
    if facts.evaluated < LEAST_OF_SPLIT:
        found.append(f"{facts.evaluated} images are too few to judge by: take a data.eval_split of at least {LEAST_OF_SPLIT}")
    found += _class_problems(facts, class_names)
    return found


def note(facts: SplitFacts) -> str:
    """One line on what was found."""
    share = facts.shared / max(facts.evaluated, 1)
    return f"{facts.shared} of {facts.evaluated} images to judge by are training images as well ({share:.2%})"


def _class_problems(facts: SplitFacts, class_names: Sequence[str]) -> list[str]:
    labels = sorted((facts.train_classes.keys() | facts.eval_classes.keys()) - {NO_LABEL})
    found = []
    for split, here, there in (
        ("train", facts.train_classes, facts.eval_classes),
        ("eval", facts.eval_classes, facts.train_classes),
    ):
        missing = [_named(label, class_names) for label in labels if not here[label] and there[label]]
        scarce = [f"{_named(label, class_names)} ({here[label]})" for label in labels if 0 < here[label] < LEAST_OF_CLASS]
        mend = f"take another data.{split}_split, or leave these classes out"
        if missing:
            found.append(f"data.{split}_split holds no image of {_listed(missing)}, which the other split has: {mend}")
        if scarce:
            found.append(
                f"data.{split}_split holds too few images to judge by, under {LEAST_OF_CLASS}, of {_listed(scarce)}: {mend}"
            )
    return found


def _named(label: int, class_names: Sequence[str]) -> str:
    return class_names[label] if 0 <= label < len(class_names) else str(label)


def _listed(names: list[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

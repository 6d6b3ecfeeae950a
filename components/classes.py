"""Labelled or not: the one rule by which everything after ingest tells, and what unlabelled images are inside."""

from __future__ import annotations

from collections.abc import Sequence

ONE_GROUP = 0  # what transformed examples carry in place of a class


def group_count(class_names: Sequence[str]) -> int:
    """Count the groups in which images are trained on and judged: the classes, or all images where there are none.

    Args:
        class_names: Names by label. Empty means that the images are unlabelled: inside they form one group, and whoever looks
            from outside (terminal, report, clients) is told of no class at all.
    """
    return max(len(class_names), 1)

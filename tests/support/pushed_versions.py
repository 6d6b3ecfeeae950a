"""A serving directory as the pipeline leaves it: tiny generators, judged and pushed."""

from __future__ import annotations

import json
from pathlib import Path

from components.push.layout import push_model
from serving.repository import contract
from serving.repository.layout import model_name
from tests.support.tiny_generator import build_tiny_generator

CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "<nine>"]  # the last must stay text on a page


def push_tiny(serving: Path, scratch: Path, *, scale: float, recall: float) -> int:
    """Build a tiny generator and push it to `serving/mnist_gan` as the next version.

    Args:
        serving: `<home>/serving`.
        scratch: An empty directory.
        scale: Makes it a model of its own.
        recall: A figure of its verdict.

    Returns:
        The version.
    """
    model = build_tiny_generator(scratch / f"model{scale}", scale=scale, training_key=f"k{scale}")
    path = model / contract.METADATA_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), contract.META_CLASS_NAMES: CLASSES}))
    check = {"metric": "recall", "slice": "", "value": recall, "limit": 0.6, "kind": "min", "passed": True}
    verdict = {
        "blessed": True,
        "reason": f"all 1 checks passed (recall {recall})",
        "checks": [check, {**check, "slice": "zero"}, {**check, "kind": "change", "limit": -0.1}],
        "figures": {"recall": recall, "frechet_ratio": 2.5, "examples": 500.0, "a_new_figure": None},
    }
    base = serving / model_name("mnist")
    return push_model(model, base, run_id="run", verdict=verdict, keep_versions=5).version

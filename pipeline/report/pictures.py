"""The report's pictures of samples: side by side, over training, nearest to train images, worst and best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.report import images
from pipeline.report.facts import Facts

_STAGES = 6  # sample grids shown of a training


@dataclass(frozen=True)
class Picture:
    """An embedded picture: data URI, what it shows in words, and a caption."""

    uri: str
    alt: str
    caption: str = ""


def sides(facts: Facts) -> list[tuple[str, list[Picture | None]]]:
    """Make a row a class: its name, and strips of candidate, served version and real images; None where one was not recorded."""
    kinds = {"candidate": "generated", "baseline": "served version's", "real": "real"}
    rows = []
    classes = len(facts.showcase.get("candidate", ()))
    for label in range(classes):
        name = "unlabelled" if facts.unlabelled else (facts.class_name(label) if classes > 1 else "any class")
        strips = []
        for key, kind in kinds.items():
            grid = facts.showcase.get(key, ())
            alt = f"{kind} images of {_called(name)}"
            strips.append(Picture(images.png_uri(images.strip(grid[label])), alt) if label < len(grid) else None)
        rows.append((name, strips))
    return rows


def stages(facts: Facts) -> list[Picture]:
    """Choose sample grids evenly from the first to the last."""
    steps = list(facts.samples)
    places = np.linspace(0, len(steps) - 1, min(_STAGES, len(steps)))
    chosen = [steps[place] for place in sorted({round(place) for place in places})]
    return [
        Picture(images.file_uri(facts.samples[step]), f"grid of generated images after step {step:,}", f"step {step:,}")
        for step in chosen
    ]


def suspicious(facts: Facts) -> list[Picture]:
    """Show the generated images that are nearest to a train image, each beside it."""
    labels = facts.showcase.get("suspicious_label")
    kinds = [f"generated image{_asked(facts, labels, index)}" for index in range(len(facts.showcase.get("suspicious", ())))]
    return list(_pairs(facts, kinds, "suspicious", "nearest_train", "suspicious_distance"))


def honest(facts: Facts) -> list[Picture]:
    """Show the same of real test images."""
    kinds = ["real test image"] * len(facts.showcase.get("suspicious_real", ()))
    return list(_pairs(facts, kinds, "suspicious_real", "nearest_train_of_real", "suspicious_real_distance"))


def scored(facts: Facts, which: str) -> list[Picture]:
    """Show the "worst" or the "best" samples."""
    asked, seen, scores = (facts.showcase.get(f"{which}_{key}") for key in ("label", "predicted", "score"))
    found = []
    for index, image in enumerate(facts.showcase.get(which, ())):
        wanted, judged = _name(facts, asked, index), _name(facts, seen, index)
        caption = f"{wanted} seen as {judged}" if wanted and judged and wanted != judged else wanted or judged
        alt = f"generated image{_asked(facts, asked, index)}" + (f", seen as {judged}" if judged else "")
        score = f", score {scores[index]:.3g}" if scores is not None else ""
        found.append(Picture(images.png_uri(images.strip(image[np.newaxis])), alt + score, caption))
    return found


def _pairs(facts: Facts, kinds: list[str], left: str, right: str, distance: str) -> Iterator[Picture]:
    shown = facts.showcase
    for index, (kind, nearest) in enumerate(zip(kinds, shown.get(right, ()), strict=False)):
        far = f"{shown[distance][index]:.3g}" if distance in shown else ""
        pair = images.strip(np.stack([shown[left][index], nearest]))
        alt = f"{kind} beside its nearest train image" + (f", distance {far}" if far else "")
        yield Picture(images.png_uri(pair), alt, far)


def _name(facts: Facts, labels: np.ndarray | None, index: int) -> str:
    return facts.class_name(int(labels[index])) if labels is not None and labels[index] >= 0 else ""


def _asked(facts: Facts, labels: np.ndarray | None, index: int) -> str:
    name = _name(facts, labels, index)
    return f" of {_called(name)}" if name else ""


def _called(name: str) -> str:
    return name if name == "any class" else f"class {name}"

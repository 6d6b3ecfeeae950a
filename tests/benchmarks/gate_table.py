"""What the gate refuses on a first push: built faults on a run's own generator, and reseeded draws of it that must pass.

    python -m tests.benchmarks.gate_table --home HOME [--out DIR]

HOME has a judged run. Each set of images is judged as `forger evaluate` does, at the gate's own number of images.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from pipeline.home.home import Home
from pipeline.sampling.evaluate import Yardstick
from serving.saved_model.generator import LocalGenerator
from tests.benchmarks.machine import cpu


def main() -> None:
    """Judge every set and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--honest", type=int, default=5, help="reseeded draws that must be blessed")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    home = Home.at(options.home)
    yardstick = Yardstick.of(home, options.dataset, None)
    generator = LocalGenerator(home.model_base(options.dataset))
    rows = []
    for name, wanted, images in _sets(home, yardstick, generator, options):
        began = time.monotonic()
        verdict = yardstick.judge(images, yardstick.labels)
        failed = sorted({check.metric for check in verdict.checks if not check.passed})
        rows.append(
            {
                "generator": name,
                "wanted": "blessed" if wanted else "refused",
                "found": "blessed" if verdict.blessed else "refused",
                "failed": failed,
                "frechet_ratio": verdict.figures["frechet_ratio"],
                "train_frechet_ratio": verdict.figures["train_frechet_ratio"],
                "seconds": round(time.monotonic() - began, 1),
            }
        )
        print(rows[-1], flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    content = {"cpu": cpu(), "images": len(yardstick.images), "dataset": options.dataset, "rows": rows}
    (options.out / f"gate_table_{options.dataset.replace('/', '_')}.json").write_text(
        json.dumps(content, indent=1) + "\n", "utf-8"
    )
    wrong = [row["generator"] for row in rows if row["wanted"] != row["found"]]
    print(f"{len(rows) - len(wrong)} of {len(rows)} as wanted" + (f"; not: {', '.join(wrong)}" if wrong else ""))


def _sets(
    home: Home, yardstick: Yardstick, generator: LocalGenerator, options: argparse.Namespace
) -> Iterator[tuple[str, bool, np.ndarray]]:
    """Name, whether it should be blessed, and images uint8 [N, H, W, C] of the yardstick's classes."""
    rng = np.random.default_rng(0)
    keys, labels = yardstick.keys, yardstick.labels
    own = generator.sample(keys, labels)[0]
    for draw in range(options.honest):
        yield f"the generator, draw {draw + 1}", True, own if not draw else generator.sample(keys ^ (1000 + draw), labels)[0]
    count, (height, width) = len(own), own.shape[1:3]
    train, train_labels = _train(yardstick)
    of_class = {label: np.flatnonzero(train_labels == label) for label in np.unique(labels)}
    copies = train[[rng.choice(of_class[label]) for label in labels]]

    def clipped(values: np.ndarray) -> np.ndarray:
        return np.clip(np.round(values), 0, 255).astype(np.uint8)

    def part(share: float, wrong: np.ndarray) -> np.ndarray:
        images, chosen = own.copy(), rng.permutation(count)[: round(share * count)]
        images[chosen] = wrong[chosen]
        return images

    def marked(rows: slice, columns: slice) -> np.ndarray:
        images = own.copy()
        images[:, rows, columns] = 255
        return images

    board = (np.indices((height, width)).sum(0) % 2 * 2 - 1)[np.newaxis, :, :, np.newaxis]
    whole = slice(None)
    yield "grey noise of 20", False, clipped(own + rng.normal(0, 20, own.shape))
    yield "a checkerboard of 16", False, clipped(own + 16.0 * board)
    yield "first row white", False, marked(slice(0, 1), whole)
    yield "white 3x3 corner", False, marked(slice(0, 3), slice(0, 3))
    yield "a single white pixel", False, marked(slice(0, 1), slice(0, 1))
    yield "50 % train images shifted by a pixel", False, part(0.5, np.roll(copies, 1, 2))
    yield "8 % copies", False, part(0.08, copies)
    yield "5 % black", False, part(0.05, np.zeros_like(own))
    yield "2 % noise", False, part(0.02, rng.integers(0, 256, own.shape).astype(np.uint8))
    others = np.empty_like(own)
    order = np.argsort(labels, kind="stable")
    others[order] = own[np.roll(order, count // 2)]
    yield "2 % wrong label", False, part(0.02, others)
    yield "5 % two on top of each other", False, part(0.05, np.maximum(own, others))
    yield "the test images themselves", False, yardstick.images
    yield "half of the test images", False, part(0.5, yardstick.images)
    yield "dilated by 2x2", False, ndimage.grey_dilation(own, (1, 2, 2, 1))
    yield "half of the styles missing", False, _half_of_the_styles(own, labels, train, train_labels)
    yield "blurred by 0.7", False, clipped(ndimage.gaussian_filter(own.astype(np.float32), (0, 0.7, 0.7, 0)))
    yield "one image a class", False, own[[int(np.flatnonzero(labels == label)[0]) for label in labels]]
    yield "inverted", False, 255 - own
    yield "mirrored", False, own[:, :, ::-1]
    yield "moved by a pixel", False, np.roll(own, 1, 2)
    yield "contrast halved", False, own // 2


def _train(yardstick: Yardstick) -> tuple[np.ndarray, np.ndarray]:
    from components.transform.examples import read_examples

    return read_examples([str(Path(yardstick.examples_path) / "Split-train" / "*")])


def _half_of_the_styles(own: np.ndarray, labels: np.ndarray, train: np.ndarray, train_labels: np.ndarray) -> np.ndarray:
    """Replace each class's images of half of the pixels' k-means clusters by others of the class."""
    from scipy.cluster.vq import kmeans2, vq

    rng, images = np.random.default_rng(0), own.copy()
    for label in np.unique(labels):
        flat = train[train_labels == label][:2000].reshape(-1, own[0].size).astype(np.float32)
        centres, _ = kmeans2(flat, 10, minit="++", rng=np.random.default_rng(1))
        places = np.flatnonzero(labels == label)
        bins = vq(own[places].reshape(len(places), -1).astype(np.float32), centres)[0]
        kept, lost = places[bins >= 5], places[bins < 5]
        if len(kept):
            images[lost] = own[rng.choice(kept, len(lost))]
    return images


if __name__ == "__main__":
    main()

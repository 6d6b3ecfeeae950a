"""How often the gate refuses what it must not: real images against real ones, and reseeded draws of a run's own generator.

    make bench ARGS="gate_resamples --home HOME [--of real generator] [--resamples 100] [--out DIR]"

HOME has a judged run whose generator was blessed. Real against real are random halves of the held-out images, classes matched:
the only ones that neither the judge nor the train statistics have seen. They are nearer to their own split's other half than to
the train images, as those of the same writers are, and rightly count as leaked: that figure is told but not counted. The
generator's are out of a pool of draws, one for each real image, chosen anew each time. Both go through the whole verdict, first
push.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from components.gate.combiners.rows import View, look, shared_eyes, taken
from components.gate.verdict.verdict import Verdict
from pipeline.home.home import Home
from pipeline.sampling.evaluate import Yardstick
from serving.saved_model.generator import LocalGenerator
from tests.benchmarks.machine import cpu

_POOL = 4  # draws for each real image


def main() -> None:
    """Judge every resample, count what was refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--of", nargs="+", choices=("real", "generator"), default=("real", "generator"))
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    home = Home.at(options.home)
    yardstick = Yardstick.of(home, options.dataset, None)
    verdicts_of = {"real": _real, "generator": functools.partial(_generated, LocalGenerator(home.model_base(options.dataset)))}
    for name in options.of:
        ignored = "leaked_share" if name == "real" else ""
        refused, failed, ratios = 0, Counter(), []
        for number, verdict in enumerate(verdicts_of[name](yardstick, options.resamples), 1):
            wrong = [f"{check.metric} {check.slice}".strip() for check in verdict.checks if not check.passed]
            wrong += [f"too few for {metric}" for metric in verdict.too_few_for]
            failed.update(wrong)
            refused += bool(set(wrong) - {ignored})
            ratios.append(verdict.figures["frechet_ratio"])
            print(f"{name}: {number}, {refused} refused, {dict(failed)}", flush=True)
        spread = [round(float(value), 3) for value in (np.mean(ratios), np.std(ratios))]
        found = {"cpu": cpu(), "dataset": options.dataset, "images": len(yardstick.images), "of": name}
        found |= {"resamples": len(ratios), "refused": refused, "failed": dict(failed), "frechet_ratio": spread}
        options.out.mkdir(parents=True, exist_ok=True)
        path = options.out / f"gate_resamples_{options.dataset.replace('/', '_')}_{name}.json"
        path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _real(yardstick: Yardstick, resamples: int) -> Iterator[Verdict]:
    view = look(shared_eyes(yardstick.judge_path), yardstick.images)
    for seed in range(resamples):
        order = np.random.default_rng(seed).permutation(len(yardstick.images))
        order = order[np.argsort(yardstick.labels[order], kind="stable")]
        # Neighbours in this order are of one class: all but the odd one out of each.
        ours, theirs = order[: len(order) // 2 * 2].reshape(-1, 2).T
        same = yardstick.labels[ours] == yardstick.labels[theirs]
        ours, theirs = ours[same], theirs[same]
        yield yardstick.judge_views(
            ours, taken(view, ours), taken(view, theirs), yardstick.images[theirs], yardstick.labels[theirs]
        )


def _generated(generator: LocalGenerator, yardstick: Yardstick, resamples: int) -> Iterator[Verdict]:
    eyes, labels = shared_eyes(yardstick.judge_path), yardstick.labels
    real = look(eyes, yardstick.images, copies=False)
    drawn = [generator.sample(yardstick.keys ^ number, labels)[0] for number in range(1, _POOL + 1)]
    views, rows = [look(eyes, images) for images in drawn], np.arange(len(labels))
    for seed in range(resamples):
        which = np.random.default_rng(seed).integers(0, _POOL, len(labels))
        view = View(*[np.stack(columns)[which, rows] for columns in zip(*views, strict=True)])
        yield yardstick.judge_views(rows, real, view, np.stack(drawn)[which, rows], labels)


if __name__ == "__main__":
    main()

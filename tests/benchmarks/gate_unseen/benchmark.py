"""Whether the gate agrees with a network that it has never seen, on 40 kinds of bad and good generators.

    make bench ARGS="gate_unseen --home HOME [--dataset mnist] [--out DIR]"

HOME has a judged run of the conv recipe. The unseen network (`network.py`) is trained first, then it judges all kinds
(`kinds.py`) by its own rule (`rule.py`); only when these verdicts are written is the gate asked, first push, as
`forger evaluate` asks it. Half an hour on 2 free cores; what was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from components.gate.combiners.rows import look, shared_eyes
from components.ingest.settings import TRAIN_SPLIT
from components.judge.features import load_record
from components.transform.examples import read_examples
from pipeline.home.home import Home
from pipeline.sampling.evaluate import Yardstick
from serving.saved_model.generator import LocalGenerator
from tests.benchmarks.gate_unseen.kinds import GOOD, KINDS
from tests.benchmarks.gate_unseen.network import UnseenNetwork
from tests.benchmarks.gate_unseen.rule import Reference, Seen, faults, limits
from tests.benchmarks.gate_unseen.show import table
from tests.benchmarks.gate_unseen.source import Source
from tests.benchmarks.machine import cpu

_POOL = 4  # draws for each image, of which the resamples are made
_LEAST_ACCURACY = 0.98  # of the network on the test split, or it can't be trusted


def main() -> None:
    """Judge by the network, then by the gate, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--resamples", type=int, default=100, help="of the present generator, which set what is allowed")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    home = Home.at(options.home)
    yardstick = Yardstick.of(home, options.dataset, None)
    generator = LocalGenerator(home.model_base(options.dataset))
    train, train_labels = read_examples([str(Path(yardstick.examples_path) / f"Split-{TRAIN_SPLIT}" / "*")])
    source = Source.of(generator, yardstick.keys ^ 5000, yardstick.labels, train, train_labels)
    made_of = {
        "dataset": options.dataset,
        "images": len(yardstick.images),
        "resamples": options.resamples,
        "generator": generator.metadata["training_key"],
        "judge": load_record(yardstick.judge_path)["digest"],
    }
    path = options.out / f"gate_unseen_{options.dataset.replace('/', '_')}.json"
    found = resumed(path, made_of)
    if found is None:
        cached = options.out / f"unseen_{options.dataset.replace('/', '_')}.weights.h5"
        found = {"cpu": cpu(), "made_of": made_of, **_judged_by_network(cached, yardstick, generator, source, options.resamples)}
        write(path, found)
    _judge_by_gate(path, found, yardstick, source)
    print(table(found["rows"]))
    apart = [row["generator"] for row in found["rows"] if not row["agree"]]
    count = len(found["rows"])
    print(f"{count - len(apart)} of {count} agree" + (f"; not: {', '.join(apart)}" if apart else ""))


def resumed(path: Path, made_of: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an interrupted benchmark of the same generator and judge has found; None: begin anew."""
    found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found if found.get("made_of") == made_of else None


def _judged_by_network(
    cached: Path, yardstick: Yardstick, generator: LocalGenerator, source: Source, resamples: int
) -> dict[str, Any]:
    """Train the network and return its verdicts on all kinds, beside what is allowed and what real images have."""
    even = np.arange(len(source.train)) % 2 == 0
    network = UnseenNetwork.trained(source.train[even], source.train_labels[even], len(yardstick.class_names), cached)
    accuracy = float((network.look(yardstick.images)[1] == yardstick.labels).mean())
    print(f"the unseen network names {accuracy:.2%} of the test images rightly", flush=True)
    if accuracy < _LEAST_ACCURACY:
        raise SystemExit(f"the unseen network is too weak to judge: {accuracy:.4f}, and it takes {_LEAST_ACCURACY}")
    reference, real = _reference(network, source.train[~even], source.train_labels[~even], yardstick.labels)
    present = _resampled(network, reference, generator, yardstick, resamples)
    allowed, rows = limits(present), []
    for name in KINDS:
        figures = reference.figures(_seen(network, _images(name, source), source.labels))
        wrong = faults(figures, allowed)
        row = {"generator": name, "thought": "good" if name in GOOD else "bad", "unseen": "bad" if wrong else "good"}
        rows.append(row | {"unseen_faults": wrong, "unseen_figures": figures})
        print(row, wrong, flush=True)
    means = {name: float(np.mean([figures[name] for figures in present])) for name in allowed}
    return {"accuracy": accuracy, "real": real, "present": means, "allowed": allowed, "rows": rows}


def _judge_by_gate(path: Path, found: dict[str, Any], yardstick: Yardstick, source: Source) -> None:
    """Add the gate's verdict to the rows that have none, each written at once: the gate takes half a minute and more."""
    eyes = shared_eyes(yardstick.judge_path)
    places, real = np.arange(len(yardstick.images)), look(eyes, yardstick.images, copies=False)
    for row in found["rows"]:
        if "gate" in row:
            continue
        images = _images(row["generator"], source)
        verdict = yardstick.judge_views(places, real, look(eyes, images), images, yardstick.labels)
        failed = [check for check in verdict.checks if not check.passed]
        row["gate"] = "good" if verdict.blessed else "bad"
        row["gate_faults"] = sorted({check.metric for check in failed})
        row["gate_checks"] = [
            {"metric": check.metric, "class": check.slice, "value": check.value, "limit": check.limit} for check in failed
        ]
        row["frechet_ratio"] = verdict.figures["frechet_ratio"]
        row["agree"] = row["gate"] == row["unseen"]
        print(row["generator"], row["unseen"], row["gate"], row["gate_faults"], flush=True)
        write(path, found)


def _images(name: str, source: Source) -> np.ndarray:
    """Make a kind's images, the same ones each time."""
    return KINDS[name](source, np.random.default_rng(list(name.encode())))


def _seen(network: UnseenNetwork, images: np.ndarray, labels: np.ndarray) -> Seen:
    return Seen(*network.look(images), labels)


def _reference(
    network: UnseenNetwork, images: np.ndarray, labels: np.ndarray, wanted: np.ndarray
) -> tuple[Reference, dict[str, float]]:
    """Choose two disjoint sets of real images with the classes wanted, int64 [N]; return the figures of the second as well."""
    rng, sets = np.random.default_rng(0), np.empty((2, len(wanted)), np.int64)
    for label in np.unique(wanted):
        places, own = np.flatnonzero(wanted == label), rng.permutation(np.flatnonzero(labels == label))
        if len(own) < 2 * len(places):
            raise SystemExit(f"class {label} has too few train images: {len(own)} in a half, and two sets take {2 * len(places)}")
        sets[:, places] = own[: 2 * len(places)].reshape(2, -1)
    real, others = (_seen(network, images[rows], wanted) for rows in sets)
    reference = Reference(real, others)
    return reference, reference.figures(others)


def _resampled(
    network: UnseenNetwork, reference: Reference, generator: LocalGenerator, yardstick: Yardstick, resamples: int
) -> list[dict[str, float]]:
    """Measure the present generator's figures in resamples of a pool of draws, as `gate_resamples` makes them."""
    labels, rows = yardstick.labels, np.arange(len(yardstick.labels))
    pool = [_seen(network, generator.sample(yardstick.keys ^ number, labels)[0], labels) for number in range(1, _POOL + 1)]
    features, classes = np.stack([draw.features for draw in pool]), np.stack([draw.seen for draw in pool])
    found = []
    for seed in range(resamples):
        which = np.random.default_rng(seed).integers(0, _POOL, len(rows))
        found.append(reference.figures(Seen(features[which, rows], classes[which, rows], labels)))
    return found


def write(path: Path, found: dict[str, Any]) -> None:
    """Write whole or not at all: it is read again when the benchmark goes on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    part.replace(path)

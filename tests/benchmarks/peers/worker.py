"""One contender in a process of its own: python -m tests.benchmarks.peers.worker NAME DATA OUT MARKS SEED [KEY=VALUE ...].

DATA is an npz of `images`, `labels` (to train on) and `wanted` (the classes to draw). At each mark, in seconds of training,
the clock stops, and images are drawn into OUT/<seconds>.npz beside what was measured until then.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

import keras  # noqa: E402
import numpy as np  # noqa: E402

from tests.benchmarks.peers import contenders  # noqa: E402


def main() -> None:
    """Train and draw."""
    name, data, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    marks = [float(mark) for mark in sys.argv[4].split(",")]
    seed = int(sys.argv[5])
    keras.utils.set_random_seed(seed)
    with np.load(data, allow_pickle=False) as stored:
        images, labels, wanted = (stored[key] for key in ("images", "labels", "wanted"))
    contender = contenders.make(name, images, labels, marks[-1], seed, sys.argv[6:])
    out.mkdir(parents=True, exist_ok=True)
    start, seconds = contender.images_seen, 0.0
    for mark in marks:
        seconds += contender.train(mark - seconds)
        np.savez(
            out / f"{mark:g}.npz",
            images=contender.draw(wanted),
            conditional=contender.conditional,
            seconds=seconds,
            images_seen=contender.images_seen - start,
            peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )
        print(f"{name}: {seconds:.0f} s, {contender.images_seen - start} images", flush=True)


if __name__ == "__main__":
    main()

"""Make what the cells of one size read: `python -m tests.benchmarks.scale.prepare WORK IMAGES --data-dir DIR`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

from components.ingest.prepare import prepare  # noqa: E402
from components.ingest.settings import DataSettings  # noqa: E402
from tests.benchmarks.scale.grid import done_file  # noqa: E402
from tests.benchmarks.scale.inputs import enlarged  # noqa: E402
from tests.benchmarks.serving.generator import build  # noqa: E402
from tests.support.gate_builders import digits, save_calibration, save_judge, tiny_judge  # noqa: E402

_REFERENCE = "train[:12000]"  # of the judge: more than the gate's 10,000 images a side


def main() -> None:
    """Make the data, and once for all sizes a judge and a generator."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("images", type=int)
    parser.add_argument("--data-dir", type=Path, required=True)
    options = parser.parse_args()
    mnist = prepare(DataSettings(), options.data_dir)
    enlarged(mnist, options.images, options.work / str(options.images) / "data")
    judge, calibration, generator = (options.work / name for name in ("judge", "calibration", "generator"))
    if not judge.is_dir():
        made = save_judge(options.work / "judge.new", tiny_judge(mnist.directory), *digits(mnist.directory, _REFERENCE))
        made.rename(judge)
    if not calibration.is_dir():
        made = save_calibration(options.work / "calibration.new", judge, *digits(mnist.directory, _REFERENCE))
        made.rename(calibration)
    if not generator.is_dir():
        made = options.work / "generator.new"
        build(made / "Format-Serving", seed=1)
        made.rename(generator)
    done_file(options.work, options.images, "prepare").touch()
    print(json.dumps({"images": options.images}))


if __name__ == "__main__":
    main()

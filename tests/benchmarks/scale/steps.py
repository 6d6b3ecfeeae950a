"""One step on one size of the data, in a process of its own: `python -m tests.benchmarks.scale.steps STEP WORK IMAGES`.

Prints one JSON line: seconds of the step's work without the imports, and this process's memory before it, in MiB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

from tfx.components import StatisticsGen, Transform  # noqa: E402
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent  # noqa: E402
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor  # noqa: E402
from tfx.types import Artifact, artifact_utils, channel_utils, standard_artifacts  # noqa: E402
from tfx.types.standard_component_specs import EXAMPLES_KEY, SCHEMA_KEY  # noqa: E402

from components.gate.settings import GateSettings  # noqa: E402
from components.ingest import record  # noqa: E402
from components.ingest.component import TfdsExampleGen  # noqa: E402
from components.ingest.record import PreparedDataset  # noqa: E402
from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT  # noqa: E402
from components.transform.executor import BACKGROUND, SHAPE  # noqa: E402
from components.validate.executor import statistics_options  # noqa: E402
from components.validate.schema import write_schema  # noqa: E402
from pipeline.engines.base import Engine  # noqa: E402
from pipeline.engines.options import resolve_engine  # noqa: E402
from pipeline.generate.request import DEFAULT_SHARD_SIZE, Layout  # noqa: E402
from pipeline.generate.run import generate_shards  # noqa: E402
from pipeline.home.home import Home  # noqa: E402
from pipeline.terminal.console import make_console  # noqa: E402
from tests.benchmarks.scale.grid import done_file  # noqa: E402
from tests.support.shapes import GREY_28  # noqa: E402


def main() -> None:
    """Run one step."""
    import psutil

    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=_RUN)
    parser.add_argument("work", type=Path)
    parser.add_argument("images", type=int)
    parser.add_argument("--engine", type=json.loads, required=True, help="what `resolve_engine` takes, as JSON")
    options = parser.parse_args()
    place = Place(options.work, options.images, resolve_engine(**options.engine))
    marker = done_file(options.work, options.images, options.step)
    marker.unlink(missing_ok=True)
    before = psutil.Process().memory_info().rss
    began = time.monotonic()
    _RUN[options.step](place)
    marker.touch()
    print(json.dumps({"seconds": round(time.monotonic() - began, 2), "before_mib": before >> 20}), flush=True)
    os._exit(0)  # not waiting for what an engine leaves running


class Place:
    """Where a cell's inputs and outputs lie; a step's output is the next step's input, whichever engine has written it."""

    def __init__(self, work: Path, images: int, engine: Engine) -> None:
        self.work, self.directory, self.images, self.engine = work, work / str(images), images, engine

    @property
    def prepared(self) -> PreparedDataset:
        """The enlarged data set."""
        found = record.load("mnist", self.directory / "data")
        assert found is not None, f"{self.directory / 'data'} holds no data"
        return found

    def artifact(self, kind: type[Artifact], name: str) -> Artifact:
        """An artifact of another step."""
        found = kind()
        found.uri = str(self.directory / name)
        if kind is standard_artifacts.Examples:
            found.split_names = artifact_utils.encode_split_names([TRAIN_SPLIT, EVAL_SPLIT])
        return found

    def run(self, component: BaseBeamComponent, inputs: dict[str, Artifact], **named: str) -> None:
        """Run a component's executor as TFX does; its outputs replace those of an earlier run.

        Args:
            component: The component, made for `inputs`.
            inputs: Its inputs.
            **named: Directories of its outputs by key; of those not named, one by the key.
        """
        outputs = {}
        for key, channel in component.outputs.items():
            outputs[key] = channel.type()
            directory = self.directory / named.get(key, key)
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            outputs[key].uri = str(directory)
        context = BaseBeamExecutor.Context(
            beam_pipeline_args=self.engine.beam_args(), tmp_dir=str(self.directory / "tmp"), unique_id="benchmark"
        )
        properties = {key: value for key, value in component.exec_properties.items() if value is not None}
        lists = ({key: [one] for key, one in artifacts.items()} for artifacts in (inputs, outputs))
        component.executor_spec.executor_class(context).Do(*lists, properties)


def _example_gen(place: Place) -> None:
    prepared = place.prepared
    data_dir = str(place.directory / "data")
    place.run(TfdsExampleGen("mnist", data_dir, "train", "test", prepared.digest), {}, examples="examples")


def _schema(place: Place) -> Artifact:
    schema = standard_artifacts.Schema()
    schema.uri = str(place.directory / "schema")
    if not Path(schema.uri).is_dir():
        written = write_schema(place.prepared, GREY_28, place.directory / "schemas")
        Path(schema.uri).mkdir()
        shutil.copy(written, Path(schema.uri) / "schema.pbtxt")
    return schema


def _statistics_gen(place: Place) -> None:
    inputs = {EXAMPLES_KEY: place.artifact(standard_artifacts.Examples, "examples"), SCHEMA_KEY: _schema(place)}
    channels = {key: channel_utils.as_channel([value]) for key, value in inputs.items()}
    place.run(StatisticsGen(**channels, stats_options=statistics_options()), inputs)


def _transform(place: Place) -> None:
    inputs = {EXAMPLES_KEY: place.artifact(standard_artifacts.Examples, "examples"), SCHEMA_KEY: _schema(place)}
    channels = {key: channel_utils.as_channel([value]) for key, value in inputs.items()}
    component = Transform(
        **channels,
        preprocessing_fn="components.transform.executor.preprocessing_fn",
        disable_statistics=True,
        custom_config={SHAPE: list(GREY_28), BACKGROUND: "#ffffff"},
    )
    place.run(component, inputs, transformed_examples="transformed")


def _gate(place: Place) -> None:
    from tests.support.gate_builders import run_gate

    shutil.rmtree(place.directory / "gate", ignore_errors=True)
    verdict, _, _ = run_gate(
        place.directory / "gate",
        examples=place.directory / "transformed",
        judge=place.work / "judge",
        calibration=place.work / "calibration",
        model=place.work / "generator",
        class_names=[str(label) for label in range(10)],
        settings=GateSettings(),
        beam_args=place.engine.beam_args(),
    )
    assert verdict.figures, verdict.reason  # it refuses an untrained generator, but only after all the work


def _generate(place: Place) -> None:
    out = place.directory / "generated"
    shutil.rmtree(out, ignore_errors=True)
    generate_shards(
        place.work / "generator" / "Format-Serving",
        out,
        Home.at(place.directory / "home"),
        dataset="mnist",
        count=place.images,
        seed=1,
        label=None,
        layout=Layout.TFRECORD,
        shard_size=min(DEFAULT_SHARD_SIZE, -(-place.images // 8)),
        engine=place.engine,
        console=make_console(),
        debug=True,
    )


_RUN: dict[str, Callable[[Place], None]] = {
    "TfdsExampleGen": _example_gen,
    "StatisticsGen": _statistics_gen,
    "Transform": _transform,
    "Gate": _gate,
    "generate": _generate,
}

if __name__ == "__main__":
    main()

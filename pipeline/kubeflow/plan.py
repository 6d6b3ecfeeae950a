"""The first step of every run on a cluster: what a local run settles before its first node.

It prepares the data, resolves the run's parameters, chooses the baseline and writes each later step's execution properties as an
output parameter. They hold the digests of data and code, so KFP's cache, which looks at parameters, sees every change of these.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.home.home import Home
from pipeline.kubeflow.entrypoint import EXIT_USER, start_process, write_output
from pipeline.kubeflow.freshness import EPOCH, current_epoch, made
from pipeline.kubeflow.parameters import CACHE, check_steps, resolve
from pipeline.nodes import USEFULNESS
from serving.repository.errors import UserError, first_line

NAME = "forger"  # of the pipeline; which dataset is a parameter
_LOGGER = logging.getLogger("forger.plan")


def main(arguments: list[str] | None = None) -> int:
    """Run the step; an error of the user's ends in one line and status 2."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True, type=Path, help="the home on the shared volume")
    parser.add_argument("--executor_input", required=True, help="KFP's ExecutorInput, as JSON")
    parser.add_argument("--cache_days", type=float, default=0, help="age at which all results are made anew; 0 for never")
    parser.add_argument("--look", action="store_true", help="count the cached results in the bucket")
    parser.add_argument("--store_endpoint", default="", help="address of an S3 store that isn't AWS's")
    parsed = parser.parse_args(arguments)
    start_process()
    try:
        executor_input = json.loads(parsed.executor_input)
        values = {"settings": {}, **executor_input["inputs"]["parameterValues"]}
        # KFP's own form knows no check: a step without a plan would end the run after the training.
        check_steps(resolve(values), usefulness=USEFULNESS in executor_input["outputs"]["parameters"])
        look = parsed.store_endpoint if parsed.look else None
        plan = make_plan(values, Home.at(parsed.home), parsed.cache_days, look)
        write_plan(executor_input["outputs"]["outputFile"], plan)
    except UserError as error:
        _LOGGER.error("%s", error)
        return EXIT_USER
    return 0


def make_plan(values: Mapping[str, Any], home: Home, cache_days: float = 0, look: str | None = None) -> dict[str, dict[str, Any]]:
    """Settle all that the later steps are told.

    Args:
        values: The pipeline's parameters, see `pipeline.kubeflow.parameters.declare`.
        home: The home on the shared volume.
        cache_days: Age at which cached results no longer count; 0 for never.
        look: Address of the S3 store to look for them in, "" for AWS or GCS; None for not looking.

    Returns:
        The execution properties of each step.

    Raises:
        UserError: Wrong parameters, data that can't be had, a home that can't be used.
    """
    config = resolve(values)
    from components.ingest.prepare import prepare
    from pipeline.pipeline import create_components, places_in

    home.open()
    prepared = prepare(config.data, home.data)
    places = places_in(home, config, prepared, pipeline_name=NAME, pipeline_root="")
    _LOGGER.info("%s %s, baseline %s", prepared.dataset, prepared.version, places.baseline[0] or "none")
    components = create_components(config, prepared, places)
    epoch = current_epoch(home, renew=not values.get(CACHE, True), max_days=cache_days)
    plan = {component.id: _with_epoch(_properties(component), epoch) for component in components}
    classes = [(_class_of(component), plan[component.id]) for component in components]
    if look is not None and _has_lost(classes, home, look):
        epoch = current_epoch(home, renew=True, max_days=cache_days)
        plan = {step: _with_epoch(properties, epoch) for step, properties in plan.items()}
    return plan


def _class_of(component: Any) -> str:
    return component.executor_spec.class_path


def _with_epoch(properties: dict[str, Any], epoch: str) -> dict[str, Any]:
    return properties | ({EPOCH: epoch} if epoch else {})


def _has_lost(plan: list[tuple[str, dict[str, Any]]], home: Home, endpoint: str) -> bool:
    """Look whether all is there that the steps left when they last ran with the same properties, by their executor's class."""
    from pipeline.kubeflow.bucket import lost

    written: dict[str, int] = {}
    for executor_class, properties in plan:
        written |= made(home, executor_class, _text(properties))
    try:
        gone = lost(written, endpoint)
    except OSError as error:
        _LOGGER.warning("can't look into the bucket (%s): a step that misses something will say so", first_line(error))
        return False
    for uri in gone:
        _LOGGER.warning("objects of %s are gone, a lifecycle rule of the bucket? everything is made anew", uri)
    return bool(gone)


def _properties(component: Any) -> dict[str, Any]:
    """Return execution properties as TFX's compiler would write them: numbers and texts, everything else as JSON text."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    def text(value: Any) -> str:
        converted: Any = compiler_utils.value_converter(value)  # None for None alone
        return converted.constant.string_value

    return {
        name: value if isinstance(value, int | float | str) else text(value)
        for name, value in component.exec_properties.items()
        if value is not None
    }


def _text(properties: dict[str, Any]) -> str:
    """Write a step's properties; sorted, because they are part of KFP's cache key."""
    return json.dumps(properties, sort_keys=True)


def write_plan(output_file: str, plan: dict[str, dict[str, Any]]) -> None:
    """Write the plan as output parameters."""
    from pipeline.kubeflow.artifacts import local_path

    parameters = {step: _text(properties) for step, properties in plan.items()}
    write_output(local_path(output_file), {"parameterValues": parameters})


if __name__ == "__main__":
    sys.exit(main())

"""What the user says of an engine, made into one of the engines, or refused in one line."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from pipeline.engines.base import Engine, flag
from pipeline.engines.dataflow import DataflowEngine
from pipeline.engines.flink import FlinkEngine
from pipeline.engines.local import LocalEngine
from pipeline.engines.spark import SparkEngine
from pipeline.validation import refusal
from serving.repository.errors import UserError

ENGINES: dict[str, type[Engine]] = {kind.runner: kind for kind in (LocalEngine, FlinkEngine, SparkEngine, DataflowEngine)}


def resolve_engine(runner: str = "local", **options: Any) -> Engine:
    """Make an engine of what the user said.

    Args:
        runner: Name in ENGINES.
        **options: Fields of the engine; None stands for one that was not named.

    Raises:
        UserError: An option is missing, of no use with this engine, or wrong; the line names it.
    """
    if runner not in ENGINES:
        raise UserError(f"--beam-runner {runner}: choose one of {', '.join(ENGINES)}")
    kind = ENGINES[runner]
    named = {name: value for name, value in options.items() if value is not None}
    for name in named:
        if name not in kind.model_fields:
            takers = [other for other, fields in ENGINES.items() if name in fields.model_fields]
            raise UserError(f"{flag(name)} is for --beam-runner {' or '.join(takers)}, not for {runner}")
    for name, field in kind.model_fields.items():
        if field.is_required() and not named.get(name):
            raise UserError(f"--beam-runner {runner} needs {flag(name)}")
    try:
        return kind.model_validate(named)
    except ValidationError as error:
        raise refusal(error, flag) from None

"""Baseline: brings the served version that the gate compares with into the pipeline."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.baseline.executor import (
    BASELINE_KEY,
    SERVING_BASE_KEY,
    TRAINING_KEY_KEY,
    VERSION_DIGEST_KEY,
    VERSION_KEY,
    Executor,
)


class BaselineSpec(types.ComponentSpec):
    """No input: what is served is a parameter, so that a change of it is a change of the cache's key."""

    PARAMETERS = {  # noqa: RUF012 (TFX reads a plain class attribute)
        SERVING_BASE_KEY: ExecutionParameter(type=str),
        TRAINING_KEY_KEY: ExecutionParameter(type=str),
        VERSION_KEY: ExecutionParameter(type=str),
        VERSION_DIGEST_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {}  # noqa: RUF012
    OUTPUTS = {BASELINE_KEY: ChannelParameter(type=standard_artifacts.Model)}  # noqa: RUF012


class Baseline(base_component.BaseComponent):
    """Brings the served version that the gate compares with into the pipeline."""

    SPEC_CLASS = BaselineSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, *, serving_base: str, training_key: str, version: str, version_digest: str) -> None:
        """Wire the component.

        Args:
            serving_base: The model base directory.
            training_key: Identity of the model that will be judged.
            version: The number of the version to compare with, "" for none (`choose_baseline`).
            version_digest: Digest of the version's metadata, for TFX's cache.
        """
        spec = BaselineSpec(
            serving_base=serving_base,
            training_key=training_key,
            version=version,
            version_digest=version_digest,
            baseline=types.Channel(type=standard_artifacts.Model),
        )
        super().__init__(spec=spec)

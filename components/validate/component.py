"""FatalExampleValidator: the stock ExampleValidator, which stops the run on any anomaly."""

from __future__ import annotations

from tfx.components import ExampleValidator
from tfx.dsl.components.base import executor_spec

from components.validate.executor import Executor


class FatalExampleValidator(ExampleValidator):
    """ExampleValidator that stops the run on any anomaly. Takes and makes what the stock one does."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

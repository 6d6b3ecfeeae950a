"""An executor that takes the Trainer's place in a job: it writes down what each replica saw."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor


class Executor(base_executor.BaseExecutor):
    """The chief copies its input into the model; the other replicas end as TFX's Trainer does where nothing was exported."""

    def Do(self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]) -> None:
        """Write the model.

        Raises:
            RuntimeError: This is not the chief.
        """
        config = json.loads(os.environ["TF_CONFIG"])
        if config["task"]["type"] != "chief":
            raise RuntimeError("run_fn failed to generate model.")
        text = (Path(input_dict["examples"][0].uri) / "data").read_text(encoding="utf-8")
        model = output_dict["model"][0]
        content = {"examples": text, "cluster": config["cluster"]}
        (Path(model.uri) / "model.json").write_text(json.dumps(content), encoding="utf-8")
        model.set_string_custom_property("trained_in", model.uri)

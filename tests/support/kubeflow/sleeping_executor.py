"""An executor that never ends by itself: a training that is cut off."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor


class Executor(base_executor.BaseExecutor):
    """Writes a file into the model, then waits."""

    def Do(self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]) -> None:
        """Wait."""
        (Path(output_dict["model"][0].uri) / "started").touch()
        time.sleep(600)

"""How a training ended, and which of its averages it gave; needs no TensorFlow, so that reports open quickly."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from serving.repository.durable import replace_file

OUTCOME_FILE = "outcome.json"  # in the journal

# At its last step; early, because it was lost for long; by a figure that isn't finite.
End = Literal["whole", "stopped", "broke down"]


@dataclass(frozen=True)
class Outcome:
    """The end of a training.

    Attributes:
        step: Of the average that is exported.
        reached: Steps that were taken.
        steps: Steps that were planned.
        ended: How.
        distance: Of the exported average from the train images, see `distance.py`; None where none was measured.
        last_distance: Of the last average that was measured.
    """

    step: int
    reached: int
    steps: int
    ended: End = "whole"
    distance: float | None = None
    last_distance: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """Tell a person, in one line."""
        if self.ended == "whole" and self.step == self.steps:
            measured = "" if self.distance is None else f", at distance {self.distance:.3g} from the train images"
            return f"exported the average of the last step, {self.step:,}{measured}"
        why = {
            "whole": "",
            "stopped": f"; stopped at step {self.reached:,}, lost for long",
            "broke down": f"; its numbers broke down by step {self.reached:,}: lower gan.learning_rate or raise gan.gamma",
        }[self.ended]
        end = f" ({self.last_distance:.3g} at the end)" if self.last_distance != self.distance else ""
        return (
            f"exported the best average, of step {self.step:,} of {self.steps:,}, at distance {self.distance:.3g} from the train "
            f"images{end}{why}"
        )


def write_outcome(directory: Path, outcome: Outcome) -> None:
    """Write a training's outcome into its journal, atomically."""
    replace_file(directory / OUTCOME_FILE, json.dumps(outcome.as_dict()) + "\n")


def read_outcome(directory: Path) -> Outcome | None:
    """Read a training's outcome; None where it has not ended, or can't be read."""
    try:
        return Outcome(**json.loads((directory / OUTCOME_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # pruned, damaged, or of another version
        return None

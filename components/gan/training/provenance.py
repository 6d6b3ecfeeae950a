"""What a training's key can't tell: the order of its examples, and the dtype and devices of each stretch of its steps."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from components.progress import log_note
from serving.repository.durable import replace_file

_FILE = "provenance.json"  # beside the checkpoints


class Stretch(BaseModel):
    """Steps that were trained in one dtype on one kind of device.

    Attributes:
        step: The one after which they begin.
        precision: Keras dtype policy.
        devices: Their name and number.
    """

    model_config = ConfigDict(extra="forbid")

    step: int
    precision: str
    devices: str


class Provenance(BaseModel):
    """What is known of a training in a directory.

    Attributes:
        examples: `Source.digest`; a cluster writes the examples in whatever order, and another order is another training.
        stretches: In the order of their steps.
    """

    model_config = ConfigDict(extra="forbid")

    examples: str = ""
    stretches: list[Stretch] = []

    @classmethod
    def read(cls, directory: Path) -> Provenance:
        """Read what `save` wrote; what isn't there or can't be read tells nothing."""
        try:
            return cls.model_validate_json((directory / _FILE).read_bytes())
        except (OSError, ValidationError):
            return cls()

    def save(self, directory: Path) -> None:
        """Write it into a training's directory, atomically."""
        directory.mkdir(parents=True, exist_ok=True)
        replace_file(directory / _FILE, self.model_dump_json(indent=1))

    def is_of(self, examples: str) -> bool:
        """Say whether a training with these examples may go on here."""
        return not self.stretches or self.examples == examples

    def go_on(self, examples: str, stretch: Stretch) -> Provenance:
        """Return it with a stretch that begins now; what came after its first step was lost with the checkpoints."""
        before = [one for one in self.stretches if one.step < stretch.step] if self.is_of(examples) else []
        if before and before[-1].precision != stretch.precision:
            log_note(
                f"trained in {before[-1].precision} up to step {stretch.step}, from here on in {stretch.precision}: the weights "
                "will be others than after a training on one kind of machine"
            )
        same = bool(before) and (before[-1].precision, before[-1].devices) == (stretch.precision, stretch.devices)
        return Provenance(examples=examples, stretches=before if same else [*before, stretch])

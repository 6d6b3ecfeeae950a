"""What all engines have: typed fields, named as the options of the command are, and what Beam is told for them."""

from __future__ import annotations

import abc
import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, model_validator

BEAM_VERSION = version("apache-beam")
# A container image, even one that nothing uses, keeps TFX from building a source distribution of itself for every Beam step.
NO_IMAGE = "none"


class Engine(BaseModel, abc.ABC):
    """What all engines have."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    runner: ClassVar[str]
    patience_s: ClassVar[int] = 180  # how long the workers may take to answer the probe

    beam: tuple[str, ...] = ()  # further Beam arguments; an argument named again wins

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Engine:
        for argument in self.beam:
            if not argument.startswith("--"):
                raise ValueError(f"--beam {argument}: a Beam argument starts with --, e.g. --beam=--max_parallelism=128")
            if argument.split("=")[0] == "--runner":
                raise ValueError(f"--beam {argument}: choose the engine with --beam-runner")
        return self

    @abc.abstractmethod
    def arguments(self) -> list[str]:
        """Return what Beam is told for the fields."""

    def beam_args(self, job_name: str = "forger") -> list[str]:
        """Return Beam's command-line arguments.

        Args:
            job_name: What the engine's own pages call the job: lower case, digits and hyphens, which all engines take.
        """
        return [*self.arguments(), f"--job_name={job_name}", *self.beam]

    def check(self, prefix: str) -> None:
        """Check what can be known before Beam sends a job, and end what an earlier run has left; nothing by default.

        Args:
            prefix: `job_prefix` of the home.

        Raises:
            UserError: One line that says what isn't so.
        """

    def end_jobs(self, prefix: str) -> None:
        """End what this run has left on the engine; nothing by default."""


def job_prefix(home: Path) -> str:
    """Return what the names of a home's jobs begin with, so that its next run can tell them from others'."""
    return f"forger-{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"


def flag(field: str) -> str:
    """Return a field's option on the command line."""
    return "--" + field.replace("_", "-")


def check_address(text: str, option: str, *schemes: str) -> None:
    """Check HOST:PORT, with or without one of some schemes."""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        good = bool(parts.hostname) and bool(parts.port) and parts.scheme in ("", *schemes)
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{option} must be HOST:PORT, not {text!r}")

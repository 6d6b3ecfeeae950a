"""One version of a model: where it stands, what it holds in memory, and what is said where it can't be had."""

from __future__ import annotations

from dataclasses import dataclass

from serving.saved_model.servable import Servable
from serving.server.requests.batching import Batcher


@dataclass(frozen=True)
class VersionState:
    """Where a version stands.

    Attributes:
        version: Its number.
        state: A name of TensorFlow Serving's ModelVersionStatus.State: LOADING, AVAILABLE, UNLOADING or END.
        error: Why it could not be loaded; empty where nothing went wrong.
    """

    version: int
    state: str
    error: str = ""


class UnknownLabel(LookupError):
    """No version has that label."""


class NotServed(LookupError):
    """The version is not served; `version` is its number, None where any would have done."""

    def __init__(self, version: int | None) -> None:
        super().__init__(version)
        self.version = version


@dataclass(eq=False)
class LoadedVersion:
    """A version in memory: what runs its signatures, and how many requests hold on to it."""

    number: int
    servable: Servable
    batcher: Batcher
    users: int = 0

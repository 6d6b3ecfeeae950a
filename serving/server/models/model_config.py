"""Which models a server serves, and which of their versions: TensorFlow Serving's ModelConfig, checked and typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.repository.errors import UserError
from serving.repository.layout import zero_led_directories

if TYPE_CHECKING:
    from tensorflow_serving.config.model_server_config_pb2 import ModelConfig as ModelConfigProto
    from tensorflow_serving.config.model_server_config_pb2 import ModelConfigList

_PLATFORM = "tensorflow"
_POLICIES = "`latest`, `latest:N`, `all` or `specific:N,N,...`"


@dataclass(frozen=True)
class VersionPolicy:
    """Which of the versions on disk are served at once.

    Attributes:
        newest: Serve this many of the newest; None for no limit.
        specific: Serve only these; None for any.
    """

    newest: int | None = 1
    specific: tuple[int, ...] | None = None

    @classmethod
    def parse(cls, text: str) -> VersionPolicy:
        """Read a policy as the command line has it: `latest`, `latest:2`, `all`, `specific:3,5`.

        Raises:
            UserError: Anything else.
        """
        kind, _, value = text.partition(":")
        numbers = value.split(",") if value else []
        if all(number.isascii() and number.isdecimal() and int(number) > 0 for number in numbers):
            if kind == "latest" and len(numbers) <= 1:
                return cls(newest=int(numbers[0]) if numbers else 1)
            if kind == "all" and not numbers:
                return cls(newest=None)
            if kind == "specific" and numbers:
                return cls(newest=None, specific=tuple(sorted({int(number) for number in numbers})))
        raise UserError(f"{text!r} is not a version policy: give {_POLICIES}")

    def __str__(self) -> str:
        if self.specific is not None:
            return f"specific:{','.join(map(str, self.specific))}"
        return "all" if self.newest is None else "latest" if self.newest == 1 else f"latest:{self.newest}"

    def candidates(self, on_disk: Iterable[int]) -> list[int]:
        """The versions that the policy asks for, newest first; the first `newest` of them that load are served.

        A specific one counts although it is not on disk: that it is missing is to be said, and no other may take its place.
        """
        return sorted(on_disk if self.specific is None else self.specific, reverse=True)


LATEST = VersionPolicy()


@dataclass(frozen=True)
class ModelConfig:
    """One model: its name, the directory of its versions, which of those are served, and versions by label."""

    name: str
    base: Path
    policy: VersionPolicy = LATEST
    labels: Mapping[str, int] = field(default_factory=dict)


def skipped_directories(model: ModelConfig) -> list[str]:
    """What is wrong with directories that look like versions and aren't, a line each."""
    return [
        f"{name} of {model.name} is skipped: a version's directory has its number without leading zeros; rename it to {int(name)}"
        for name in zero_led_directories(model.base)
    ]


def from_proto(proto: ModelConfigProto, root: Path) -> ModelConfig:
    """Read one entry of a ModelConfigList.

    Args:
        proto: The entry.
        root: The directory that a relative base_path is in.

    Raises:
        UserError: What TensorFlow Serving refuses too (model_servers/server_core.cc).
    """
    if proto.model_type:
        raise UserError(f"model {proto.name}: model_type is deprecated, set model_platform to {_PLATFORM!r}")
    if not proto.model_platform:
        raise UserError(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform, "
            f"model name is {proto.name}"
        )
    if proto.model_platform != _PLATFORM:
        raise UserError(f"Model {proto.name} requests unsupported platform {proto.model_platform}")
    if not proto.name or not proto.base_path or "\0" in proto.base_path:
        raise UserError(f"model {proto.name!r} needs a name and a base_path")
    return ModelConfig(proto.name, root / proto.base_path, _policy(proto.model_version_policy), dict(proto.version_labels))


def from_list(protos: ModelConfigList, root: Path) -> list[ModelConfig]:
    """Read a ModelConfigList; arguments and errors as for `from_proto`."""
    names: set[str] = set()
    for proto in protos.config:
        if proto.name in names:
            raise UserError(f"Illegal to list model {proto.name} multiple times in config list")
        names.add(proto.name)
    return [from_proto(proto, root) for proto in protos.config]


def _policy(proto: Any) -> VersionPolicy:
    choice = proto.WhichOneof("policy_choice")
    if choice == "all":
        return VersionPolicy(newest=None)
    if choice == "specific":
        return VersionPolicy(newest=None, specific=tuple(sorted(set(proto.specific.versions))))
    return VersionPolicy(newest=max(proto.latest.num_versions, 1))

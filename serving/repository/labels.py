"""Which versions are served: an entry in TensorFlow Serving's own models.config, which every server polls.

The entry lists the versions to keep loaded, and labels them: `stable`, the one before it as `previous` (loaded, so that a
rollback takes one poll), and a `canary` under trial. A request without a label gets the highest number that is loaded, as
TensorFlow Serving has it: the canary while there is one, else `stable`. Clients that want no canary ask for the label `stable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from serving.repository import contract, durable
from serving.repository.errors import UserError
from serving.repository.layout import list_versions
from serving.repository.locks import locked, only_writer
from serving.repository.manifest import manifest_problem
from serving.repository.metadata import metadata_or_nothing
from serving.repository.models_config import parse_models_config

if TYPE_CHECKING:
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

RELEASING = ".releasing"  # holds the version that a push was about to release: a killed push is finished by the next
_LOCK = ".models.lock"
_HEADER = "# Written by Forger: push, `forger rollback` and `forger promote` replace it. A base_path changed by hand is kept.\n"


@dataclass(frozen=True)
class Served:
    """The versions of one model that are served, by label; None where there is no such version."""

    stable: int | None = None
    previous: int | None = None
    canary: int | None = None

    @property
    def labels(self) -> dict[str, int]:
        """Version by label."""
        found = {
            contract.LABEL_STABLE: self.stable,
            contract.LABEL_PREVIOUS: self.previous,
            contract.LABEL_CANARY: self.canary,
        }
        return {label: version for label, version in found.items() if version is not None}

    @property
    def versions(self) -> list[int]:
        """Versions to keep loaded, oldest first."""
        return sorted(set(self.labels.values()))


def served(base: Path, *, ignoring: int | None = None) -> Served:
    """Read what is served of a model.

    Args:
        base: The model base directory.
        ignoring: A version that doesn't count.

    Returns:
        The labelled versions that are on disk. Where models.config says nothing, the newest whole version is stable: that is
        what a server without models.config serves.

    Raises:
        UserError: models.config can't be read.
    """
    whole = [version for version in list_versions(base) if version != ignoring]
    labels: dict[str, int] = {}
    for entry in _read(base.parent / contract.MODELS_CONFIG_FILE).model_config_list.config:
        if entry.name == base.name:
            labels = {label: version for label, version in entry.version_labels.items() if version in whole}
    previous, canary = labels.get(contract.LABEL_PREVIOUS), labels.get(contract.LABEL_CANARY)
    others = [version for version in whole if version != canary]
    stable = labels.get(contract.LABEL_STABLE) or previous or (others[-1] if others else None)
    return Served(stable, previous if previous != stable else None, canary)


def release(base: Path, version: int, *, canary: bool) -> None:
    """Serve a version that was just pushed; the caller holds the base.

    Args:
        base: The model base directory.
        version: The new version.
        canary: Serve it beside the stable one, which keeps its label; without one it becomes stable all the same.
    """
    now = served(base, ignoring=version)
    if canary and now.stable is not None:
        _write(base, Served(now.stable, now.previous, version))
    else:
        _write(base, Served(version, now.stable))


def finish_release(base: Path) -> None:
    """Release what a killed push had put in place but not yet released; the caller holds the base."""
    intent = base / RELEASING
    if not intent.exists():
        return
    version, _, how = intent.read_text(encoding="ascii").partition(" ")
    if version.isdecimal() and int(version) in list_versions(base):
        release(base, int(version), canary=how.strip() == contract.LABEL_CANARY)
    intent.unlink()
    durable.sync(base)  # one that came back with the power would undo what is said to be served later


def roll_back(base: Path, to: int | None = None) -> Served:
    """Serve an older version again, or any other that is on disk.

    Without `to`, a canary under trial is withdrawn; else the version that was stable before becomes stable again. With it, the
    canary is withdrawn, too. The rollback holds until the next new version is pushed: that one passed the gate, and takes over.

    Only what is loaded already becomes `previous`: TensorFlow Serving moves labels all at once, when every version that has one
    is loaded, and until then `stable` would point to the version that was just left.

    Args:
        base: The model base directory.
        to: The version that becomes stable.

    Raises:
        UserError: Nothing to go back to, no such version, or a damaged one.
    """
    _check_base(base)
    with only_writer(base):
        now, whole = served(base), list_versions(base)
        if to is None and now.canary is not None:
            wanted = Served(now.stable, now.previous)
        else:
            target = to or now.previous or _stable_before(base, now.stable, whole)
            if target is None:
                raise UserError(
                    f"there is no version before {now.stable} in {base}: push another with `forger run`, or name one with --to"
                )
            _check_version(base, target, whole)
            wanted = Served(target, max((version for version in now.versions if version < target), default=None))
        (base / RELEASING).unlink(missing_ok=True)  # what a killed push wanted no longer counts
        _write(base, wanted)
        return wanted


def promote(base: Path) -> Served:
    """Make the canary the stable version.

    Raises:
        UserError: There is no canary, or it is damaged.
    """
    _check_base(base)
    with only_writer(base):
        now = served(base)
        if now.canary is None:
            raise UserError(f"there is no canary in {base}: push one with `forger run --set push.canary=true`")
        _check_version(base, now.canary, list_versions(base))
        wanted = Served(now.canary, now.stable)
        (base / RELEASING).unlink(missing_ok=True)  # else the next push would make it a canary again
        _write(base, wanted)
        return wanted


def forget_previous(base: Path) -> None:
    """Stop serving the previous version, which is about to be deleted; the caller holds the base."""
    now = served(base)
    _write(base, Served(now.stable, None, now.canary))


def move_base_paths(root: Path, old: Path, new: Path) -> None:
    """Name the models of a root that was moved by where they are now.

    Args:
        root: The directory of models.config.
        old: A directory that held the root.
        new: Where that directory is now.

    Raises:
        UserError: models.config can't be read.
    """
    path = root / contract.MODELS_CONFIG_FILE
    if not path.is_file():
        return
    with locked(root / _LOCK):
        config = _read(path)
        for entry in config.model_config_list.config:
            base = root / entry.name
            # Only what we wrote ourselves: a path changed by hand is where a server elsewhere sees the model.
            if Path(entry.base_path) == old / base.relative_to(new):
                entry.base_path = str(base)
        _replace(path, config)


def _stable_before(base: Path, stable: int | None, whole: list[int]) -> int | None:
    """Find what was stable when a version was pushed: a lower number may be one that was left, or a canary that was withdrawn."""
    if stable is None:
        return None
    verdict = metadata_or_nothing(base / str(stable)).get(contract.META_GATE)
    recorded = verdict.get(contract.GATE_SERVED_VERSION) if isinstance(verdict, dict) else None
    if isinstance(recorded, str):
        return int(recorded) if recorded.isdecimal() and int(recorded) in whole else None
    return max((version for version in whole if version < stable), default=None)


def _check_base(base: Path) -> None:
    if not list_versions(base):
        raise UserError(f"no version is pushed in {base}: push one with `forger run`")


def _check_version(base: Path, version: int, whole: list[int]) -> None:
    if version not in whole:
        raise UserError(f"version {version} is not in {base}: choose one of {', '.join(map(str, whole))}")
    problem = manifest_problem(base / str(version))
    if problem:
        raise UserError(f"version {version} is damaged: {problem}; choose another with --to")


def _read(path: Path) -> ModelServerConfig:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    try:
        return parse_models_config(path, content)
    except UserError as error:
        raise UserError(f"{error}: mend it, or delete it to serve the newest") from error


def _write(base: Path, wanted: Served) -> None:
    path = base.parent / contract.MODELS_CONFIG_FILE
    with locked(base.parent / _LOCK):  # other models share the file
        config = _read(path)
        entries = config.model_config_list.config
        entry = next((one for one in entries if one.name == base.name), None) or entries.add(name=base.name)
        entry.base_path = entry.base_path or str(base.absolute())  # TensorFlow Serving takes no relative ones
        entry.model_platform = "tensorflow"
        entry.model_version_policy.specific.ClearField("versions")
        entry.model_version_policy.specific.versions.extend(wanted.versions)
        entry.ClearField("version_labels")
        entry.version_labels.update(wanted.labels)
        _replace(path, config)


def _replace(path: Path, config: ModelServerConfig) -> None:
    from google.protobuf import text_format

    durable.remove_partials(path.parent, path.name)
    durable.replace_file(path, (_HEADER + text_format.MessageToString(config)).encode())

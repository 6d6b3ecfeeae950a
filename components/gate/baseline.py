"""Baseline: a copy of the served version that a new generator must not fall behind."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import path_utils

from components.errors import UserError
from components.progress import note
from components.push.served import served
from serving import contract

BASELINE_KEY = "baseline"
AUTO = "auto"
# Custom properties of the output artifact.
EMPTY_PROPERTY = "empty"  # 1: there is no baseline
VERSION_PROPERTY = "version"  # the served version's number, as a string
DIGEST_PROPERTY = "version_digest"  # digest of that version's metadata, see `choose_baseline`

_SERVING_BASE, _TRAINING_KEY, _VERSION, _VERSION_DIGEST = "serving_base", "training_key", "version", "version_digest"


def choose_baseline(serving_base: Path, training_key: str) -> tuple[str, str]:
    """Choose the served version that a model is compared with.

    That is the stable version. If the stable version is this very model, it is what that was compared with when it was pushed: a
    model is never judged against itself, and an unchanged rerun finds everything in the cache, even where that older version has
    been pruned since. If the pushed model doesn't say, it is the newest version of another model; none if there is no other.

    Args:
        serving_base: The model base directory, e.g. `<home>/serving/mnist_gan`.
        training_key: Identity of the model to be judged (contract.META_TRAINING_KEY).

    Returns:
        The version ("" for none) and a digest of that version's metadata ("" for none).

    Raises:
        UserError: What says which versions are served can't be read.
    """
    stable = served(serving_base).stable
    if stable is not None:
        metadata = _metadata(serving_base, stable)
        if metadata.get(contract.META_TRAINING_KEY) != training_key:
            return str(stable), _digest(serving_base, stable)
        verdict = metadata.get(contract.META_GATE)
        if isinstance(verdict, dict):
            version, digest = verdict.get("served_version"), verdict.get("served_digest")
            if isinstance(version, str) and isinstance(digest, str):
                return version, digest
    others = _other_models(serving_base, training_key)
    return (str(others[-1]), _digest(serving_base, others[-1])) if others else ("", "")


def _other_models(serving_base: Path, training_key: str) -> list[int]:
    return [
        version
        for version in contract.list_versions(serving_base)
        if _metadata(serving_base, version).get(contract.META_TRAINING_KEY) != training_key
    ]


def _digest(serving_base: Path, version: int) -> str:
    digest = hashlib.sha256()
    for name in (contract.METADATA_FILE, contract.MANIFEST_FILE):
        file = serving_base / str(version) / name
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def _metadata(serving_base: Path, version: int) -> dict[str, Any]:
    try:
        metadata = json.loads((serving_base / str(version) / contract.METADATA_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return metadata if isinstance(metadata, dict) else {}


class Executor(base_executor.BaseExecutor):
    """Copies the version, so that the evaluation doesn't depend on what is pruned later."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Fill the output artifact, or mark it empty.

        Args:
            input_dict: Nothing.
            output_dict: baseline.
            exec_properties: serving_base, training_key, version, version_digest.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[BASELINE_KEY])
        base, key = Path(exec_properties[_SERVING_BASE]), exec_properties[_TRAINING_KEY]
        version, digest = exec_properties[_VERSION], exec_properties[_VERSION_DIGEST]
        if version == AUTO:
            version, digest = choose_baseline(base, key)
        if version and not (base / version).is_dir():
            others = _other_models(base, key)
            instead = f"{others[-1]} stands in" if others else "judged without a baseline"
            note(f"version {version} is no longer in {base}: {instead}")
            version, digest = (str(others[-1]), _digest(base, others[-1])) if others else ("", "")
        copy = Path(path_utils.serving_model_dir(artifact.uri))
        shutil.rmtree(copy, ignore_errors=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if version:
            try:
                shutil.copytree(base / version, copy)
            except (OSError, shutil.Error) as error:
                raise UserError(f"version {version} in {base} cannot be copied: {error}; mend or remove it") from error
        artifact.set_string_custom_property(VERSION_PROPERTY, version)
        artifact.set_string_custom_property(DIGEST_PROPERTY, digest)
        artifact.set_int_custom_property(EMPTY_PROPERTY, 0 if version else 1)


class BaselineSpec(types.ComponentSpec):
    """No input: what is served is a parameter, so that a change of it is a change of the cache's key."""

    PARAMETERS = {  # noqa: RUF012 (TFX reads a plain class attribute)
        _SERVING_BASE: ExecutionParameter(type=str),
        _TRAINING_KEY: ExecutionParameter(type=str),
        _VERSION: ExecutionParameter(type=str),
        _VERSION_DIGEST: ExecutionParameter(type=str),
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
            version: The version's number, "" for none, or "auto" to choose when the component runs (`choose_baseline`).
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

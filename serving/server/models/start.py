"""Why a start is refused once every model was looked at: nothing can be served, or a label was given to what is not served."""

from __future__ import annotations

from collections.abc import Mapping

from serving.server.models.config_file import ConfigFile
from serving.server.models.model_config import skipped_directories
from serving.server.models.versions import ModelVersions


def start_problem(models: Mapping[str, ModelVersions], file: ConfigFile | None, *, by_hand: bool) -> str | None:
    """What is wrong with all models, or with the labels of one.

    One model of several that cannot be served does not stop the others: its health is NOT_SERVING.

    Args:
        models: By name, each looked at once.
        file: The models.config that decides, None where none does.
        by_hand: The operator gave policy or labels; a label whose version is not served is then a mistake, as it is for
            TensorFlow Serving. Those of a models.config wait for their version.

    Returns:
        One line with the mend, None where nothing is wrong.
    """
    if not any(model.available() for model in models.values()):
        return "; ".join(_not_served(model, file) for model in models.values())
    if by_hand:
        for model in models.values():
            for label, version in model.config.labels.items():
                if model.labels().get(label) != version:
                    why = _why_not(model, version)
                    return (
                        f"label {label}: version {version} of {model.config.name} is not served: {why}; "
                        "give --label a version that is, or --versions so that it is"
                    )
    return None


def _not_served(model: ModelVersions, file: ConfigFile | None) -> str:
    name, pinned = model.config.name, model.config.policy.specific
    reasons = [f"version {state.version}: {state.error}" for state in reversed(model.states()) if state.error]
    reasons += skipped_directories(model.config)
    found = f"no version of {name} can be served ({'; '.join(reasons) or f'none in {model.config.base}'}); "
    if pinned is None:
        return found + "push a whole one with `forger run`"
    asked = f"version {', '.join(map(str, pinned))} and no other" if pinned else "no version at all"
    if file is None:
        return f"{found}--versions asks for {asked}: name another there"
    return f"{found}{file.path} asks for {asked}: mend it, or choose another with `forger rollback --to`"


def _why_not(model: ModelVersions, version: int) -> str:
    error = next((state.error for state in model.states() if state.version == version and state.error), "")
    directory = model.config.base / str(version)
    if error or directory.is_dir():
        return error or f"the policy {model.config.policy} does not ask for it"
    return f"{directory} is not on disk"

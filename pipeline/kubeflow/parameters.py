"""The parameters that a run can be given on the cluster, and the configuration that they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config import Config, resolve_config
from serving.repository.errors import UserError

STEPS_OF_PROFILE = 0  # value of `steps` that leaves the profile's own
CACHE = "cache"
# Settings that have a parameter of their own.
_OWN = {"data.dataset": "dataset", "gan.seed": "seed", "gan.steps": "steps"}


@dataclass(frozen=True)
class Parameter:
    """One pipeline parameter.

    Attributes:
        kind: Name in KFP's ParameterType enumeration.
        default: Its default; of the type that `kind` means.
        description: Shown by KFP.
    """

    kind: str
    default: Any
    description: str


def declare(profile: str, changes: list[str]) -> dict[str, Parameter]:
    """Declare the pipeline's parameters; the defaults mean the given configuration.

    Args:
        profile: Name of the profile.
        changes: "SECTION.KEY=VALUE" each, see `pipeline.config.resolve_config`.

    Raises:
        UserError: What `resolve_config` refuses.
    """
    config = resolve_config(profile, changes)
    settings = {}
    for change in changes:
        name, _, _ = change.partition("=")
        section, _, key = name.partition(".")
        settings[name] = config.model_dump(mode="json")[section][key]
    steps = settings.get("gan.steps", STEPS_OF_PROFILE)
    settings = {name: value for name, value in settings.items() if name not in _OWN}
    return {
        "profile": Parameter("STRING", profile, "smoke, quick, full or article"),
        "dataset": Parameter("STRING", config.data.dataset, "TFDS name of a labelled image dataset"),
        "seed": Parameter("NUMBER_INTEGER", config.gan.seed, "seed of the GAN training"),
        "steps": Parameter("NUMBER_INTEGER", steps, "optimizer steps of the GAN training; 0 for the profile's own"),
        CACHE: Parameter("BOOLEAN", True, "false makes the results of all steps anew, for this run and those after it"),
        "settings": Parameter("STRUCT", settings, 'further settings, e.g. {"gan.width": 48}'),
    }


def resolve(values: Mapping[str, Any]) -> Config:
    """Return the configuration that parameter values mean; JSON numbers may arrive as floats.

    Raises:
        UserError: An unknown profile or setting, a value out of its range or of the wrong type, a setting named twice.
    """
    for name in values["settings"]:
        if own := _OWN.get(name):
            raise UserError(f"settings can't hold {name}, the parameter {own} does: give --param {own}=VALUE")
    settings = {
        **values["settings"],
        "data.dataset": values["dataset"],
        "gan.seed": values["seed"],
    }
    if values["steps"] != STEPS_OF_PROFILE:
        settings["gan.steps"] = values["steps"]
    return resolve_config(values["profile"], [f"{name}={json.dumps(value)}" for name, value in settings.items()])


def parse_values(given: list[str], kinds: Mapping[str, str]) -> dict[str, Any]:
    """Parse "NAME=VALUE" texts by the parameters' kinds.

    Args:
        given: Of the command line.
        kinds: KFP's parameter type of each known parameter.

    Raises:
        UserError: An unknown name, a value of the wrong type, or a name given twice.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in kinds:
            raise UserError(f"--param {text}: expected NAME=VALUE, where NAME is one of {', '.join(kinds)}")
        if name in values:
            raise UserError(f"--param {name} is given twice: give it once")
        values[name] = _parse(name, value, kinds[name])
    return values


def check_values(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check here what Plan would only find on the cluster.

    Args:
        defaults: Of the compiled pipeline.
        given: For a run.

    Raises:
        UserError: See `resolve` and `check_steps`.
    """
    compiled = resolve({"settings": {}, **defaults})
    check_steps(resolve({"settings": {}, **defaults, **given}), usefulness=compiled.usefulness.enabled)


def check_steps(config: Config, *, usefulness: bool) -> None:
    """Check that a run's configuration has the steps of the compiled pipeline, which no parameter can change.

    Args:
        config: Of the run.
        usefulness: Whether the pipeline was compiled with the step that measures it.

    Raises:
        UserError: It has another.
    """
    if config.usefulness.enabled != usefulness:
        has, settings = ("has the step", "true") if usefulness else ("has no step", "false")
        raise UserError(
            f"the compiled pipeline {has} Usefulness, this run's settings say otherwise: compile another with them, or give "
            f"--param 'settings={{\"usefulness.enabled\": {settings}}}'"
        )


def _parse(name: str, text: str, kind: str) -> Any:
    if kind == "STRING":
        return text
    wanted = {"NUMBER_INTEGER": (int, "a whole number"), "STRUCT": (dict, "a JSON object"), "BOOLEAN": (bool, "true or false")}
    python_type, called = wanted[kind]
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except ValueError:
        value = None
    if type(value) is not python_type:
        raise UserError(f"--param {name}: expected {called}, not {text!r}")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a JSON object; JSON itself lets the last of two equal names win."""
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"--param: {twice} is named twice in a JSON object: name it once")
    return dict(pairs)

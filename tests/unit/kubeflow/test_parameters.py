"""Pipeline parameters: their defaults mean the compiled configuration, and what a run is given means another."""

from __future__ import annotations

import pytest

from pipeline.config import resolve_config
from pipeline.kubeflow.parameters import check_values, declare, parse_values, resolve
from serving.repository.errors import UserError

CHANGES = ["gan.steps=124", "gan.width=24", "data.train_split=train[:100]", "gate.min_recall=null", "gan.seed=7"]


def _defaults(profile: str, changes: list[str]) -> dict:
    return {name: parameter.default for name, parameter in declare(profile, changes).items()}


@pytest.mark.parametrize("changes", [[], CHANGES, ["data.dataset=fashion_mnist"]])
def test_the_defaults_mean_what_was_compiled(changes: list[str]) -> None:
    assert resolve(_defaults("smoke", changes)) == resolve_config("smoke", changes)


def test_a_run_can_choose_profile_dataset_seed_and_steps() -> None:
    given = {"profile": "full", "dataset": "kmnist", "seed": 3.0, "steps": 48.0}  # JSON numbers arrive as floats
    config = resolve(_defaults("smoke", ["gan.width=24"]) | given)
    assert config == resolve_config("full", ["gan.width=24", 'data.dataset="kmnist"', "gan.seed=3", "gan.steps=48"])


def test_steps_0_leave_the_profiles_own() -> None:
    assert resolve(_defaults("smoke", []) | {"profile": "full"}).gan.steps == resolve_config("full").gan.steps


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"profile": "nightly"}, "unknown profile 'nightly'"),
        ({"steps": -1}, "gan.steps"),
        ({"seed": 1.5}, "gan.seed"),
        ({"settings": {"gan.widht": 1}}, "did you mean gan.width"),
        ({"settings": {"gan.seed": 2}}, "settings can't hold gan.seed, the parameter seed does: give --param seed=VALUE"),
        ({"settings": {"data.dataset": "kmnist"}}, "settings can't hold data.dataset, the parameter dataset does"),
        ({"settings": {"gan.steps": 8}, "steps": 16}, "settings can't hold gan.steps, the parameter steps does"),
    ],
)
def test_wrong_values_are_named(given: dict, line: str) -> None:
    with pytest.raises(UserError, match=line):
        resolve(_defaults("smoke", []) | given)


@pytest.mark.parametrize(
    ("compiled", "chosen", "line"),
    [
        ("full", "smoke", r'has the step Usefulness, .* --param \'settings=\{"usefulness.enabled": true\}\'$'),
        ("quick", "full", r'has no step Usefulness, .* --param \'settings=\{"usefulness.enabled": false\}\'$'),
    ],
)
def test_a_run_can_not_choose_steps_that_were_not_compiled(compiled: str, chosen: str, line: str) -> None:
    defaults = _defaults(compiled, [])
    with pytest.raises(UserError, match=line):
        check_values(defaults, {"profile": chosen})
    check_values(defaults, {"profile": chosen, "settings": {"usefulness.enabled": compiled == "full"}})


def test_values_of_the_command_line_have_the_parameters_types() -> None:
    kinds = {name: parameter.kind for name, parameter in declare("smoke", []).items()}
    given = ["dataset=123", "seed=5", 'settings={"gan.width": 8}']
    assert parse_values(given, kinds) == {"dataset": "123", "seed": 5, "settings": {"gan.width": 8}}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["seed=1", "seed=2"], "--param seed is given twice"),
        (['settings={"gan.width": 8, "gan.width": 16}'], "gan.width is named twice"),
    ],
)
def test_what_is_named_twice_is_refused(given: list[str], line: str) -> None:
    kinds = {name: parameter.kind for name, parameter in declare("smoke", []).items()}
    with pytest.raises(UserError, match=line):
        parse_values(given, kinds)


@pytest.mark.parametrize("text", ["cache=1", "cache=no", "seed=x", "seed=1.5", "seed=true", "settings=[]", "nosuch=1", "seed"])
def test_values_of_other_types_are_refused(text: str) -> None:
    kinds = {name: parameter.kind for name, parameter in declare("smoke", []).items()}
    with pytest.raises(UserError, match="--param"):
        parse_values([text], kinds)

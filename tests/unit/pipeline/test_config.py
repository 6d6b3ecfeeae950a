"""Profiles and `--set`."""

import pytest

from pipeline.config import PROFILES, resolve_config
from serving.repository.errors import UserError


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_valid_and_gates_on_something(profile):
    gate = resolve_config(profile).gate
    assert gate.max_frechet_ratio is not None
    assert gate.min_recall is not None


def test_a_change_reaches_its_setting_and_no_other():
    changed = resolve_config("quick", ["gan.steps=1000", "data.dataset=fashion_mnist", "gate.min_recall=null"])
    assert changed.gan.steps == 1000
    assert changed.data.dataset == "fashion_mnist"
    assert changed.gate.min_recall is None
    assert changed.judge == resolve_config("quick").judge


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("gan.stepz=5", "did you mean gan.steps?"),
        ("nonsense=1", "the sections are data, judge, gan, gate, usefulness, push"),
        ("gan.gamma=Infinity", "gan.gamma: Input should be a finite number"),
        ("gan.gamma=NaN", "gan.gamma: Input should be a finite number"),
        ("gate.min_recall=-Infinity", "gate.min_recall: Input should be a finite number"),
        ("gan.gamma=-0.0", "gan.gamma: write 0"),
        ("gam.steps=5", "did you mean gan.steps?"),
        ("zzz=5", "the sections are data, judge, gan, gate, usefulness, push"),
        ("gan.steps", "expected SECTION.KEY=VALUE"),
        ("gan.steps=-1", "gan.steps: Input should be greater than or equal to"),
        ("gan.steps=many", "gan.steps: Input should be a valid integer"),
        ("gan.steps=4.5", "gan.steps: Input should be a valid integer"),
        ("gan.steps=1001", "multiple of 4"),
        ("gan.recipe=diffusion", "'conv' or 'article'"),
        ("data.dataset=../etc", "data.dataset: '../etc' is not a TFDS dataset name"),
    ],
)
def test_a_wrong_change_is_one_line_that_names_the_mend(change, line):
    with pytest.raises(UserError) as error:
        resolve_config("quick", [change])
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_profile_names_the_known_ones():
    with pytest.raises(UserError, match="smoke, quick, full, article"):
        resolve_config("fast")

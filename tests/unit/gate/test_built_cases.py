"""Which figure catches what: built generators scored through real judges, the table of docs/gate.md."""

import pytest

from tests.unit.gate.cases import CAUGHT, make_cases

# Less clear-cut than with the judge of a real run, which docs/gate.md tells of: this one is tiny, and classes have 100 images.
LIMITS = {
    "frechet_ratio": (-2, 2.5),
    "worst_class_frechet_ratio": (-9, 9),
    "second_frechet_ratio": (-2, 2.5),
    "precision": (0.7, 1),
    "recall": (0.7, 1),
    "worst_class_recall": (0.5, 1),
    "coverage": (0.7, 1),
    "diversity": (0.8, 1.3),
    "worst_class_diversity": (0.6, 1.6),
    "duplicate_share": (0, 0.05),
    "memorisation": (0, 0.65),
    "copied_share": (0, 0.05),
    "label_agreement": (0.9, 1),
    "smallest_class_share": (0.08, 1),
}


@pytest.fixture(scope="module")
def cases(mnist, tmp_path_factory):
    return make_cases(mnist.directory, tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize("name", CAUGHT)
def test_each_case_is_caught_by_what_should_catch_it(cases, name):
    found = cases(name)
    failed = {figure for figure, (low, high) in LIMITS.items() if not low <= found[figure] <= high}
    assert failed >= set(CAUGHT[name]), found
    if not CAUGHT[name]:
        assert not failed, found

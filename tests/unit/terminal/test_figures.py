"""Figures as a terminal shows them."""

import pytest

from pipeline.terminal.figures import figure


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(None, 4, "-"), (0.85214, 3, "0.852"), (5797.2, 3, "5797"), (123456.7, 4, "123457"), (0, 4, "0"), (1e-7, 3, "1e-07")],
)
def test_large_figures_are_whole(value, digits, shown):
    assert figure(value, digits) == shown

"""Cron expressions are checked here, because KFP takes any."""

from __future__ import annotations

import pytest

from pipeline.kubeflow.cron import check_cron
from serving.repository.errors import UserError


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 3 * * *",
        "*/30 * * * * *",
        "0 0 0 1,15 JAN-JUN ?",
        "0 5-55/10 8-18 * * mon-fri",
        "@daily",
        "@every 1h30m",
        "0 0 0 ? * 0/2",
    ],
)
def test_what_robfig_cron_reads_is_accepted(expression: str) -> None:
    check_cron(expression)


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        ("0 3 * * *", "has 5 fields, KFP's have 6: put the seconds first, '0 0 3 \\* \\* \\*'"),
        ("", "expected 6 fields, seconds first"),
        ("0 0 3 * * * *", "expected 6 fields"),
        ("60 0 3 * * *", "'60' is no seconds \\(0 to 59\\)"),
        ("0 0 3 0 * *", "'0' is no day of month \\(1 to 31\\)"),
        ("0 0 3 * * SUNDAY", "'SUNDAY' is no day of week"),
        ("0 0 5-3 * * *", "'5-3' is no hours"),
        ("0 0 1-2-3 * * *", "'1-2-3' is no hours"),
        ("0 */0 3 * * *", "'\\*/0' is no minutes"),
        ("0 0 3, * * *", "'' is no hours"),
        ("@nightly", "expected 6 fields"),
        ("0 0 ³ * * *", "'³' is no hours"),
    ],
)
def test_what_is_wrong_is_said(expression: str, line: str) -> None:
    with pytest.raises(UserError, match=line):
        check_cron(expression)

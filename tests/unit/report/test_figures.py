"""Rows of figures: order, words, and where the bars' marks stand."""

import pytest

from components.gate.verdict.verdict import Check, Verdict
from pipeline.report.figures import class_table, number, other_rows, threshold_rows


def check(metric: str, value: float | None, limit: float, kind: str = "min", *, passed: bool = True, **more) -> Check:
    return Check(metric=metric, slice=more.pop("slice", ""), value=value, limit=limit, kind=kind, passed=passed, **more)


def test_failed_checks_come_first_and_a_figure_is_explained_once():
    checks = [
        check("recall", 0.7, 0.6),
        check("recall", -0.2, -0.1, "change", passed=False),
        check("precision", 0.2, 0.5, passed=False),
        check("frechet_ratio", 3.0, 5.0, "max"),
    ]
    rows = threshold_rows(Verdict(blessed=False, reason="", checks=checks, baseline_version="4"))
    assert [(row.meaning.title, row.outcome, row.first) for row in rows] == [
        ("Precision", "failed", True),
        ("Recall", "failed", True),
        ("Fréchet distance / floor, unseen images", "passed", True),
        ("Recall", "passed", False),
    ]
    assert (rows[1].of, rows[1].value, rows[1].limit) == ("change from version 4", "-0.2", "≥ -0.1")
    assert (rows[2].of, rows[2].value, rows[2].limit) == ("all images", "3", "≤ 5")


def test_a_bar_has_its_marks_in_proportion():
    verdict = Verdict(
        blessed=True,
        reason="",
        checks=[check("frechet_ratio", 2.0, 8.0, "max")],
        baseline_version="1",
        baseline_figures={"frechet_ratio": 4.0},
    )
    (row,) = threshold_rows(verdict)
    assert row.bar.start == 0
    assert row.bar.end / row.bar.limit == pytest.approx(2 / 8, abs=1e-3)
    assert row.bar.served / row.bar.limit == pytest.approx(4 / 8, abs=1e-3)
    assert row.bar.real / row.bar.limit == pytest.approx(1 / 8, abs=1e-3)
    assert row.bar.text == "value 2, limit 8, real images 1, served version 4"
    assert max(row.bar.end, row.bar.limit) < 100


def test_a_share_is_drawn_on_the_whole_scale():
    (row,) = threshold_rows(Verdict(blessed=True, reason="", checks=[check("recall", 0.5, 0.25)]))
    assert (row.bar.start, row.bar.end, row.bar.limit) == (0, 50, 25)
    assert row.value == "0.500"


def test_a_fall_is_drawn_to_the_left_of_zero():
    (row,) = threshold_rows(Verdict(blessed=True, reason="", checks=[check("recall", -0.05, -0.1, "change")]))
    assert row.bar.limit < row.bar.start < row.bar.end
    assert row.bar.real is None


def test_without_a_number_there_is_no_bar():
    broken = check("frechet_ratio", None, 5.0, "max", passed=False)
    ignored = check("recall", None, -0.1, "change", ignored=True)
    rows = threshold_rows(Verdict(blessed=False, reason="", checks=[broken, ignored]))
    assert [(row.value, row.outcome, row.bar) for row in rows] == [("not finite", "failed", None), ("–", "no baseline", None)]


def test_of_a_class_threshold_that_all_meet_the_tightest_class_is_shown():
    checks = [check("recall", value, 0.4, slice=name) for name, value in (("a", 0.9), ("b", 0.5), ("c", 0.7))]
    (row,) = threshold_rows(Verdict(blessed=True, reason="", checks=checks))
    assert row.of == "worst class: b"
    failed = [check("recall", 0.1, 0.4, slice=name, passed=False) for name in ("d", "e")]
    assert [row.of for row in threshold_rows(Verdict(blessed=False, reason="", checks=[*checks, *failed]))] == [
        "d",
        "e",
        "worst class: b",
    ]


def test_figures_without_a_threshold_are_told_too_but_not_counts():
    figures = {"examples": 100.0, "fault": 0.0, "recall": 0.5, "density": 0.9, "some_new_figure": 7.0}
    verdict = Verdict(blessed=True, reason="", checks=[check("recall", 0.5, 0.1)], figures=figures)
    assert [(row.meaning.title, row.value) for row in other_rows(verdict)] == [("Density", "0.9"), ("Some new figure", "7")]


def test_what_was_measured_goes_before_what_is_known():
    verdict = Verdict(
        blessed=True,
        reason="",
        checks=[
            check("frechet_ratio", 2.0, 8.0, "max"),
            check("frechet_ratio", 3.0, 8.0, "max", slice="cat"),
            check("frechet_ratio", 0.5, 1.0, "change", baseline=1.5),
        ],
        floor_figures={"frechet_ratio": 1.5, "density": None},
        intervals={"frechet_ratio": (1.8, 2.2)},
        change_intervals={"frechet_ratio": (0.25, 0.75)},
        figures={"density": 0.8},
    )
    overall, of_class, change = threshold_rows(verdict)
    assert overall.bar.real == pytest.approx(100 * 1.5 / 9.2, abs=0.01)
    assert of_class.bar.real == pytest.approx(100 * 1.0 / 9.2, abs=0.01)  # the floor was measured over all classes
    assert (overall.interval, of_class.interval, change.interval) == ("1.8 to 2.2", "", "0.25 to 0.75")
    assert (change.value, change.limit) == ("+0.5", "≤ +1")
    (density,) = other_rows(verdict)
    assert density.bar is None


def test_an_interval_says_where_it_holds_what_real_images_reach():
    verdict = Verdict(
        blessed=True,
        reason="",
        checks=[check("frechet_ratio", 1.1, 8.0, "max")],
        intervals={"frechet_ratio": (0.9, 1.3), "kid": (-20.0, 30.0)},
        figures={"kid": 5.0},
    )
    assert threshold_rows(verdict)[0].interval == "0.9 to 1.3, real images' 1 within"
    assert other_rows(verdict)[0].interval == "-20 to 30, real images' 0 within"


def test_the_table_of_classes_marks_what_failed():
    per_class = {"0": {"recall": 0.5, "class_share": 0.4, "examples": 10.0}, "1": {"recall": None}}
    verdict = Verdict(
        blessed=False, reason="", checks=[check("recall", None, 0.4, slice="cat", passed=False)], per_class=per_class
    )
    table = class_table(verdict, lambda label: ["dog", "cat"][int(label)])
    assert table.columns == ["Class share", "Recall"]
    assert table.classes == [("dog", [("0.400", False), ("0.500", False)]), ("cat", [("–", False), ("not finite", True)])]
    assert class_table(Verdict(blessed=False, reason=""), str) is None


@pytest.mark.parametrize(("value", "text"), [(None, "not finite"), (0.123456, "0.123"), (12345.6, "12,346"), (0.0, "0")])
def test_numbers(value, text):
    assert number(value) == text

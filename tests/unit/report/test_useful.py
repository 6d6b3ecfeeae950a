"""Usefulness in the report."""

from __future__ import annotations

from pipeline.report.useful import useful_rows, usefulness_of
from tests.support.past_home import make_usefulness
from tests.unit.report.page_reader import page_of


def test_usefulness_stands_beside_what_real_images_reach(past):
    past.add(version=1, usefulness=make_usefulness())
    text = page_of(past).text
    for words in (
        "98.44%",
        "99.08%",
        "1.70",
        "1.40 to 2.04",
        "66.0%",
        "53.0%",
        "Ravuri & Vinyals 2019",
        "Lopez-Paz & Oquab 2017",
    ):
        assert words in text
    assert "not measured in this run" not in text.lower()


def test_usefulness_that_was_left_out_or_not_measured_is_said(past):
    past.add(version=1, usefulness=make_usefulness(training=None, left_out="the score is left out: no classes"))
    assert "the score is left out: no classes." in page_of(past).text
    past.add(version=2)
    assert "Not measured in this run: --set usefulness.enabled=true" in page_of(past).text
    record = past.add(version=3)
    record.usefulness = {"written": "by another version"}
    record.save(past.home.runs)
    assert "Not measured in this run" in page_of(past).text


def test_a_limit_of_usefulness_is_shown_with_its_outcome(past):
    record = past.add(version=1, usefulness=make_usefulness())
    record.config["usefulness"] |= {"max_error_ratio": 1.5, "max_two_sample_accuracy": 0.7}
    record.save(past.home.runs)
    rows = useful_rows(usefulness_of(record), record.config["usefulness"])
    assert [(row.limit, row.outcome) for row in rows] == [("", ""), ("≤ 1.5", "failed"), ("≤ 70.0%", "passed")]
    assert "✗ failed" in page_of(past).text

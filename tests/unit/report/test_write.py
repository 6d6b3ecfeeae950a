"""Which run a report is of, and how it is written."""

from __future__ import annotations

import pytest

from pipeline.report.facts import find_record
from pipeline.report.write import write_report
from serving.repository.errors import UserError


def test_a_run_is_found_by_the_beginning_of_its_id(past):
    with pytest.raises(UserError, match="no run yet"):
        find_record(past.home, "")
    ids = [past.add(version=version).run_id for version in (1, 2)]
    assert find_record(past.home, "").run_id == ids[1]
    assert find_record(past.home, "20260101-000001").run_id == ids[0]
    with pytest.raises(UserError, match="several runs begin"):
        find_record(past.home, "2026")
    with pytest.raises(UserError, match="no run begins"):
        find_record(past.home, "1999")


def test_a_report_is_replaced_whole(past, tmp_path):
    record = past.add(version=1)
    first = write_report(past.home, record)
    assert first == past.home.reports / record.run_id / "report.html"
    before = first.read_text()
    with pytest.raises(UnicodeEncodeError):
        write_report(past.home, record.model_copy(update={"reason": "\ud800"}))
    assert first.read_text() == before
    assert write_report(past.home, record, tmp_path / "new" / "mine.html").read_text().startswith("<!DOCTYPE html>")

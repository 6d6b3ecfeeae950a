"""The report as HTML: what it says, that it needs nothing else, and that it is sound."""

import re
import shutil
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import pipeline.report
from components.gan.training.outcome import Outcome
from components.gate.drawing.showcase_file import SHOWCASE_FILE
from components.gate.verdict.verdict import Check
from pipeline.report.facts import find_record, gather
from pipeline.report.page import render
from pipeline.report.useful import useful_rows, usefulness_of
from pipeline.report.write import write_report
from serving.repository.errors import UserError
from tests.support.past_home import PastHome, make_showcase, make_usefulness, write_journal

_VOID = {"meta", "img", "link", "br", "input", "hr"}


class Page(HTMLParser):
    """Reads a page and sees to it that every element is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(past: PastHome, run: str = "") -> Page:
    return Page(render(gather(past.home, find_record(past.home, run))))


@pytest.fixture
def past(tmp_path):
    return PastHome(tmp_path / "home")


def test_a_full_report_has_every_part(past):
    past.add(version=1)
    more = {"second_judge": {"digest": "f" * 64, "agreed": True}, "baseline_per_class": {"0": {"recall": 0.4}}}
    past.add(version=2, showcase=make_showcase(), baseline_version="1", baseline_digest="e" * 64, **more)
    page = page_of(past)
    assert "not recorded" not in page.text
    assert "Blessed and pushed: version 2" in page.text
    shown = [image["alt"] for image in page.all("img")]
    for words, times in {
        "served version's images of class": 3,
        "real images of class 2": 1,
        "grid of generated images after step 100": 1,
        "grid of generated images after step 800": 1,
        "real test image beside its nearest train image": 12,
        "generated image of class 1 beside its nearest train image": 4,
        "generated image of class 0, seen as": 14,
    }.items():
        assert sum(words in alt for alt in shown) == times, words
    plots = [drawing["aria-label"] for drawing in page.all("svg") if drawing.get("class") == "chart"]
    assert any(label.startswith("Loss over 8 points up to step 800") for label in plots)
    assert any("accuracy" in label for label in plots)
    assert any("versions v1 to v2" in label for label in plots)
    assert any("3 classes" in label for label in plots)
    for told in (
        "a" * 64,
        "b" * 64,
        "c" * 64,
        "d" * 64,
        "e" * 64,
        "f" * 64,
        "agrees",
        "gan.seed",
        "(profile: 1)",
        "99.31%",
        "GanTrainer",
        "300.0",
    ):
        assert told in page.text, told


def test_a_training_that_collapsed_shows_where_its_best_was(past):
    record = past.add(version=1)
    assert "It exported" not in page_of(past).text
    write_journal(Path(record.training), Outcome(600, 800, 800, "whole", 0.2, 2.5))
    page = page_of(past)
    assert (
        "It exported the best average, of step 600 of 800, at distance 0.2 from the train images (2.5 at the end)." in page.text
    )
    plots = [drawing["aria-label"] for drawing in page.all("svg") if drawing.get("class") == "chart"]
    assert "Distance from the train images over training, at the end 2.5; exported is that of step 600, 0.2" in plots


def test_a_first_push_has_no_empty_column_for_a_served_version(past):
    shown = make_showcase()
    runs = (
        past.add(version=1, showcase={name: rows for name, rows in shown.items() if name != "baseline"}),
        past.add(version=2, showcase=shown, baseline_version="1"),
    )
    first, second = (page_of(past, run.run_id) for run in runs)
    columns = [[cell["data-of"] for cell in page.all("td") if "data-of" in cell] for page in (first, second)]
    assert columns == [["this generator", "real images"] * 3, ["this generator", "served version", "real images"] * 3]
    assert "same latents, column by column" in second.text
    assert "same latents, column by column" not in first.text


def test_the_page_asks_for_nothing_and_runs_nothing(past):
    past.add(version=1, showcase=make_showcase())
    page = page_of(past)
    assert not page.all("script")
    assert not page.all("link")
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "srcset", "action", "data"):
            if value := attributes.get(name):
                assert value.startswith(("data:image/png;base64,", "#")), value
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_the_page_is_sound_for_those_who_cannot_see_it(past):
    past.add(version=1, showcase=make_showcase())
    past.add(version=2)
    page = page_of(past, "20260101-000001")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for target in (attributes.get("href") or attributes.get("xlink:href"), attributes.get("aria-labelledby")):
            assert target is None or target.startswith("data:") or target.removeprefix("#") in ids, target
    assert all(image["alt"] for image in page.all("img"))
    assert all(drawing.get("aria-label") or drawing.get("aria-hidden") or "x" in drawing for drawing in page.all("svg"))
    assert all(header.get("scope") in ("col", "row") for header in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"
    assert [len(page.all(tag)) for tag in ("h1", "main", "header", "nav", "footer")] == [1, 1, 1, 1, 1]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_what_comes_from_outside_is_text(past):
    bad = "<script>alert(1)</script>"
    check = Check(metric=bad, slice=bad, value=0.1, limit=0.2, kind="min", passed=False)
    past.add(
        "blocked",
        checks=[check],
        figures={bad: 1.0},
        class_names=(bad, "$x$", "</svg>"),
        showcase=make_showcase(),
        baseline_note=bad,
    )
    page = page_of(past)
    assert not page.all("script")
    assert bad in page.text


def test_a_run_without_the_gates_pictures_says_so(past):
    record = past.add("blocked")
    shutil.rmtree(record.training)
    page = page_of(past)
    assert "Refused: mode collapse" in page.text
    assert re.findall(r"(\w[\w ]+): not recorded", page.text) == [
        "Pictures of generated beside real images", "Samples over training", "Loss and accuracy curves", "Nearest train images",
        "Worst and best samples",
    ]  # fmt: skip


def test_a_damaged_showcase_is_not_recorded_rather_than_an_error(past):
    record = past.add(version=1, showcase=make_showcase())
    (past.home.pipeline_root / "Gate" / "evaluation" / "1" / SHOWCASE_FILE).write_bytes(b"PK\x03\x04 cut short")
    assert record.run_id in page_of(past).text


def test_objects_are_never_unpickled(past):
    past.add(version=1, showcase={"candidate": np.array([{"a": 1}], dtype=object)})
    assert "Pictures of generated beside real images: not recorded" in page_of(past).text


@pytest.mark.parametrize(("state", "headline"), [("failed", "Failed"), ("running", "Not finished")])
def test_an_unfinished_run_shows_how_far_its_training_came(past, state, headline):
    past.add(state)
    page = page_of(past)
    assert headline in page.text
    assert "step 800" in page.text
    assert "Thresholds and verdict: not recorded" in page.text


def test_a_run_that_never_trained_shows_no_other_runs_training(past):
    trained = past.add("failed")
    early = trained.model_copy(update={"run_id": "20270101-000000-000000", "reason": "Transform: wrong size", "nodes": []})
    early.save(past.home.runs)
    page = page_of(past)
    assert "Transform: wrong size" in page.text
    assert "Samples over training: not recorded" in page.text


def test_a_version_pushed_before_is_told_apart(past):
    past.add(version=1)
    past.add(version=1)
    assert "Blessed, as before: version 1" in page_of(past).text


def test_versions_of_another_dataset_are_left_out(past):
    past.add(version=1, model="fashion_mnist_gan")
    past.add(version=1)
    past.add(version=2, model="fashion_mnist_gan")
    page = page_of(past, "20260101-000002")
    assert "20260101-000002-000000" in page.text
    assert "20260101-000001-000000" not in page.text
    assert not [drawing for drawing in page.all("svg") if "versions" in drawing.get("aria-label", "")]


def test_a_refused_candidate_stands_beside_the_versions(past):
    past.add(version=1)
    past.add("blocked")
    labels = [drawing.get("aria-label", "") for drawing in page_of(past).all("svg")]
    assert any("version v1 and of this run's candidate" in label for label in labels)


def test_a_generator_without_classes_has_one_row(past):
    past.add(version=1, showcase={name: array[:1] for name, array in make_showcase().items()})
    assert "generated images of any class" in [image["alt"] for image in page_of(past).all("img")]


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


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_stands_out_from_its_ground(scheme):
    css = (Path(pipeline.report.__file__).parent / "templates" / "page.css").read_text()
    blocks = dict(zip(("light", "dark", "print"), re.findall(r":root \{(.*?)\}", css, re.DOTALL), strict=True))
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[scheme]))
    for text, ground in [*((name, ground) for name in ("ink", "soft", "candidate", "served", "real", "bad", "good") for ground in
                           ("ground", "card")), ("good", "good-ground"), ("bad", "bad-ground"), ("ink", "good-ground"),
                         ("ink", "bad-ground")]:  # fmt: skip
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["faint"], colours["ground"]) >= 3


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1, relative luminance)."""

    def luminance(colour: str) -> float:
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


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

"""The report as a page: it asks for nothing, runs nothing, and can be read by everyone."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

import pipeline.report
from components.gate.verdict.verdict import Check
from tests.support.past_home import make_showcase
from tests.unit.report.page_reader import page_of


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

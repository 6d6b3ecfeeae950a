"""A page of the report as a test reads it."""

from __future__ import annotations

from html.parser import HTMLParser

from pipeline.report.facts import find_record, gather
from pipeline.report.page import render
from tests.support.past_home import PastHome

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

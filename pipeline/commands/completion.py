"""What the shell completes: names that only the program knows. What can't be read completes nothing: a shell shows no errors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

import click
from click.shell_completion import CompletionItem

from pipeline.home.home import DEFAULT_HOME, Home

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
# Of each candidate, the word and what it is.
_Candidates = Callable[[click.Context, str], Iterable[tuple[str, str]]]


def _completing(candidates: _Candidates) -> Complete:
    """Make of candidates what click asks for."""

    def complete(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
        found: list[CompletionItem] = []
        with contextlib.suppress(Exception):
            found += [CompletionItem(word, help=what) for word, what in candidates(context, typed) if word.startswith(typed)]
        return found

    return complete


@_completing
def complete_profiles(_: click.Context, __: str) -> Iterator[tuple[str, str]]:
    """Complete the names of profiles."""
    from pipeline.config import PROFILES

    return ((name, "") for name in PROFILES)


@_completing
def complete_settings(_: click.Context, typed: str) -> Iterator[tuple[str, str]]:
    """Complete SECTION.KEY=, and the value where there are few."""
    from pipeline.config import Config

    for section, settings in Config():
        for key, field in type(settings).model_fields.items():
            name = f"{section}.{key}="
            if typed.startswith(name):
                yield from ((name + value, "") for value in _few_values(field.annotation))
            else:
                yield name, field.description or ""


@_completing
def complete_versions(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    """Complete the numbers of pushed versions, newest first."""
    from serving.repository.labels import served
    from serving.repository.layout import list_versions

    base = _home(context).model_base(context.params.get("dataset") or "mnist")
    labels = served(base).labels
    for version in sorted(list_versions(base), reverse=True):
        yield str(version), ", ".join(label for label, labelled in labels.items() if labelled == version)


@_completing
def complete_version_labels(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    """Complete the labels that versions have now."""
    from serving.repository.labels import served

    labels = served(_home(context).model_base(context.params.get("dataset") or "mnist")).labels
    return ((label, f"version {version}") for label, version in labels.items())


@_completing
def complete_runs(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    """Complete the ids of runs, newest first."""
    from pipeline.home.run_record import load_all

    return ((record.run_id, f"{record.profile}, {record.state}") for record in load_all(_home(context).runs))


def _home(context: click.Context) -> Home:
    return Home.at(context.params.get("home") or DEFAULT_HOME)


def _few_values(kind: Any) -> list[str]:
    if kind is bool:
        return ["true", "false"]
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    return [value for one in get_args(kind) for value in _few_values(one)]

"""How a run was made: nodes and artifacts, hashes, seeds and settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.config import resolve_config
from pipeline.home.lineage import TracedArtifact
from pipeline.report.facts import Facts
from serving.repository import contract
from serving.repository.errors import UserError


@dataclass(frozen=True)
class Node:
    """One node, as the page shows it."""

    id: str
    outcome: str
    began: str
    seconds: float
    made_in: str
    read: str
    wrote: str
    share: float = 0.0  # of the run's time, in per cent


def nodes(facts: Facts) -> list[Node]:
    """List nodes with their times; the record knows what this run spent, MLMD what it read and wrote."""
    spent = {node.id: node for node in facts.record.nodes}
    found = [] if facts.trace else [Node(node.id, node.outcome, "", node.seconds, "", "", "") for node in facts.record.nodes]
    for traced in facts.trace.nodes if facts.trace else []:
        mine = spent.get(traced.id)
        outcome, seconds = (mine.outcome, mine.seconds) if mine else (traced.outcome, traced.seconds)
        made_in = traced.made_in if traced.made_in != facts.record.run_id else ""
        began = traced.started.strftime("%H:%M:%S")
        found.append(Node(traced.id, outcome, began, seconds, made_in, _listed(traced.inputs), _listed(traced.outputs)))
    total = sum(node.seconds for node in found) or 1.0
    return [replace(node, share=round(100 * node.seconds / total, 1)) for node in found]


@dataclass(frozen=True)
class Artifact:
    """One artifact that the run made or took over."""

    id: int
    type: str
    node: str
    run: str
    place: str


def artifacts(facts: Facts) -> list[Artifact]:
    """List what the nodes wrote, places relative to the home where they lie in it."""
    return [
        Artifact(made.id, made.type, node.id, node.made_in or facts.record.run_id, _place(made.uri, facts.home))
        for node in (facts.trace.nodes if facts.trace else [])
        for made in node.outputs
    ]


def hashes(facts: Facts) -> list[tuple[str, str]]:
    """List the hashes that tell this run's parts from any other's."""
    verdict = facts.verdict
    known = [
        ("pipeline: settings, data and code", facts.record.pipeline_digest),
        ("training: all that decides the weights", facts.record.training_key),
        ("code of the training", facts.card.get(contract.META_CODE_HASH)),
        ("data: the ingested records", facts.card.get(contract.META_DATA_DIGEST)),
    ]
    if verdict:
        known += [
            ("judge", verdict.judge.get("digest")),
            ("second judge", verdict.second_judge.get("digest")),
            (f"served version {verdict.baseline_version}", verdict.baseline_digest),
        ]
    return [(name, str(value)) for name, value in known if value]


def seeds(facts: Facts) -> list[tuple[str, str]]:
    """List every seed."""
    found = [(f"{section}.seed", str(values["seed"])) for section, values in facts.record.config.items() if "seed" in values]
    if (shown := facts.showcase.get("seeds")) is not None and shown.size:
        found.append(("of the pictures side by side, row by row", " ".join(str(seed) for seed in shown.reshape(-1))))
    return found


def settings(facts: Facts) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """List sections of (key, value, the profile's own value where that differs)."""
    try:
        usual = resolve_config(facts.record.profile).model_dump(mode="json")
    except UserError:  # a profile of another version
        usual = facts.record.config
    return [
        (section, [(key, _plain(value), _usual(usual.get(section, {}), key, value)) for key, value in values.items()])
        for section, values in facts.record.config.items()
    ]


def _usual(section: dict[str, Any], key: str, value: Any) -> str:
    return _plain(section[key]) if key in section and section[key] != value else ""


def _plain(value: Any) -> str:
    return "none" if value is None else str(value)


def _listed(artifacts: Iterable[TracedArtifact]) -> str:
    return ", ".join(f"{artifact.key} #{artifact.id}" for artifact in artifacts)


def _place(uri: str, home: Path) -> str:
    path = Path(uri)
    return str(path.relative_to(home)) if path.is_relative_to(home) else uri

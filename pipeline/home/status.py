"""What is known of the last run, and what is served; needs neither TFX nor TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.gan.training.outcome import read_outcome
from pipeline.home.home import Home
from pipeline.home.run_record import load_last
from serving.repository.labels import served
from serving.repository.layout import list_versions


def collect_status(home: Home) -> dict[str, Any]:
    """Gather the last run, how its training ended, the pushed versions of every model, and whether a run is under way."""
    last = load_last(home.runs)
    bases = sorted(path for path in home.serving.iterdir() if path.is_dir()) if home.serving.is_dir() else []
    outcome = read_outcome(Path(last.training)) if last and last.training else None
    versions = {base.name: list_versions(base) for base in bases}
    return {
        "home": str(home.path),
        "busy": home.busy(),
        "last_run": last.model_dump(mode="json") if last else None,
        "training": outcome.as_dict() if outcome else None,
        "versions": versions,
        "served": {base.name: served(base).labels for base in bases if versions[base.name]},
    }


def worst_of_classes(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the overall checks, every failed one, and of each other per-class check its worst class."""
    kept: list[dict[str, Any]] = []
    tightest: dict[tuple[str, str], dict[str, Any]] = {}
    for check in checks:
        key = (check["metric"], check["kind"])
        if not check["slice"] or not check["passed"]:
            kept.append(check)
        elif key not in tightest or (check["value"] > tightest[key]["value"]) == (check["kind"] == "max"):
            tightest[key] = check
    shown = [{**check, "slice": f"worst class: {check['slice']}"} for check in tightest.values()]
    return sorted([*kept, *shown], key=lambda check: (check["metric"], check["kind"], check["slice"]))

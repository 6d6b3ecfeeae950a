"""What the page knows of the model: its versions, classes and the gate's figures.

A version comes from the server as a dict: `version`, `state` (TensorFlow Serving's name for it), `failed` (it didn't load),
`labels` (a list of strings), `metadata` (its forger.json, {} where it has none) and `gate` (the verdict in it, or None).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from serving.repository import contract

Versions = Callable[[], list[dict[str, Any]]]
_AVAILABLE, _LOADING = "AVAILABLE", "LOADING"
_NO_FIGURES = ("examples", "fault")  # counts that the gate keeps beside its figures


def describe(name: str, versions: list[dict[str, Any]], *, looking: bool) -> dict[str, Any]:
    """Put everything the page shows beside the images into one JSON object.

    Args:
        name: The servable's name.
        versions: The server's versions, oldest first.
        looking: Whether the server has yet to see which versions there are.

    Returns:
        name, current and previous (version numbers or None), loading (version numbers), looking, dataset, classes (names by
        label), unlabelled (whether the images have no classes), conditional, and versions, newest first.
    """
    current = _current(versions)
    metadata = next((one["metadata"] for one in versions if one["version"] == current), {})
    return {
        "name": name,
        "current": current,
        "previous": _previous(versions, current),
        "loading": [one["version"] for one in reversed(versions) if one["state"] == _LOADING],
        "looking": looking,
        "dataset": metadata.get(contract.META_DATASET),
        "classes": metadata.get(contract.META_CLASS_NAMES, []),
        "unlabelled": metadata.get(contract.META_CLASS_NAMES) == [],
        "conditional": metadata.get(contract.META_CONDITIONAL, False),
        "versions": [_describe_version(one) for one in reversed(versions)],
    }


def shown_version(versions: list[dict[str, Any]], wanted: int | None) -> int:
    """Choose the version to draw from.

    Args:
        versions: The server's versions.
        wanted: The visitor's choice; None for the one that is shown first.

    Raises:
        LookupError: It is not being served.
    """
    version = _current(versions) if wanted is None else wanted
    if version not in _available(versions):
        raise LookupError("no version is being served" if version is None else f"version {version} is not being served")
    return version


def _available(versions: list[dict[str, Any]]) -> list[int]:
    return [one["version"] for one in versions if one["state"] == _AVAILABLE]


def _labelled(versions: list[dict[str, Any]], label: str) -> int | None:
    return next((one["version"] for one in versions if label in one["labels"] and one["state"] == _AVAILABLE), None)


def _current(versions: list[dict[str, Any]]) -> int | None:
    """The stable version; without labels the newest, which is what a request gets that names none."""
    return _labelled(versions, contract.LABEL_STABLE) or max(_available(versions), default=None)


def _previous(versions: list[dict[str, Any]], current: int | None) -> int | None:
    older = [version for version in _available(versions) if current is not None and version < current]
    return _labelled(versions, contract.LABEL_PREVIOUS) or max(older, default=None)


def _describe_version(one: dict[str, Any]) -> dict[str, Any]:
    gate, metadata = one["gate"] or {}, one["metadata"]
    figures = {key: value for key, value in gate.get("figures", {}).items() if key not in _NO_FIGURES}
    limits = [
        {"metric": check["metric"], "kind": check["kind"], "limit": check["limit"]}
        for check in gate.get("checks", [])
        if not check["slice"] and check["kind"] in ("min", "max")
    ]
    return {
        "version": one["version"],
        "state": one["state"],
        "failed": one["failed"],
        "labels": one["labels"],
        "reason": gate.get("reason"),
        "figures": figures,
        "limits": limits,
        "recipe": metadata.get(contract.META_RECIPE),
        "run_id": metadata.get(contract.META_RUN_ID),
    }

"""A kubeconfig for a Kubernetes API server of the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def write_kubeconfig(file: Path, url: str, user: dict[str, Any] | None = None, **cluster: Any) -> Path:
    """Write a kubeconfig; returns the file.

    Args:
        file: Where to.
        url: Address of the server.
        user: Credentials.
        cluster: Further properties, e.g. its certificates.
    """
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "x", "user": user or {}}],
    }
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return file

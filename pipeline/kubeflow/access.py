"""The way to the Kubernetes API: the kubeconfig's, or the pod's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def connect_kubernetes() -> Any:
    """Return a client of Kubernetes: of the file in KUBECONFIG, of the pod that this is, or of the user's own kubeconfig.

    Raises:
        kubernetes.config.ConfigException: There is none of them.
    """
    import kubernetes

    if file := os.environ.get("KUBECONFIG"):
        return kubernetes.config.new_client_from_config(file)
    if _OWN_NAMESPACE.exists():
        configuration = kubernetes.client.Configuration()
        kubernetes.config.load_incluster_config(client_configuration=configuration)
        return kubernetes.client.ApiClient(configuration)
    return kubernetes.config.new_client_from_config()


def own_namespace() -> str:
    """Return the namespace of the pod that this is; "default" for no pod."""
    return _OWN_NAMESPACE.read_text(encoding="utf-8").strip() if _OWN_NAMESPACE.exists() else "default"

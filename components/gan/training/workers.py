"""The workers that share a training, as TF_CONFIG tells them: Kubeflow's training operator sets it. Needs no TensorFlow."""

from __future__ import annotations

import json
import os
from typing import Any

from serving.repository.errors import UserError


def worker_count() -> int:
    """Count the workers; 0 where this process trains alone.

    Raises:
        UserError: TF_CONFIG can't be read.
    """
    cluster, _ = _tf_config()
    return sum(len(cluster.get(job, [])) for job in ("chief", "worker"))


def is_chief() -> bool:
    """Say whether this process writes checkpoints, journal and model: it trains alone, or is the first of the workers.

    Raises:
        UserError: TF_CONFIG can't be read.
    """
    cluster, task = _tf_config()
    first = "chief" if "chief" in cluster or not cluster else "worker"
    return task.get("type", first) == first and int(task.get("index", 0)) == 0


def _tf_config() -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        cluster, task = dict(config.get("cluster", {})), dict(config.get("task", {}))
        sum(len(workers) for workers in cluster.values())
        int(task.get("index", 0))
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"TF_CONFIG can't be read ({error}): unset it to train on this machine alone") from error
    return cluster, task

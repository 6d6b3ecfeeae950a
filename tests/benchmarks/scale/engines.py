"""The engines that a cell can run on: this machine's own, or a Flink cluster of its own."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOCAL = "local"
ENGINES = {LOCAL: 0, "flink-1": 1, "flink-2": 2}  # name -> slots


@contextlib.contextmanager
def engine(name: str) -> Iterator[dict[str, Any]]:
    """Start an engine; yields what `pipeline.engines.options.resolve_engine` makes of it.

    A cluster is started for each cell, so that its memory is that cell's alone.
    """
    if name == LOCAL:
        yield {"runner": "local"}
        return
    # Late: they look for what the cluster is made of.
    from tests.scale.downloads import is_stand_in
    from tests.scale.flink import FlinkCluster

    with FlinkCluster(ENGINES[name], site=_site()) as cluster:
        yield {
            "runner": "flink",
            "flink_master": cluster.master,
            "flink_job_server_jar": str(cluster.job_server_jar),
            "beam_workers": cluster.worker_pool,
            "beam_parallelism": cluster.slots,
            "beam_processes": cluster.slots,
            "beam_allow_skew": is_stand_in(cluster.job_server_jar),
        }


@functools.cache
def _site() -> Path:
    """The workers' environment, made once for all clusters."""
    from tests.scale.site import make_site

    directory = Path(tempfile.mkdtemp(prefix="forger-site-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return make_site(directory / "site")

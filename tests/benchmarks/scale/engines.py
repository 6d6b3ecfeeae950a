"""The engines that a cell can run on: this process, or a Flink cluster of its own."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOCAL = "local"
ENGINES = {LOCAL: 0, "flink-1": 1, "flink-2": 2}  # name -> slots


@contextlib.contextmanager
def engine(name: str) -> Iterator[list[str]]:
    """Start an engine; yields the Beam arguments that send work to it.

    A cluster is started for each cell, so that its memory is that cell's alone.
    """
    if name == LOCAL:
        from pipeline.pipeline import BEAM_ARGS

        yield BEAM_ARGS
        return
    from tests.scale.cluster import FlinkCluster

    with FlinkCluster(ENGINES[name], site=_site()) as cluster:
        yield flink_args(cluster)


def flink_args(cluster: object) -> list[str]:
    """Beam's arguments for a cluster."""
    raise NotImplementedError


@functools.cache
def _site() -> Path:
    """The workers' environment, made once for all clusters."""
    from tests.scale.site import make_site

    directory = tempfile.TemporaryDirectory(prefix="forger-site-")
    _KEPT.append(directory)
    return make_site(Path(directory.name) / "site")


_KEPT: list[tempfile.TemporaryDirectory] = []  # removed when the process ends

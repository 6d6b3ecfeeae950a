"""What `forger generate` does: settle the request, let Beam write the shards that are missing, say what is there."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.progress import report_progress
from pipeline.engines.base import Engine, job_prefix
from pipeline.generate.directory import DONE_FILE, check_space, claimed, conclude, finished
from pipeline.generate.request import Layout, Request, digest_of, servable_name
from pipeline.home.home import Home
from pipeline.home.space import naming_full_disk
from pipeline.sampling.classes import class_number
from pipeline.terminal.console import capture_logs
from pipeline.terminal.run import RunView
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.manifest import manifest_problem
from serving.repository.metadata import read_metadata

if TYPE_CHECKING:
    from rich.console import Console

_LOOK_EVERY = 2.0  # seconds between two looks at how many shards there are
# How a worker's own words come back through most engines: within the text of a traceback.
_CAUSE = re.compile(r"UserError: (.+?)(?: \[while running|$)", re.MULTILINE)


@dataclass(frozen=True)
class Generated:
    """What is in the directory now.

    Attributes:
        request: What was asked for.
        directory: Where the shards are.
        size: Their bytes.
        drawn: Images that were drawn now; the others were there.
        seconds: That it took.
    """

    request: Request
    directory: Path
    size: int
    drawn: int
    seconds: float

    @property
    def line(self) -> str:
        """All of it for a person."""
        rate = f"{self.drawn} drawn in {self.seconds:.0f} s, {self.drawn / self.seconds:.0f}/s" if self.drawn else ""
        return (
            f"{self.request.count} images of {self.request.model} version {self.request.version}, seed {self.request.seed}: "
            f"{self.directory} ({self.request.shards} shards, {self.size / 2**20:.1f} MiB; {rate or 'all of them were there'})"
        )

    @property
    def facts(self) -> dict[str, Any]:
        """All of it for a program."""
        request = self.request
        return {
            "images": request.count,
            "model": request.model,
            "version": request.version,
            "seed": request.seed,
            "label": request.label,
            "format": request.layout.value,
            "directory": str(self.directory),
            "shards": request.shards,
            "bytes": self.size,
            "drawn": self.drawn,
            "seconds": round(self.seconds, 2),
        }


def generate_shards(
    model: Path,
    directory: Path,
    home: Home,
    *,
    dataset: str,
    count: int,
    seed: int,
    label: str | None,
    layout: Layout,
    shard_size: int,
    engine: Engine,
    console: Console,
    debug: bool,
) -> Generated:
    """Write images of a version as shards; shards that are there are kept.

    Args:
        model: The version's directory.
        directory: Where the shards go.
        home: For the log.
        dataset: TFDS name, for a model without metadata.
        count: Images.
        seed: Decides every image.
        label: Number or name of the class of all, or None for any.
        layout: TFRecords, or tars of PNG files.
        shard_size: Rows of a shard.
        engine: Where the shards are drawn.
        console: Where progress is shown.
        debug: Leave the libraries' messages on the terminal.

    Raises:
        UserError: Whatever the user can mend, e.g. a damaged version.
    """
    began = time.monotonic()
    model, directory = (path.expanduser().absolute() for path in (model, directory))  # as workers elsewhere see them
    request = _request(model, dataset, count=count, seed=seed, label=label, layout=layout, shard_size=shard_size)
    with claimed(directory, request), naming_full_disk(directory, "try again, finished shards are kept"):
        kept = finished(directory, request)
        missing = sorted(set(range(request.shards)) - kept)
        if missing:
            check_space(directory, request, sum(len(request.rows(number)) for number in missing))
        if missing or not (directory / DONE_FILE).is_file():
            home.open()
            log_file = home.logs / f"generate-{time.strftime('%Y%m%d-%H%M%S')}.log"
            with capture_logs(log_file, RunView(console), debug=debug):
                _fill(request, model, directory, missing, engine)
        size = conclude(directory, request)
    drawn = sum(len(request.rows(number)) for number in missing)
    return Generated(request, directory, size, drawn, time.monotonic() - began)


def _request(model: Path, dataset: str, *, count: int, seed: int, label: str | None, layout: Layout, shard_size: int) -> Request:
    if problem := manifest_problem(model):
        raise UserError(f"{model} is corrupt: {problem}; name another with --version")
    metadata = read_metadata(model)
    class_names = tuple(metadata.get(contract.META_CLASS_NAMES, ()))
    return Request(
        model=servable_name(metadata, dataset),
        version=model.name,
        model_digest=digest_of(model),
        class_names=class_names,
        count=count,
        seed=seed,
        label=None if label is None else class_number(label, class_names, str(model)),
        layout=layout,
        shard_size=shard_size,
    )


def _fill(request: Request, model: Path, directory: Path, missing: list[int], engine: Engine) -> None:
    """Write the missing shards, then what describes them all."""
    import apache_beam as beam

    from pipeline.engines.probe import ready
    from pipeline.generate.catalogue import write_catalogue
    from pipeline.generate.worker import WriteShards

    # Of this directory, not of the home: another command may work for that at the same time.
    with ready(engine, directory), _watched(request, directory):
        try:
            with beam.Pipeline(argv=engine.beam_args(f"{job_prefix(directory)}-generate")) as pipeline:
                # `Create` reshuffles, so that the shards spread over all workers.
                _ = pipeline | "Shards" >> beam.Create(missing) | "Write" >> beam.ParDo(WriteShards(request, model, directory))
        except Exception as error:
            if cause := said_by_a_worker(error):
                raise UserError(cause) from error
            raise
    if request.layout is Layout.TFRECORD:
        write_catalogue(directory, request)


def said_by_a_worker(error: Exception) -> str:
    """The line that a worker has for the user, "" if it is another error."""
    if isinstance(error, UserError):
        return str(error).partition(" [while running")[0]
    found = _CAUSE.search(str(error))
    return found[1] if found else ""


@contextlib.contextmanager
def _watched(request: Request, directory: Path) -> Iterator[None]:
    """Report how far the work is by what has appeared in the directory: the same on every engine."""
    stop = threading.Event()

    def look() -> None:
        done = finished(directory, request)
        report_progress("generating", sum(len(request.rows(number)) for number in done), request.count, "images")

    def watch() -> None:
        look()
        while not stop.wait(_LOOK_EVERY):
            look()

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    look()

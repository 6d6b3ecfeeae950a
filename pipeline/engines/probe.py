"""A first, tiny job: are the workers there, do they have this very Forger, do they see the home?"""

from __future__ import annotations

import contextlib
import json
import logging
import platform
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.codehash import code_digest
from pipeline.engines.base import Engine, job_prefix
from pipeline.engines.local import LocalEngine, keep_streams_whole
from serving.repository.errors import UserError, first_line

_LOGGER = logging.getLogger(__name__)
# What runs on workers; a worker of other code would not do what TFX's cache believes that it did.
_CODE = ("components", "pipeline/generate", "serving")
# What must be the same on both sides: they exchange pickled code and protocol buffers.
_PACKAGES = ("apache-beam", "tfx", "tensorflow", "tensorflow-transform", "tensorflow-model-analysis")


@contextlib.contextmanager
def ready(engine: Engine, home: Path) -> Iterator[None]:
    """Check, before any real job is sent, that an engine can work for a home; leaves no job of it running.

    Args:
        engine: Where the Beam steps will run.
        home: The home or another directory of output, held by this process; every worker must see it at the same path.

    Raises:
        UserError: One line that says what is wrong.
    """
    if isinstance(engine, LocalEngine):
        keep_streams_whole()
        yield
        return
    engine.check(job_prefix(home))
    try:
        probe(engine, home)
        yield
    finally:
        engine.end_jobs(job_prefix(home))


def probe(engine: Engine, home: Path) -> None:
    """Ask the workers what they are, by a job of their engine.

    They answer in files of the home. So the job can't fail for what they find: an engine set to restart a failed job would do so
    again and again.

    Raises:
        UserError: They don't answer, lack Forger or have another one, or don't see the home.
    """
    # Beam takes seconds to import.
    import apache_beam as beam
    from apache_beam.runners.runner import PipelineState

    answers = home / "probe" / uuid.uuid4().hex
    answers.mkdir(parents=True)
    try:
        pipeline = beam.Pipeline(argv=engine.beam_args(f"{job_prefix(home)}-probe"))
        tasks = 4 * (getattr(engine, "beam_parallelism", None) or 1)
        _ = pipeline | beam.Create(range(tasks)) | beam.Reshuffle() | beam.Map(_make_question(str(answers), _CODE, _PACKAGES))
        try:
            result = pipeline.run()
            result.wait_until_finish(duration=engine.patience_s * 1000)
        except Exception as error:
            _LOGGER.exception("the probe failed")
            where = f" at {told}" if (told := getattr(engine, "workers", "")) else ""
            mend = "see --beam-environment and --beam-workers"
            raise UserError(f"the workers{where} can't be started ({_cause(str(error))}): {mend}") from None
        if result.state != PipelineState.DONE:
            with contextlib.suppress(Exception):
                result.cancel()
            raise UserError(
                f"the workers of {engine.runner} did not answer within {engine.patience_s} s: see the engine's own pages"
            )
        _compare([json.loads(path.read_text("utf-8")) for path in answers.iterdir()], engine, home)
    finally:
        shutil.rmtree(answers.parent, ignore_errors=True)


def _make_question(directory: str, code: tuple[str, ...], packages: tuple[str, ...]) -> Callable[[int], None]:
    """Make the function that a worker runs.

    It is nested, and names nothing of this module, so that it is pickled whole: a worker without Forger can run it, too.
    """

    def answer(_: int) -> None:
        import importlib.metadata
        import json
        import os
        import platform
        import socket

        found = {"host": socket.gethostname(), "python": platform.python_version(), "forger": "", "packages": {}}
        with_forger = False
        try:
            from components.codehash import code_digest

            with_forger = True
            found["forger"] = code_digest(*code)
            found["packages"] = {name: importlib.metadata.version(name) for name in packages}
        except Exception as error:
            found["error"] = f"{type(error).__name__}: {error}"
        found["with_forger"] = with_forger
        try:
            with open(os.path.join(directory, f"{found['host']}-{os.getpid()}.json"), "w", encoding="utf-8") as file:
                json.dump(found, file)
        except OSError:
            return  # it doesn't see the home: no answer is the answer

    return answer


def _compare(answers: list[dict[str, Any]], engine: Engine, home: Path) -> None:
    if not answers:
        raise UserError(
            f"the workers of {engine.runner} can't write {home}: name a directory (--home, --out) that every machine sees there"
        )
    here = {name: version(name) for name in _PACKAGES}
    mend = "install there what is installed here, the lock and Forger's wheel"
    for found in answers:
        where = f"the worker on {found['host']}"
        if not found["with_forger"]:
            raise UserError(f"{where} has no Forger ({found['error']}): {mend}")
        if "error" in found:
            raise UserError(f"{where} is incomplete ({found['error']}): {mend}")
        if found["python"].split(".")[:2] != platform.python_version().split(".")[:2]:
            raise UserError(f"{where} has Python {found['python']}, this is {platform.python_version()}: {mend}")
        for name, mine in here.items():
            if found["packages"][name] != mine:
                raise UserError(f"{where} has {name} {found['packages'][name]}, this is {mine}: {mend}")
        if found["forger"] != code_digest(*_CODE):
            raise UserError(f"{where} has another Forger than this one: {mend}")


def _cause(text: str) -> str:
    """Return the innermost cause that a Java trace names, else the job's own, else the first line."""
    causes = re.findall(r"(?:^Caused by|in state FAILED): (?:[\w.$]+\.)?(\w+(?:: .+)?)$", text, re.MULTILINE)
    return first_line(causes[-1] if causes else text, 200)

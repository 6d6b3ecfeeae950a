"""Beam's job server, the jar with an engine's side of Beam: is it there, and of this Beam?"""

from __future__ import annotations

import re
import zipfile

from pipeline.engines.base import BEAM_VERSION, flag
from pipeline.engines.cluster import ClusterEngine
from serving.repository.errors import UserError

_BEAM_MARK = "org/apache/beam/sdk/sdk.properties"  # where a jar says which release it is of


def check_jar(engine: ClusterEngine) -> None:
    """Check that the job server is there and of this Beam.

    Raises:
        UserError: It is missing, no job server, or of another release.
    """
    jar = engine.jar
    get = f"mvn dependency:get -Dtransitive=false -Dartifact=org.apache.beam:{engine.job_server}:{BEAM_VERSION}"
    if not jar.is_file():
        option = flag(f"{engine.runner}_job_server_jar")
        raise UserError(f"there is no job server {jar}: fetch it with `{get}`, or name one with {option}")
    try:
        with zipfile.ZipFile(jar) as archive:
            beam = read_property(archive, _BEAM_MARK, "version")
    except (zipfile.BadZipFile, KeyError, OSError):
        raise UserError(f"{jar} is not a job server of Beam: fetch one with `{get}`") from None
    if beam != BEAM_VERSION and not engine.beam_allow_skew:
        raise UserError(
            f"{jar.name} is a job server of Beam {beam}, but this is Beam {BEAM_VERSION}: fetch its own with `{get}`, "
            "or take it as it is with --beam-allow-skew"
        )


def read_property(archive: zipfile.ZipFile, name: str, key: str) -> str:
    """Read a value of a properties file in a jar.

    Raises:
        KeyError: The jar has no such file, or the file no such key.
    """
    found = re.search(rf"^{re.escape(key)}=(\S+)", archive.read(name).decode(), re.MULTILINE)
    if not found:
        raise KeyError(key)
    return found[1]

"""Memory: whether a run fits into what it may use, told before it starts, and in which step it ran out if it did."""

from __future__ import annotations

import contextlib
import errno
import resource
from collections.abc import Iterator
from pathlib import Path

from pipeline.home.causes import causes, step_of
from serving.repository.errors import UserError, first_line

_GIB = 1 << 30
# Measured with the profile `quick` on 2 cores: the peak, and the addresses that TensorFlow's libraries and threads take.
NEEDED_BYTES = 3 * _GIB
NEEDED_ADDRESSES = 6 * _GIB
NEEDS = f"a run needs {NEEDED_BYTES / _GIB:g} GiB"
# How libraries say it that raise something else than MemoryError: TensorFlow, Beam around others, native code, threads.
_WORDS = (
    *("OOM when allocating", "out of memory", "could not create a primitive", "bad_alloc"),
    *("Cannot allocate memory", "Unable to allocate", "malloc of size", "MemoryError", "can't start new thread"),
)
_UNKNOWN = 1 << 60


def check_memory(root: Path = Path("/")) -> str:
    """Check that a run fits into what this process may use.

    Args:
        root: Where `proc` and `sys` are.

    Returns:
        A warning for the user, "" where there is room.

    Raises:
        UserError: It does not fit; the line says what limits it.
    """
    for what, limit in [*_group_limits(root), ("this machine has", _machine(root).get("MemTotal", _UNKNOWN))]:
        if limit < NEEDED_BYTES:
            raise UserError(f"too little memory: {what} {limit / _GIB:.1f} GiB, {NEEDS}")
    addresses = resource.getrlimit(resource.RLIMIT_AS)[0]
    if addresses != resource.RLIM_INFINITY and addresses < NEEDED_ADDRESSES:
        raise UserError(f"too little address space: the limit (`ulimit -v`) is {addresses / _GIB:.1f} GiB, TensorFlow takes "
                        f"{NEEDED_ADDRESSES / _GIB:g} GiB of addresses, most of them unused: raise or remove it")  # fmt: skip
    state = _machine(root)
    free = state.get("MemAvailable", _UNKNOWN) + state.get("SwapFree", 0)
    return f"only {free / _GIB:.1f} GiB of memory are free, {NEEDS}: Linux may end it" if free < NEEDED_BYTES else ""


@contextlib.contextmanager
def naming_exhausted_memory(mend: str) -> Iterator[None]:
    """Say in one line in which step the memory ran out, the machine's or the GPU's.

    Args:
        mend: What the user does after making room, e.g. "run again".

    Raises:
        UserError: There was no memory left, or no thread.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        errors = causes(error)
        short = next(filter(_is_shortage, reversed(errors)), None)
        if short is None:
            raise
        line = f"{': '.join([*step_of(errors), 'out of memory'])} ({first_line(short, 120)})"
        room = f"{NEEDS}, more for larger images: make room, or raise the limit if there is one"
        if "GPU" in str(short):
            room = "set a smaller gan.batch_size, or take a GPU with more"
        raise UserError(f"{line}: {room}, and {mend}") from error


def _is_shortage(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return any(words in str(error) for words in _WORDS)


def _machine(root: Path) -> dict[str, int]:
    """Read /proc/meminfo, in bytes."""
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines)
    return {words[0].rstrip(":"): int(words[1]) << 10 for words in fields if words[2:] == ["kB"]}


def _group_limits(root: Path) -> Iterator[tuple[str, int]]:
    """Read the limits of this process's control group and of those above it, of cgroup 1 and 2."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            base, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = Path(path.lstrip("/"))
        # A container may see the group's own path, or the group itself at the top.
        for place in dict.fromkeys((base / group, *(base / parent for parent in group.parents))):
            try:
                limit = int((place / name).read_text(encoding="ascii"))
            except (OSError, ValueError):  # none here, or "max"
                continue
            yield f"the container's limit ({place / name}) is", limit

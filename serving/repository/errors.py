"""Errors that are the user's to mend, and errors in one line."""

_MAX_LINE = 300  # characters of a first line
_MAX_WHOLE = 500  # characters of all lines; gRPC carries an error in trailers that are limited to 8 KiB
# How the lines begin in which TensorFlow says where in its graph something happened; a graph of TensorFlow 1 tells the Python
# stack that loaded it, too.
_GRAPH_TRACES = ("Graph execution error", "Detected at node", "<stack traces", "[[", "Function call stack", 'File "')


class UserError(Exception):
    """One clear line that names the cause and the mend; the command line prints it and exits with 2."""


def first_line(error: BaseException | str, limit: int = _MAX_LINE) -> str:
    """Return the first line of what an error says, at most `limit` characters; its class where it says nothing.

    Of TensorFlow's errors it is the first line that tells what happened: they say first where it did.
    """
    return _telling_lines(error)[0][:limit]


def flat_message(error: BaseException | str, limit: int = _MAX_WHOLE) -> str:
    """Return all that an error says on one line of at most `limit` characters, without TensorFlow's graph traces."""
    return " ".join(_telling_lines(error))[:limit]


def _telling_lines(error: BaseException | str) -> list[str]:
    """Split what an error says into stripped lines, at least one."""
    text = str(getattr(error, "message", None) or error).strip() or repr(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [line for line in lines if not line.startswith(_GRAPH_TRACES)] or lines[:1]

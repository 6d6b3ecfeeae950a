"""Errors that are the user's to mend, and errors in one line."""

_MAX_LINE = 300  # characters
# How the lines begin in which TensorFlow says where in its graph something happened.
GRAPH_TRACES = ("Graph execution error", "Detected at node", "<stack traces", "[[", "Function call stack")


class UserError(Exception):
    """One clear line that names the cause and the mend; the command line prints it and exits with 2."""


def first_line(error: BaseException, limit: int = _MAX_LINE) -> str:
    """Return the first line of what an error says, at most `limit` characters; its class where it says nothing.

    Of TensorFlow's errors it is the first line that tells what happened: they say first where it did.
    """
    text = str(getattr(error, "message", None) or error).strip() or repr(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = (line for line in lines if not line.startswith(GRAPH_TRACES))
    return next(telling, lines[0])[:limit]

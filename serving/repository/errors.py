"""Errors that are the user's to mend, and errors in one line."""

_MAX_LINE = 300  # characters


class UserError(Exception):
    """One clear line that names the cause and the mend; the command line prints it and exits with 2."""


class ServingError(UserError):
    """What a model server refused.

    Attributes:
        code: Name of the gRPC status where a model server refused, else empty.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def first_line(error: BaseException, limit: int = _MAX_LINE) -> str:
    """Return the first line of what an error says, at most `limit` characters; its class where it says nothing.

    TensorFlow's errors keep the text itself apart from the graph's traces, in `message`.
    """
    text = str(getattr(error, "message", None) or error).strip() or repr(error)
    return text.splitlines()[0].strip()[:limit]

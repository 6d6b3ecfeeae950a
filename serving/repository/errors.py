"""Errors that are the user's to mend."""


class UserError(Exception):
    """One clear line that names the cause and the mend; the command line prints it and exits with 2."""


class ServingError(UserError):
    """What a model server refused, or why it can't be reached or started.

    Attributes:
        code: Name of the gRPC status where a model server refused, else empty.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

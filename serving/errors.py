"""Errors that serving raises for the user to mend."""


class ServingError(Exception):
    """One clear line that names the cause and the mend.

    Attributes:
        code: Name of the gRPC status where a model server refused, else empty.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

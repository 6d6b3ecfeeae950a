"""Errors that serving raises for the user to mend."""


class ServingError(Exception):
    """One clear line that names the cause and the mend."""

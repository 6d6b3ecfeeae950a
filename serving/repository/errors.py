"""Errors that are the user's to mend."""


class UserError(Exception):
    """One clear line that names the cause and the mend; the command line prints it and exits with 2."""


class ServingError(UserError):
    """Why a model can't be served or drawn from, or a server not be started."""

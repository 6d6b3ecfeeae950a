"""Errors that are the user's to mend."""


class UserError(Exception):
    """One clear line that names the cause and the mend; the command line prints it and exits with 2."""

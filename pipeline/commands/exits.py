"""Exit codes of the `forger` command."""

EXIT_BLOCKED = 1  # the gate said no: neither success nor a crash
EXIT_USER = 2
EXIT_INTERRUPTED = 130

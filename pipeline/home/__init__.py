"""The home directory: where all state of a user lies, and what is known of its runs and versions."""

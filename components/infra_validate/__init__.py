"""Can the exported model be served? Asked of a fresh process."""

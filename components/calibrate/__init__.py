"""The node that calibrates the gate on a dataset, once for each judge."""

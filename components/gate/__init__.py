"""The quality gate: sample-quality metrics as TFMA metrics, thresholds, verdict."""

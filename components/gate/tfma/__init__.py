"""What TFMA wants: metrics, extractors, the evaluation config, and reading its results."""

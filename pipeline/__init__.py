"""What runs: the pipeline, its engines, what a home holds, the report, mass sampling, Kubeflow and the commands."""

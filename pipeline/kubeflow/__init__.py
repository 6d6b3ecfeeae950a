"""Kubeflow Pipelines v2: compile, submit and schedule the pipeline, and run its steps in containers."""

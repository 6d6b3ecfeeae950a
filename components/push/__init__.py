"""From a trained generator to a pushed version: infra validation and the atomic push."""

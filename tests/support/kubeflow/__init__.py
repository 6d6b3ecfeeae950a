"""A stand-in for a KFP v2 cluster: what its driver, launcher and API server do, without Kubernetes."""

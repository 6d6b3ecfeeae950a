"""What a real kube-apiserver says of the manifests, the TFJob and the check (`make test-cluster`)."""

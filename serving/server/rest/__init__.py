"""REST beside gRPC: TensorFlow Serving's paths, metrics for Prometheus, and the gallery."""

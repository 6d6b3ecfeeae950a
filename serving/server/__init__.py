"""The embedded server: TensorFlow Serving's gRPC contract over one model base directory."""

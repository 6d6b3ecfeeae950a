"""One table of requests and the answers that TensorFlow Serving gives, for any server that claims to be one.

By default it runs against the embedded server. Against a real one, from the repository's root:

    python -m tests.conformance.model /tmp/tiny
    docker run --rm -d -p 8500:8500 -p 8501:8501 -v /tmp/tiny:/models/tiny -e MODEL_NAME=tiny tensorflow/serving
    python -m pytest tests/conformance --target 127.0.0.1:8500 --rest-target 127.0.0.1:8501

Every row names the file of TensorFlow Serving's sources (below tensorflow_serving/) that its answer was read from. Messages are
compared where those sources fix them, codes always. What only the embedded server has (row limits, shapes that are checked before
the graph runs) is tested in tests/unit/server.
"""

"""Errors in one line."""

import pytest

from serving.repository.errors import first_line, flat_message


class _OfTensorFlow(Exception):
    message = "cannot parse\n\t [[node x]]"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("first\nsecond"), "first"),
        (ValueError("\n  first \nsecond"), "first"),
        (ValueError(), "ValueError()"),
        (ValueError("   "), "ValueError('   ')"),
        (_OfTensorFlow("with traces"), "cannot parse"),
        (FileNotFoundError(2, "No such file or directory", "x.json"), "[Errno 2] No such file or directory: 'x.json'"),
        (ValueError("Graph execution error:\n\nDetected at node x\nmatrix size-incompatible\n"), "matrix size-incompatible"),
        (ValueError("long " * 100), ("long " * 100)[:300]),
        ("a text\nof a server", "a text"),
    ],
)
def test_an_error_is_its_first_line(error, line):
    assert first_line(error) == line


def test_all_that_an_error_says_is_on_one_line_without_graph_traces():
    error = ValueError("Graph execution error:\n\nDetected at node x\nbad shape:\n  [2] is not [3]\n\t [[node x]]\n")
    assert flat_message(error) == "bad shape: [2] is not [3]"
    assert flat_message(ValueError("[[node x]]\n[[node y]]")) == "[[node x]]"
    assert len(flat_message(ValueError("long\n" * 1000))) == 500

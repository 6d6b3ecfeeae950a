"""Errors in one line."""

import pytest

from serving.repository.errors import first_line


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
    ],
)
def test_an_error_is_its_first_line(error, line):
    assert first_line(error) == line

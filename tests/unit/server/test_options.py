"""What an operator may say, and what is refused."""

import pytest

from serving.repository.errors import UserError
from serving.server.options import ServerOptions
from serving.server.requests.batching_file import with_batching_file


@pytest.mark.parametrize(
    ("option", "value"),
    [("poll_seconds", 0), ("poll_seconds", float("nan")), ("max_batch_size", -1), ("max_queue", 0), ("max_rows", 10**9)],
)
def test_a_value_out_of_range_is_named_with_its_range(option, value):
    with pytest.raises(UserError, match=rf"^{option.replace('_', '-')} must be from .* to .*, not "):
        ServerOptions(**{option: value})


def test_tensorflow_servings_batching_parameters(tmp_path):
    file = tmp_path / "batching.config"
    file.write_text(
        "max_batch_size { value: 32 } batch_timeout_micros { value: 2500 } max_enqueued_batches { value: 4 } "
        "num_batch_threads { value: 2 } allowed_batch_sizes: 8 allowed_batch_sizes: 32 pad_variable_length_inputs: true"
    )
    found = with_batching_file(ServerOptions(max_rows=7), file)
    assert found == ServerOptions(max_rows=7, max_batch_size=32, batch_timeout_ms=2.5, max_queue_rows=128)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot read .*: No such file"),
        ("max_batch: 1", "holds no BatchingParameters"),
        ("max_batch_size { value: -1 }", "must be"),
    ],
)
def test_a_batching_file_that_is_wrong(tmp_path, content, says):
    if content is not None:
        (tmp_path / "batching.config").write_text(content)
    with pytest.raises(UserError, match=says):
        with_batching_file(ServerOptions(), tmp_path / "batching.config")

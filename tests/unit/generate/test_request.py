"""How a request is cut into shards, and what makes two requests one."""

import pytest

from pipeline.generate.request import Layout
from serving.client.rows import seeds_for
from tests.support.sampling_requests import make_request


@pytest.mark.parametrize(
    ("count", "size", "lengths"), [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 4, [3]), (1, 1, [1]), (5, 1, [1] * 5)]
)
def test_every_row_is_in_one_shard(count, size, lengths):
    request = make_request(count=count, shard_size=size)
    rows = [request.rows(shard) for shard in range(request.shards)]
    assert [len(one) for one in rows] == lengths
    assert [row for one in rows for row in one] == list(range(count))


def test_file_names_are_those_that_readers_expect():
    assert make_request().file_name(2) == "mnist_gan-train.tfrecord-00002-of-00003"
    assert make_request(layout=Layout.PNG).file_name(0) == "mnist_gan-train-00000-of-00003.tar"


def test_rows_from_anywhere_have_the_seeds_of_the_whole():
    whole = seeds_for(7, 1000)
    for first, count in ((0, 5), (250, 300), (999, 1)):
        assert seeds_for(7, count, first=first).tolist() == whole[first : first + count].tolist()
    assert len(set(seeds_for(7, 4, first=10**12).tolist()) - set(whole.tolist())) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"count": 11}, "--count 10, not 11"),
        ({"seed": 2}, "--seed 1, not 2"),
        ({"label": 1}, "--label any, not 1"),
        ({"layout": Layout.PNG}, "--format tfrecord, not png"),
        ({"shard_size": 5}, "--shard-size 4, not 5"),
        ({"version": "4", "model_digest": "e"}, "version 3, not mnist_gan version 4"),
        ({"seed": 2, "count": 11}, "--count 10, not 11; --seed 1, not 2"),
    ],
)
def test_what_changes_bytes_is_another_request(changes, said):
    assert said in make_request().difference(make_request(**changes))


def test_the_same_model_under_another_name_is_the_same_request():
    assert make_request().difference(make_request(version="a copy", class_names=())) == ""

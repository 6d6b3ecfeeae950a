"""Seeds and rows of a request."""

import numpy as np
import pytest

from serving.client.errors import ClientError
from serving.client.rows import chunks, labels_for, paired, seeds_for

_64_BITS = 2**64 - 1


def _mix(state: int) -> int:
    """SplitMix64, as its authors write it."""
    state = (state + 0x9E3779B97F4A7C15) & _64_BITS
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return state ^ (state >> 31)


@pytest.mark.parametrize("seed", [0, 1, -5, 2**63, 2**70 + 3])
def test_seeds_are_the_documented_mix(seed):
    start = _mix(seed & _64_BITS)
    assert seeds_for(seed, 20).tolist() == [_mix((start + row * 0x9E3779B97F4A7C15) & _64_BITS) >> 1 for row in range(20)]


def test_seeds_are_fixed_for_ever():
    assert _mix(0) == 0xE220A8397B1DCDAF  # the first output of the published generator seeded with 0
    assert seeds_for(0, 1).tolist() == [_mix(0xE220A8397B1DCDAF) >> 1]


def test_more_rows_begin_with_the_same_rows():
    assert np.array_equal(seeds_for(7, 1000)[:10], seeds_for(7, 10))


def test_rows_and_neighbouring_seeds_never_share_a_row_seed():
    drawn = np.concatenate([seeds_for(seed, 2000) for seed in (-1, 0, 1, 2, 2**63, 2**64 - 2)])
    assert drawn.dtype == np.int64
    assert len(np.unique(drawn)) == len(drawn)
    assert drawn.min() >= 0


def test_no_rows():
    assert seeds_for(1, 0).shape == (0,)
    assert list(chunks(0)) == [slice(0, 0)]


def test_chunks_cover_every_row_once():
    assert list(chunks(5, 2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]


def test_labels():
    assert labels_for(None, 2).tolist() == [-1, -1]
    assert labels_for(7, 3).tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("seeds", "labels", "says"),
    [
        ([1, 2], [1], "2 seeds but 1 labels"),
        ([1.5], [1], "integers"),
        ([[1]], [1], "integers"),
        ([1], ["seven"], "integers"),
    ],
)
def test_wrong_rows_are_named(seeds, labels, says):
    with pytest.raises(ClientError, match=says):
        paired(seeds, labels)


def test_latents_are_rows_of_numbers():
    latents, labels = paired([[0, 1], [2, 3]], [1, 1], latents=True)
    assert latents.dtype == np.float32
    assert labels.dtype == np.int64
    with pytest.raises(ClientError, match="latents"):
        paired([1.0], [1], latents=True)

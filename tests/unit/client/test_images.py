"""Files of drawn images."""

import numpy as np
import pytest
from PIL import Image

from serving.client.errors import ClientError
from serving.client.images import grid, picture, write_images


def _images(count):
    return np.full((count, 28, 28, 1), 0, np.uint8) + np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)


def _cells(sheet):
    """The value in the middle of every cell, row by row."""
    return sheet[14::30, 14::30].tolist()


def test_npy_and_labels(tmp_path):
    write_images(tmp_path / "a.npy", _images(5), np.arange(5), tmp_path / "labels.npy")
    images = np.load(tmp_path / "a.npy")
    assert images.shape == (5, 28, 28)
    assert images.dtype == np.uint8
    assert images[3, 0, 0] == 3
    labels = np.load(tmp_path / "labels.npy")
    assert labels.tolist() == [0, 1, 2, 3, 4]
    assert labels.dtype == np.int64


def test_no_images_are_an_empty_array_but_no_png(tmp_path):
    write_images(tmp_path / "a.npy", _images(0), np.arange(0))
    assert np.load(tmp_path / "a.npy").shape == (0, 28, 28)
    with pytest.raises(ClientError, match="at least one"):
        write_images(tmp_path / "a.png", _images(0), np.arange(0))


def test_png_is_the_grid(tmp_path):
    write_images(tmp_path / "a.PNG", _images(5), np.full(5, -1))
    with Image.open(tmp_path / "a.PNG") as image:
        assert image.size == (88, 58)
        assert np.array_equal(np.asarray(image), grid(_images(5), np.full(5, -1)))


@pytest.mark.parametrize(
    ("labels", "cells"),
    [
        ([-1] * 5, [[0, 1, 2], [3, 4, 64]]),
        ([4, 4, 4, 4], [[0, 1], [2, 3]]),
        ([0, 1, 2, 0, 1, 2], [[0, 3], [1, 4], [2, 5]]),
        ([1, 1, 1, 0, 0, 0], [[3, 4, 5], [0, 1, 2]]),
        ([0, 1, 2, 3], [[0, 1], [2, 3]]),
        ([0, 0, 2, 2], [[0, 1], [2, 3]]),
        ([5], [[0]]),
    ],
)
def test_grid_is_near_square_or_has_a_row_for_each_class(labels, cells):
    assert _cells(grid(_images(len(labels)), np.array(labels))) == cells


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.npz"])
def test_unknown_suffix(tmp_path, name):
    with pytest.raises(ClientError, match=r"\.png or \.npy"):
        write_images(tmp_path / name, _images(1), np.array([1]))
    with pytest.raises(ClientError, match=r"as \.npy"):
        write_images(tmp_path / "a.npy", _images(1), np.array([1]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written(tmp_path):
    with pytest.raises(ClientError, match="cannot write"):
        write_images(tmp_path / "nowhere" / "a.png", _images(1), np.array([1]))
    (tmp_path / "directory.png").mkdir()
    with pytest.raises(ClientError, match="cannot write"):
        write_images(tmp_path / "directory.png", _images(1), np.array([1]))
    assert [child.name for child in tmp_path.iterdir()] == ["directory.png"]


def test_colours_are_kept(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 20, 3), np.uint8)
    write_images(tmp_path / "a.npy", images, np.zeros(4))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), images)
    write_images(tmp_path / "a.png", images, np.full(4, -1))
    with Image.open(tmp_path / "a.png") as image:
        sheet = np.asarray(image)
    assert sheet.shape == (34, 42, 3)
    np.testing.assert_array_equal(sheet[18:, 22:], images[3])
    assert (sheet[16:18] == 64).all()
    assert picture(images[0]).shape == (16, 20, 3)
    assert picture(images[0, :, :, :1]).shape == (16, 20)

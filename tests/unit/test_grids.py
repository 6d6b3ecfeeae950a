"""Several images on one sheet."""

from __future__ import annotations

import numpy as np

from components.grids import lay_out


def test_images_stand_in_rows_with_empty_cells_black():
    images = np.arange(1, 6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)
    sheet = lay_out(images, columns=3)
    assert sheet.shape == (4, 9) and sheet.dtype == np.uint8
    assert sheet[::2, ::3].tolist() == [[1, 2, 3], [4, 5, 0]]
    assert sheet[1::2, 2::3].tolist() == [[1, 2, 3], [4, 5, 0]]


def test_neighbours_are_apart_by_the_gap_and_edges_have_none():
    images = np.full((4, 2, 3), 9, np.uint8)
    sheet = lay_out(images, columns=2, gap=1)
    assert sheet.shape == (5, 7)
    assert not sheet[2].any() and not sheet[:, 3].any()
    assert (np.delete(np.delete(sheet, 2, 0), 3, 1) == 9).all()


def test_a_strip_is_one_row():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5), np.uint8)
    sheet = lay_out(images, columns=3, gap=1)
    assert sheet.shape == (4, 17)
    assert all((sheet[:, 6 * place : 6 * place + 5] == images[place]).all() for place in range(3))


def test_colours_have_a_third_axis():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), np.uint8)
    sheet = lay_out(images, columns=2, gap=1)
    assert sheet.shape == (9, 11, 3)
    assert (sheet[5:, :5] == images[2]).all() and not sheet[5:, 6:].any()

"""The toy sets obey the contract of data: rows are rows of a grid, values lead back to rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from distaff import data
from distaff.data import Factors
from distaff.errors import DistaffError

TOYS = ["toy", "toy_hidden", "toy_color"]


@pytest.mark.parametrize("name", TOYS)
def test_images_are_bytes_of_the_declared_shape_at_every_row(name: str) -> None:
    dataset = data.load(name)
    images = dataset.images(np.arange(len(dataset)))
    assert images.dtype == np.uint8
    assert images.shape[1:3] == dataset.shape[:2]
    assert images.max() == 255


def test_there_are_more_than_twenty_thousand_different_observations() -> None:
    dataset = data.load("toy_hidden")
    images = dataset.images(np.arange(len(dataset))).reshape(len(dataset), -1)
    assert len(np.unique(images, axis=0)) == 24_448
    plain = data.load("toy")
    assert len(np.unique(plain.images(np.arange(768)).reshape(768, -1), axis=0)) == 768


def test_moving_a_sprite_moves_its_pixels_and_nothing_else() -> None:
    dataset = data.load("toy")
    left, right = dataset.images(dataset.factors.rows(np.array([[2, 3, 0, 4], [2, 3, 5, 4]])))
    assert np.array_equal(np.roll(left, 5, axis=1), right)


def test_a_colour_is_drawn_anew_and_the_background_stays_black() -> None:
    dataset = data.load("toy_color")
    rows = np.array([5, 5])
    x = dataset.batch(rows, torch.tensor([[0.0, 0.5, 1.0], [1.0, 1.0, 1.0]]))
    assert x.shape == (2, 3, 16, 16)
    assert x[0].amax((1, 2)).tolist() == [0.5, 0.75, 1.0]
    assert x[:, :, 0, -1].sum() == 0
    with pytest.raises(DistaffError, match="observed anew"):
        dataset.batch(rows)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.data())
def test_rows_and_values_are_a_bijection(sizes: list[int], data: st.DataObject) -> None:
    factors = Factors(tuple(f"f{i}" for i in range(len(sizes))), tuple(sizes))
    rows = np.array(data.draw(st.lists(st.integers(0, len(factors) - 1), min_size=1, max_size=20)))
    assert np.array_equal(factors.rows(factors.values(rows)), rows)


def test_a_hidden_factor_is_withheld_and_drawn_from_the_callers_uniforms() -> None:
    factors = data.load("toy_hidden").factors
    assert factors.names == ("shape", "scale", "posX", "posY")
    values = np.zeros((3, 4), dtype=np.int64)
    rows = factors.rows(values, np.array([[0.0], [0.5], [0.999]]))
    assert factors.all_values(rows)[:, 2].tolist() == [0, 16, 31]
    with pytest.raises(DistaffError, match="orientation is hidden"):
        factors.rows(values)


def test_a_value_outside_the_grid_is_named() -> None:
    with pytest.raises(DistaffError, match="scale=4 is outside its grid of 0 to 3"):
        data.load("toy").factors.rows(np.array([[0, 4, 0, 0]]))
    with pytest.raises(IndexError, match="from 0 to 767"):
        data.load("toy").factors.values(np.array([768]))


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(DistaffError, match="Did you mean 'toy_color'"):
        data.load("toy_colour")

"""Interventions as look-ups of rows."""

import numpy as np
import pytest

from distaff.errors import DistaffError
from distaff.metrics.core.grid_rows import GridRows

GRID = np.stack(np.meshgrid(np.arange(3), [0.5, 0.7, 1.0], [10, 20], indexing="ij"), -1).reshape(-1, 3)


def test_rows_that_share_a_value_hold_it_and_are_drawn_evenly():
    rng = np.random.default_rng(0)
    drawn = GridRows(GRID).sharing([0, 1, 2], [2, 0.7, 10], 4000, rng)
    for k, value in enumerate([2, 0.7, 10]):
        assert (GRID[drawn[k], k] == value).all()
        counts = np.bincount(drawn[k])
        counts = counts[counts > 0]
        assert len(counts) == (GRID[:, k] == value).sum()
        assert abs(counts - counts.mean()).max() < 5 * np.sqrt(counts.mean())


def test_every_cell_is_found_whatever_the_order_of_the_rows():
    rng = np.random.default_rng(0)
    shuffled = GRID[rng.permutation(len(GRID))]
    np.testing.assert_array_equal(shuffled[GridRows(shuffled).at(GRID, rng)], GRID)


def test_repeated_cells_are_drawn_among():
    rng = np.random.default_rng(0)
    found = GridRows(np.tile(GRID, (5, 1))).at(np.tile(GRID[:1], (500, 1)), rng)
    assert set(found % len(GRID)) == {0}
    assert len(set(found)) == 5


def test_a_missing_cell_is_named_with_its_values():
    with pytest.raises(DistaffError, match=r"no row holds the cell \(0\.0, 0\.5, 10\.0\)"):
        GridRows(GRID[1:]).at(GRID, np.random.default_rng(0))


def test_a_missing_value_is_named_with_its_factor():
    with pytest.raises(DistaffError, match=r"the value 0\.6 of factor 1"):
        GridRows(GRID).sharing(1, 0.6, 3, np.random.default_rng(0))


def test_an_incomplete_grid_conditions_on_what_there_is():
    rows = GridRows(GRID[[0, 1, 2, 17]])
    assert set(rows.sharing(0, 2, 50, np.random.default_rng(0)).ravel()) == {3}

"""Cuts of equal counts, matchings of them, and counts of neighbours, against slow and obvious versions."""

import itertools

import numpy as np
import pytest

from distaff.metrics import snc
from distaff.metrics.core.matching import equal_count_edges, match_codes, match_labels
from distaff.metrics.core.neighbour_information import window, within
from distaff.metrics.core.train_test import train_test


@pytest.mark.parametrize(
    ("column", "parts", "expected"),
    [
        ([3, 1, 2, 0], 2, [2]),
        ([5, 0, 4, 1, 3, 2], 3, [2, 4]),
        ([0, 0, 1, 1, 1, 1, 2, 2], 2, [1]),  # as near to the first 1 as to the first 2: equal values go up
        ([0, 1, 1, 1, 1, 1, 2, 2], 2, [2]),  # 4 lies 3 behind the first 1, and 2 before the first 2
        ([0, 0, 0, 0, 0, 1, 1, 1], 2, [1]),
        ([7, 7, 7, 7], 2, [7]),
    ],
)
def test_cuts_are_where_equal_counts_begin_and_equal_values_stay_together(column, parts, expected):
    assert equal_count_edges(np.array(column, dtype=float), parts).tolist() == expected


def test_a_cut_above_all_values_is_infinite():
    assert equal_count_edges(np.array([0.0, 1, 1, 1]), 4).tolist() == [1, 1, np.inf]


def test_labels_are_paired_with_the_classes_that_they_share_most_rows_with():
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels, classes = rng.integers(4, size=(2, 30))
        of, hits = match_labels(labels, classes, 4)
        best = max(
            sum(((labels == a) & (classes == b)).sum() for a, b in enumerate(m))
            for m in itertools.permutations(range(4))
        )
        assert hits == best == (of[labels] == classes).sum()


def test_codes_that_tie_in_information_are_matched_by_the_accuracy_that_they_reach():
    factor = np.tile(np.arange(4), 60)
    folded = factor % 2  # one bit, as two equal counts that each hold two values
    skewed = np.where(factor == 3, 1, 0)
    codes = np.column_stack([factor, factor, folded, skewed]).astype(float)
    factors = np.column_stack([factor, np.tile(np.arange(3), 80)])
    for order in itertools.permutations(range(4)):
        shuffled = codes[:, order]
        split = train_test("snc", shuffled, factors, (shuffled, factors), 0)
        match, information = match_codes(split)
        assert order[match[0]] in (0, 1)
        assert information.shape == (4, 2)
        score = snc(shuffled, factors, (shuffled, factors))
        assert score.parts["factor_0"] == 1
        assert len(set(match.values())) == 2


def slow_radii(x, y, near):
    return [np.sort(np.abs(x[y == y[i]] - x[i]))[near[y[i]]] for i in range(len(x))]


@pytest.mark.parametrize("scale", [1.0, 0.1, 1e-8, 1e8])
@pytest.mark.parametrize("digits", [1, 16])
def test_neighbours_are_counted_by_distance_whatever_is_rounded(scale, digits):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        y = np.sort(rng.integers(3, size=60))
        x = (
            np.concatenate([np.sort(np.round(rng.normal(size=(y == c).sum()), digits)) for c in range(3)]) * scale
            + scale
        )
        near = np.minimum(4, np.bincount(y, minlength=3) - 1)
        radii = slow_radii(x, y, near)
        ordered = np.sort(x)
        for c in range(3):
            inside, low, k = x[y == c], 0, near[c]
            for i, value in enumerate(inside):
                low = window(inside, i, low, len(inside), k)
                radius = max(value - inside[low], inside[low + k] - value)
                assert radius == radii[np.flatnonzero(y == c)[i]]
                before = np.searchsorted(ordered, inside[low - 1]) if low > 0 else -1
                after = np.searchsorted(ordered, inside[low + k + 1]) if low + k + 1 < len(inside) else 60
                expected = ((np.abs(x - value) < radius) | (x == value)).sum()
                for bounds in ((-1, 60), (before, after)):
                    assert within(ordered, np.searchsorted(ordered, value), radius, *bounds) == expected

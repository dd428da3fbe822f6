"""Whether scores hold more than noise: a study that detects no effect cannot say that there is none.

The null hypothesis is that a score is luck: within a data set and seed, each setting could have had the score of any
other. So scores are permuted over the settings of their seed, each metric by itself. What the runs of one seed share
stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
PERMUTATIONS = 199
AT_ONCE = 2**21  # numbers of a column in memory at once, in all its permutations: 16 MB
SURE = 0.04  # the rate at which noise is taken for more than noise
HALF = 0.5  # of the variance of settings' means: less than that is not a measurement


class Reliability(NamedTuple):
    """Of columns: p-values of `settings` that differ and of columns that go `together`, and the `reliability`.

    A column's reliability is the share of the variance of settings' means that is not that of their seeds, which is
    how far two halves of twice as many seeds would agree: 1 - 1 / F of settings in an analysis of variance, or 0.
    """

    columns: tuple[str, ...]
    settings: Array  # [column]
    together: Array  # [column]: with any of the others
    reliability: Array  # [column], the mean over data sets
    all_settings: float
    all_together: float

    def differ(self, name: str | None = None) -> bool:
        """Whether settings differ in a column, by default in all columns taken together, and mostly by themselves."""
        if not self.columns:
            return False
        if name is None:
            return self.all_settings <= SURE and float(self.reliability.mean()) >= HALF
        place = self.columns.index(name)
        return bool(self.settings[place] <= SURE and self.reliability[place] >= HALF)

    def more_than_noise(self, name: str | None = None) -> bool:
        """Whether a column, by default all columns taken together, tells settings apart or goes with another column."""
        if not self.columns:
            return False
        if name is None:
            return min(self.all_settings, self.all_together) <= SURE / 2
        place = self.columns.index(name)
        return bool(min(self.settings[place], self.together[place]) <= SURE / 2)


def reliabilities(
    columns: Sequence[str],
    scores: Sequence[Sequence[Array]],
    settings: Sequence[Ints],
    seeds: Sequence[Ints],
    seed: int,
) -> Reliability:
    """The reliability of `scores` [part][column][run], whose runs have these settings and seeds."""
    k = len(columns)
    between_settings, together, shares = (
        np.zeros((k, 1 + PERMUTATIONS)),
        np.zeros((k, k, 1 + PERMUTATIONS)),
        np.zeros(k),
    )
    for number, (part_scores, part_settings, part_seeds) in enumerate(zip(scores, settings, seeds, strict=True)):
        columns_drawn = [
            _permuted(one, part_settings, part_seeds, (seed, number, place)) for place, one in enumerate(part_scores)
        ]
        for drawn in zip(*columns_drawn, strict=True):  # some permutations of every column at a time
            draws = drawn[0].draws
            for place, block in enumerate(drawn):
                between, share = _between(block.values)
                between_settings[place, draws] += between
                shares[place] += share / len(scores) if draws.start == 0 else 0.0
            for a, b in combinations(range(k), 2):
                rho = (np.nan_to_num(drawn[a].values) * np.nan_to_num(drawn[b].values)).sum(axis=(1, 2))
                together[a, b, draws] += rho**2
                together[b, a, draws] += rho**2
    p_settings, p_together = [_p(one) for one in between_settings], [_p(one.sum(axis=0)) for one in together]
    return Reliability(
        tuple(columns), np.array(p_settings), np.array(p_together), shares,
        _p(between_settings.sum(axis=0)), _p(together.sum(axis=(0, 1)) / 2),
    )  # fmt: skip


class Permuted(NamedTuple):
    """Scores of some permutations [draws seed setting], and which of them: 0 is the scores as they are."""

    draws: slice
    values: Array


def _permuted(
    values: Array, settings: Ints, seeds: Ints, key: tuple[int, ...], at_once: int = AT_ONCE
) -> Iterator[Permuted]:
    """Scores of unit length, less their mean, as observed and then permuted within seeds, some permutations at a time.

    The draws are those of all of them at once.
    """
    _, row = np.unique(seeds, return_inverse=True)
    _, place = np.unique(settings, return_inverse=True)
    square = np.full((row.max() + 1, place.max() + 1), np.nan)
    there = np.isfinite(values)
    square[row[there], place[there]] = values[there] - values[there].mean() if there.any() else np.nan
    length = np.sqrt(np.nansum(square**2))
    square = square / length if length > 0 else square
    rng = np.random.default_rng(list(key))
    together = max(2, at_once // square.size)
    for first in range(0, 1 + PERMUTATIONS, together):
        draws = slice(first, min(first + together, 1 + PERMUTATIONS))
        observed = [square[None]] if first == 0 else []
        stacked = np.broadcast_to(square, (draws.stop - draws.start - len(observed), *square.shape))
        yield Permuted(draws, np.concatenate([*observed, rng.permuted(stacked, axis=2)]))


def _between(values: Array) -> tuple[Array, float]:
    """The share of the sum of squares between settings, for each permutation, and the reliability of the scores."""
    there = np.isfinite(values)
    sums, sizes = np.nansum(values, axis=1), there.sum(axis=1)
    between = np.divide(sums**2, sizes, out=np.zeros_like(sums), where=sizes > 0).sum(axis=1)
    n_settings, n = int((sizes[0] > 0).sum()), int(sizes[0].sum())
    residual = float(np.nansum(values[0] ** 2) - between[0])
    if n <= n_settings or n_settings < 2 or between[0] <= 0:
        return between, 0.0
    return between, max(0.0, 1 - residual / (n - n_settings) / (between[0] / (n_settings - 1)))


def _p(statistics: Array) -> float:
    """How often a permutation is at least the observed first one, which counts too; 1 where nothing varies."""
    return float((statistics >= statistics[0] * (1 - 1e-9)).mean()) if statistics[0] > 0 else 1.0

"""Do the metrics agree? Rank correlations between scores of the same runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.duplicates import without_duplicates
from distaff.analysis.intervals import RESAMPLES, Interval, centred, seeds_per_setting, setting_numbers, weights
from distaff.analysis.scores import wide

Array = NDArray[np.float64]


class Ranks(NamedTuple):
    """Centred ranks of a score and their norm: of the runs as they are, and of the runs of every resample."""

    plain: Array  # [n]
    drawn: Array  # [resamples n]
    norms: Array  # [resamples]


def spearman(x: Array, y: Array) -> Array:
    """Spearman's rank correlation along the last axis, ties sharing their mean rank; NaN where one side is constant."""
    from scipy.stats import rankdata

    a, b = (rankdata(values, axis=-1) for values in (x, y))
    a, b = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (a, b))
    return _ratio((a * b).sum(axis=-1), np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1)))


def ranks(values: Array, times: Array) -> Ranks:
    """The ranks of `values` [n], and in resamples where each of them weighs `times` [resamples n].

    Nothing is sorted again for a resample: the rank of a value is the weight of the smaller ones, and half that of its
    equals.
    """
    distinct, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    first = np.searchsorted(place[order], np.arange(len(distinct)))
    drawn = []
    for weight in (np.ones((1, len(values))), times):
        equal = np.add.reduceat(weight[:, order], first, axis=1)
        rank = (np.cumsum(equal, axis=1) - equal / 2)[:, place]
        drawn.append(rank - weight.sum(axis=1, keepdims=True) / 2)
    norms: Array = np.sqrt(np.einsum("bn,bn,bn->b", times, drawn[1], drawn[1]))
    return Ranks(drawn[0][0], drawn[1], norms)


def correlated(a: Ranks, b: Ranks, times: Array, settings: NDArray[np.int64]) -> Interval:
    """Spearman's correlation of two scores of the same runs, with its bootstrap interval over seeds."""
    value = _ratio(a.plain @ b.plain, np.sqrt((a.plain @ a.plain) * (b.plain @ b.plain)))
    drawn = _ratio(np.einsum("bn,bn,bn->b", times, a.drawn, b.drawn), a.norms * b.norms)
    return centred(float(value), drawn, seeds_per_setting(settings), len(settings), (-1.0, 1.0))


def correlation(runs: pl.DataFrame, a: str, b: str, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Spearman's correlation of two columns over the runs that have both, with its bootstrap interval over seeds."""
    both = runs.drop_nulls([a, b])
    settings = setting_numbers(both)
    times = weights(both, resamples, seed)
    return correlated(ranks(both[a].to_numpy(), times), ranks(both[b].to_numpy(), times), times, settings)


def agreement(
    table: pl.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> pl.DataFrame:
    """The rank correlation of every score of `rows` with every one of `columns` (by default the same), per data set.

    Figures 2, 12 (metrics with metrics), 4 centre, 16 (unsupervised scores with metrics), 5, 19 and 24 (either with
    downstream tasks) of the paper; names are columns of `wide`. Gives a, b, rho, low, high and n; rho is null where one
    score is constant, or fewer than three runs have both. Runs of the same mathematics count once.
    """
    others = rows if columns is None else columns
    out: list[dict[str, object]] = []
    for (dataset,), part in wide(without_duplicates(table), {*rows, *others}).group_by("dataset", maintain_order=True):
        known: dict[tuple[str, str], Interval] = {}
        correlate = _correlations(part, seed, resamples)
        for a in (name for name in rows if name in part.columns):
            for b in (name for name in others if name in part.columns):
                interval = known.get((b, a)) or correlate(a, b)
                known[a, b] = interval
                out.append({"dataset": dataset, "a": a, "b": b, **_row(interval)})
    text = {"dataset": pl.String(), "a": pl.String(), "b": pl.String()}
    numbers = {"rho": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(), "n": pl.Int64()}
    return pl.DataFrame(out, schema={**text, **numbers})


def _correlations(part: pl.DataFrame, seed: int, resamples: int) -> Callable[[str, str], Interval]:
    """Correlations of two columns of one data set: a column that every run has is ranked once for all pairs."""
    settings = setting_numbers(part)
    times = weights(part, resamples, seed)

    @functools.cache
    def ranked(name: str) -> Ranks:
        return ranks(part[name].to_numpy(), times)

    def correlate(a: str, b: str) -> Interval:
        n = part.drop_nulls([a, b]).height
        if n < 3:
            return Interval(float("nan"), float("nan"), float("nan"), n)
        if a == b:
            value = 1.0 if part[a].drop_nulls().n_unique() > 1 else float("nan")
            return Interval(value, value, value, n)
        if n < part.height:
            return correlation(part, a, b, seed=seed, resamples=resamples)
        return correlated(ranked(a), ranked(b), times, settings)

    return correlate


def _ratio(numerator: Array, denominator: Array) -> Array:
    out: Array = np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 1e-9)
    return out


def _row(interval: Interval) -> dict[str, float | int | None]:
    numbers = {"rho": interval.value, "low": interval.low, "high": interval.high}
    return {**{name: None if np.isnan(value) else value for name, value in numbers.items()}, "n": interval.n}

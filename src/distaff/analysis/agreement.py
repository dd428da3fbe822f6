"""Do the metrics agree? Rank correlations between scores of the same runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.intervals import RESAMPLES, Interval, percentile, resample, strata
from distaff.analysis.scores import wide


def spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's rank correlation along the last axis, ties sharing their mean rank; NaN where one side is constant."""
    from scipy.stats import rankdata

    a, b = (rankdata(values, axis=-1) for values in (x, y))
    a, b = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (a, b))
    norm = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    product = (a * b).sum(axis=-1)
    out: NDArray[np.float64] = np.divide(product, norm, out=np.full(np.shape(product), np.nan), where=norm > 0)
    return out


def correlation(runs: pl.DataFrame, a: str, b: str, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Spearman's correlation of two columns over the runs that have both, with its stratified bootstrap interval."""
    both = runs.drop_nulls([a, b])
    cells, x, y = strata(both), both[a].to_numpy(), both[b].to_numpy()
    rows = resample(cells, resamples, np.random.default_rng(seed))
    return percentile(float(spearman(x, y)), spearman(x[rows], y[rows]), cells)


def agreement(
    table: pl.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> pl.DataFrame:
    """The rank correlation of every metric of `rows` with every one of `columns` (by default the same), per data set.

    Figures 2, 12 (metrics with metrics) and 4 centre, 16 (unsupervised scores with metrics) of the paper, on mean
    codes: a, b, rho, low, high and n; rho is null where one score is constant, or fewer than three runs have both.
    """
    other = rows if columns is None else columns
    out: list[dict[str, object]] = []
    for (dataset,), part in wide(table, {*rows, *other}).group_by("dataset", maintain_order=True):
        known: dict[tuple[str, str], Interval] = {}
        for a in (name for name in rows if name in part.columns):
            for b in (name for name in other if name in part.columns):
                found = known.get((b, a)) or _pair(part, a, b, seed, resamples)
                known[a, b] = found
                out.append({"dataset": dataset, "a": a, "b": b, **_row(found)})
    text = {"dataset": pl.String(), "a": pl.String(), "b": pl.String()}
    numbers = {"rho": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(), "n": pl.Int64()}
    return pl.DataFrame(out, schema={**text, **numbers})


def _pair(part: pl.DataFrame, a: str, b: str, seed: int, resamples: int) -> Interval:
    n = part.drop_nulls([a, b]).height
    if n < 3:
        return Interval(float("nan"), float("nan"), float("nan"), n)
    if a == b:
        value = 1.0 if part[a].drop_nulls().n_unique() > 1 else float("nan")
        return Interval(value, value, value, n)
    return correlation(part, a, b, seed=seed, resamples=resamples)


def _row(found: Interval) -> dict[str, float | int | None]:
    ends = {"rho": found.value, "low": found.low, "high": found.high}
    return {**{name: None if np.isnan(value) else value for name, value in ends.items()}, "n": found.n}

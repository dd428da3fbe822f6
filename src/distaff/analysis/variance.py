"""How much of a score's variance the choice of method explains, how much its strength, and how much is the seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.duplicates import without_duplicates
from distaff.analysis.intervals import RESAMPLES, centred, seeds_per_setting, setting_numbers, weights
from distaff.analysis.scores import supervised
from distaff.analysis.settings import complete

Array = NDArray[np.float64]
MEMBERS = 2**23  # numbers in a matrix of runs and groups: 64 MB
LEAST_TOGETHER = 64  # groups: products of a few columns are slow
FLAT = 1e-24  # variance below which a score does not vary


class Shares(NamedTuple):
    """The share of variance that a predictor explains, for each weighing of the runs [b], and the number of runs."""

    r2: Array
    adjusted: Array
    n: int


def shares(values: Array, groups: NDArray[np.int64], times: Array | None = None) -> Shares:
    """Least squares of a score [n] on one categorical predictor, with runs weighed by `times` [b n], by default
    once and alike.

    R^2 = 1 - SSR / SST is in sample, as published; SSR is of the values about the means of their groups, SST about the
    mean of all. The adjusted share is less its optimism, 1 - (SSR / (n - levels)) / (SST / (n - 1)): where the
    predictor explains nothing its mean is 0, so noise takes it below 0 as often as above. Of weights w, n - 1 is
    sum w - sum w^2 / sum w, and n - levels the sum of that over groups, which leaves both mean squares unbiased. Runs
    without a value are left out; NaN where the values do not vary, or every group has one run.
    """
    times = np.ones((1, len(values))) if times is None else times
    there = np.isfinite(values)
    y, w = values[there] - (values[there].mean() if there.any() else 0.0), times[:, there]
    n, levels = len(y), len(np.unique(groups[there]))
    sums, sizes, squares = _sums(y, w, groups[there])
    whole = w.sum(axis=1)
    total = w @ y**2 - sums.sum(axis=1) ** 2 / whole
    residual = w @ y**2 - _ratio(sums**2, sizes, 0.0).sum(axis=1)
    r2 = 1 - _ratio(residual, np.where(total > FLAT * n, total, 0), np.nan)
    if n <= levels:
        return Shares(r2, np.full_like(r2, np.nan), n)
    freedom = whole - squares.sum(axis=1) / whole
    residual_freedom = whole - _ratio(squares, sizes, 0.0).sum(axis=1)
    return Shares(r2, 1 - (1 - r2) * freedom / residual_freedom, n)


def _sums(y: Array, w: Array, groups: NDArray[np.int64], at_once: int = MEMBERS) -> tuple[Array, Array, Array]:
    """The sums of w y, of w and of w^2 over each group [b levels], some groups at a time: a matrix of members is large.

    Of 20,000 runs of as many settings it has 3 GB.
    """
    levels, squared = np.unique(groups), w**2
    together = max(LEAST_TOGETHER, at_once // max(1, len(y)))
    parts: list[tuple[Array, Array, Array]] = []
    for first in range(0, max(1, len(levels)), together):
        member = (groups[:, None] == levels[first : first + together]).astype(np.float64)
        parts.append((w @ (y[:, None] * member), w @ member, squared @ member))
    sums, sizes, squares = (np.concatenate(one, axis=1) for one in zip(*parts, strict=True))
    return sums, sizes, squares


def _ratio(numerator: Array, denominator: Array, otherwise: float) -> Array:
    filled = np.full(np.shape(numerator), otherwise)
    out: Array = np.divide(numerator, denominator, out=filled, where=denominator > 0)
    return out


def variance_explained(
    table: pl.DataFrame, metrics: Sequence[str] | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """Table 5 of the paper: the share of each score's variance that predictors explain, per data set.

    Predictor `method` has a level a method, `setting` one a setting; what remains is the seed. A row gives
    r2 (in sample, as published), adjusted for its optimism, low, high (of the adjusted share), n and levels. Scores
    that are constant have null r2. Runs of the same mathematics count once. By default of all disentanglement scores.
    """
    names = supervised(table) if metrics is None else metrics
    rows = without_duplicates(complete(table)).filter(
        pl.col("metric").is_in(names) & (pl.col("representation") == "mean") & pl.col("value").is_finite()
    )
    out: list[dict[str, object]] = []
    for (dataset, metric), part in rows.group_by("dataset", "metric", maintain_order=True):
        values, settings = part["value"].to_numpy(), setting_numbers(part)
        times = np.vstack([np.ones(part.height), weights(part, resamples, seed)])
        methods = part["method"].rank("dense").cast(pl.Int64).to_numpy()
        for predictor, groups in (("method", methods), ("setting", settings)):
            r2, share, n = shares(values, groups, times)
            interval = centred(float(share[0]), share[1:], seeds_per_setting(settings), n, (-np.inf, 1.0))
            numbers = {"r2": float(r2[0]), "adjusted": interval.value, "low": interval.low, "high": interval.high}
            known = {name: None if np.isnan(value) else value for name, value in numbers.items()}
            key = {"dataset": dataset, "metric": metric, "predictor": predictor}
            out.append({**key, **known, "n": n, "levels": len(np.unique(groups))})
    text = {name: pl.String() for name in ("dataset", "metric", "predictor")}
    floats = {name: pl.Float64() for name in ("r2", "adjusted", "low", "high")}
    return pl.DataFrame(out, schema={**text, **floats, "n": pl.Int64(), "levels": pl.Int64()}).sort(*text)

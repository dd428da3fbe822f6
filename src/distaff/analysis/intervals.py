"""How far a statistic would move with other seeds: the bootstrap over seeds, the one home of every interval.

The settings of a study are chosen, only its seeds are a sample. Runs of one seed share images, noise and initial
weights, also between settings and data sets. So a resample weighs the seeds once, for all settings together, and a
setting counts as much as before, whatever its seeds weigh.

The weights of n seeds are those of the Bayesian bootstrap (Rubin, 1981), exponential draws over their sum. Unlike
counts of draws with replacement they are never zero, so that no resample loses a setting that has few seeds. They
depend on the number of the seed alone: two tables that hold the same runs have the same resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.settings import SETTING

LEVEL = 0.95
RESAMPLES = 400
Array = NDArray[np.float64]
Ints = NDArray[np.int64]


class Interval(NamedTuple):
    """An estimate, the ends of its interval (NaN where no setting has two seeds), and the runs behind it."""

    value: float
    low: float
    high: float
    n: int


def setting_numbers(rows: pl.DataFrame) -> Ints:
    """A number for the setting that each row belongs to."""
    return rows.select(pl.struct(*SETTING).rank("dense")).to_series().cast(pl.Int64).to_numpy() - 1


def seed_weights(seeds: Sequence[int] | Ints, resamples: int, seed: int) -> Array:
    """The weight of each of `seeds` in each resample [resamples s], one on average, drawn from (`seed`, its number)."""
    drawn = [np.random.default_rng([seed, int(number) % 2**64]).standard_exponential(resamples) for number in seeds]
    stacked = np.stack(drawn, axis=1)
    weights: Array = stacked * len(drawn) / stacked.sum(axis=1, keepdims=True)
    return weights


def weights(rows: pl.DataFrame, resamples: int, seed: int) -> Array:
    """The weight of each row in each resample [resamples n], those of a setting together as many as its rows."""
    return row_weights(setting_numbers(rows), rows["seed"].to_numpy(), resamples, seed)


def row_weights(settings: Ints, seeds: Ints, resamples: int, seed: int) -> Array:
    """`weights` of rows whose setting and seed are given as numbers [n]."""
    distinct, place = np.unique(seeds, return_inverse=True)
    drawn = seed_weights(distinct, resamples, seed)[:, place]
    _, group, sizes = np.unique(settings, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    sums = np.add.reduceat(drawn[:, order], np.cumsum(sizes) - sizes, axis=1)
    scaled: Array = drawn * (sizes / sums)[:, group]
    return scaled


def centred(
    value: float,
    drawn: Array,
    seeds: float,
    n: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    level: float = LEVEL,
) -> Interval:
    """The interval of a smooth statistic: `value` -+ t * the deviation of its draws, widened for its few seeds.

    Resampling takes noise for signal, which moves the draws: only their spread counts. n seeds weighed by themselves
    spread by (n - 1) / (n + 1) of the variance that n others have. The deviation comes from n `seeds`, whatever the
    number of settings that share them: t is Student's with n - 1 degrees of freedom. The interval ends at the `bounds`
    of what the statistic can be, and always contains its value. `n` counts runs.
    """
    finite = drawn[np.isfinite(drawn)]
    if seeds <= 1 or len(finite) < 2 or not np.isfinite(value):
        return Interval(value, float("nan"), float("nan"), n)
    half = float(student(seeds, level)) * float(finite.std(ddof=1)) * np.sqrt((seeds + 1) / (seeds - 1))
    low, high = max(value - half, min(value, bounds[0])), min(value + half, max(value, bounds[1]))
    return Interval(value, float(low), float(high), n)


def student(seeds: float | NDArray[Any], level: float = LEVEL) -> Array:
    """How many deviations wide an interval of n seeds is to each side: Student's t with n - 1 degrees of freedom."""
    from scipy.special import stdtrit

    quantile: Array = np.asarray(stdtrit(np.asarray(seeds) - 1.0, (1 + level) / 2))
    return quantile


def percentile(value: float, drawn: Array, n: int, level: float = LEVEL) -> Interval:
    """The middle of the draws of a statistic, and its value: what order statistics of one setting have."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, min(value, float(low)), max(value, float(high)), n)


def seeds_per_setting(settings: Ints) -> float:
    """How many runs a setting has on average."""
    return len(settings) / max(1, len(np.unique(settings)))


def median(
    values: Array,
    settings: Ints | None = None,
    seeds: Ints | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """The median of runs whose settings and seeds are given (by default: one setting, each run a seed).

    Of one setting the interval is the middle of its resampled medians: five seeds give the range from least to
    greatest, which covers the true median in 1 - 2 / 2^5 = 93.75 % of studies; three seeds cover it in 75 % only. Of
    several settings it is `centred`, as their runs are no sample of their own.
    """
    settings = np.zeros(len(values), dtype=np.int64) if settings is None else settings
    seeds = np.arange(len(values)) if seeds is None else seeds
    value, several = float(np.median(values)), len(np.unique(settings)) > 1
    if (n_seeds := seeds_per_setting(settings)) <= 1:
        return Interval(value, float("nan"), float("nan"), len(values))
    drawn = weighted_median(values, row_weights(settings, seeds, resamples, seed))
    return (
        centred(value, drawn, n_seeds, len(values), level=level)
        if several
        else percentile(value, drawn, len(values), level)
    )


def weighted_median(values: Array, weights: Array) -> Array:
    """The median of `values` [n] under each row of `weights` [b n]: where the sum of weights passes half."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[:, order], axis=1)
    middle: Array = values[order][(cumulated < cumulated[:, -1:] / 2).sum(axis=1)]
    return middle


def medians(rows: pl.DataFrame, by: Sequence[str], *, seed: int = 0, resamples: int = RESAMPLES) -> pl.DataFrame:
    """The median of `value` for each combination of the columns `by`: median, low, high (null for one seed) and n.

    Every seed has its own draws, so that one more group changes no other.
    """
    finite = rows.filter(pl.col("value").is_finite())
    out = []
    for key, group in finite.group_by(*by, maintain_order=True):
        interval = median(
            group["value"].to_numpy(), setting_numbers(group), group["seed"].to_numpy(), seed=seed, resamples=resamples
        )
        ends = {"low": interval.low, "high": interval.high}
        known = {name: None if np.isnan(end) else end for name, end in ends.items()}
        out.append({**dict(zip(by, key, strict=True)), "median": interval.value, **known, "n": interval.n})
    numbers = {"median": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(), "n": pl.Int64()}
    return pl.DataFrame(out, schema={**{name: rows.schema[name] for name in by}, **numbers}).sort(*by)

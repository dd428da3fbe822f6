"""How much of a score's variance the choice of method explains, how much its strength, and how much is the seed."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.intervals import RESAMPLES, centred, resample, seeds_of, strata
from distaff.analysis.scores import supervised
from distaff.analysis.settings import complete


def explained(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """The in-sample R^2 of least squares on one categorical predictor, along the last axis of `values`.

    R^2 = 1 - sum (y - mean of y's group)^2 / sum (y - mean)^2; NaN where the values do not vary.
    """
    member = (groups[:, None] == np.unique(groups)).astype(np.float64)
    centred = values - values.mean(axis=-1, keepdims=True)
    sums = centred @ member
    between = (sums**2 / member.sum(axis=0)).sum(axis=-1)
    total = (centred**2).sum(axis=-1)
    flat = total <= 1e-24 * values.shape[-1]
    share: NDArray[np.float64] = np.divide(between, total, out=np.full(np.shape(total), np.nan), where=~flat)
    return share


def adjusted(r2: float, n: int, levels: int) -> float:
    """R^2 less its optimism: 1 - (1 - R^2) (n - 1) / (n - levels); NaN where every level has one run."""
    return 1 - (1 - r2) * (n - 1) / (n - levels) if n > levels else float("nan")


def variance_explained(table: pl.DataFrame, *, seed: int = 0, resamples: int = RESAMPLES) -> pl.DataFrame:
    """Table 5 of the paper: the share of each score's variance that predictors explain, per data set.

    Predictor `method` has a level a method, `setting` one a setting; what remains is the seed. A row gives
    r2 (in sample, as published), adjusted for its optimism, low, high (of the adjusted share), n and levels. Scores
    that are constant have null r2.
    """
    rows = complete(table).filter(
        pl.col("metric").is_in(supervised(table)) & (pl.col("representation") == "mean") & pl.col("value").is_finite()
    )
    out: list[dict[str, object]] = []
    for (dataset, metric), part in rows.group_by("dataset", "metric", maintain_order=True):
        values, cells = part["value"].to_numpy(), strata(part)
        draws = values[resample(cells, resamples, np.random.default_rng(seed))]
        methods = part["method"].rank("dense").cast(pl.Int64).to_numpy()
        for predictor, groups in (("method", methods), ("setting", cells)):
            r2, levels = float(explained(values, groups)), len(np.unique(groups))
            drawn = explained(draws, groups)
            share = adjusted(r2, len(cells), levels)
            slope = (len(cells) - 1) / max(1, len(cells) - levels)  # of the adjusted share in r2
            found = centred(share, slope * drawn, seeds_of(cells), len(cells), (-1.0, 1.0))
            numbers = {"r2": r2, "adjusted": share, "low": found.low, "high": found.high}
            clean = {name: None if np.isnan(value) else value for name, value in numbers.items()}
            key = {"dataset": dataset, "metric": metric, "predictor": predictor}
            out.append({**key, **clean, "n": found.n, "levels": levels})
    text = {name: pl.String() for name in ("dataset", "metric", "predictor")}
    floats = {name: pl.Float64() for name in ("r2", "adjusted", "low", "high")}
    return pl.DataFrame(out, schema={**text, **floats, "n": pl.Int64(), "levels": pl.Int64()}).sort(*text)

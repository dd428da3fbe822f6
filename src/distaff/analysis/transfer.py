"""Does what is good on one data set carry over to another? Medians of settings, compared between data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from distaff.analysis.agreement import spearman
from distaff.analysis.block import block
from distaff.analysis.intervals import RESAMPLES, centred
from distaff.analysis.scores import scores
from distaff.errors import DistaffError


def between_datasets(
    table: pl.DataFrame, metrics: Sequence[str], *, seed: int = 0, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """Figures 4 (right) and 17 of the paper: the rank correlation of settings between each two data sets, per metric.

    Each setting counts with the median of its seeds: metric, a, b, rho, low, high (other seeds within each cell) and n
    settings. Raises `DistaffError` where there are fewer than two data sets or three settings in common.
    """
    if table["dataset"].n_unique() < 2:
        raise DistaffError("there is one data set only: transfer is between two")
    out: list[dict[str, object]] = []
    for metric in metrics:
        played = block(table, [metric])
        if not played.metrics or len(played.settings) < 3:
            continue
        values = played.values[:, 0]
        seeds = float(np.isfinite(values).sum(axis=-1).mean())
        middle, drawn = np.nanmedian(values, axis=2), _redrawn_medians(values, seed, resamples)
        for i, a in enumerate(played.datasets):
            for j, b in enumerate(played.datasets):
                rho = float(spearman(middle[i], middle[j]))
                found = centred(rho, spearman(drawn[:, i], drawn[:, j]), seeds, len(played.settings), (-1.0, 1.0))
                low, high = (found.low, found.high) if i != j else (rho, rho)
                numbers = {"rho": rho, "low": low, "high": high}
                told = {name: None if np.isnan(value) else value for name, value in numbers.items()}
                out.append({"metric": metric, "a": a, "b": b, **told, "n": len(played.settings)})
    if not out:
        raise DistaffError("the data sets have fewer than three settings in common")
    return pl.DataFrame(out, schema_overrides=dict.fromkeys(("rho", "low", "high"), pl.Float64))


def _redrawn_medians(values: np.ndarray, seed: int, resamples: int) -> np.ndarray:
    """The medians [resamples dataset setting] of scores [dataset setting seed], seeds redrawn within each cell."""
    rng = np.random.default_rng(seed)
    ordered, there = np.sort(values, axis=-1), np.isfinite(values).sum(axis=-1, keepdims=True)  # NaN comes last
    out = np.empty((resamples, *values.shape[:-1]))
    for number in range(resamples):
        rows = (rng.random(values.shape) * there).astype(np.int64)
        out[number] = np.median(np.take_along_axis(ordered, rows, axis=-1), axis=-1)
    return out


def paired_medians(table: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Figure 18 of the paper: the median of each setting on every data set, a row a pair of data sets.

    A setting of one data set is that of another where their `configuration` is the same.
    """
    rows = scores(table, metric)
    middle = rows.group_by("dataset", "setting", "configuration", "method", "strength", "spec").agg(
        pl.col("value").median().alias("median"), pl.len().alias("n")
    )
    other = middle.rename({"dataset": "other", "median": "median on other", "n": "n on other"})
    both = middle.join(other.drop("setting", "method", "strength", "spec"), on="configuration")
    kept = both.filter(pl.col("dataset") < pl.col("other"))
    return kept.sort("dataset", "other", "method", "strength", "spec", "configuration")

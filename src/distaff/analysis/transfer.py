"""Does what is good on one data set carry over to another? Medians of settings, compared between data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from distaff.analysis.agreement import spearman
from distaff.analysis.duplicates import without_duplicates
from distaff.analysis.intervals import RESAMPLES, centred, seed_weights
from distaff.analysis.score_array import ScoreArray, score_array
from distaff.analysis.scores import scores
from distaff.errors import DistaffError


def between_datasets(
    table: pl.DataFrame, metrics: Sequence[str], *, seed: int = 0, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """Figures 4 (right) and 17 of the paper: the rank correlation of settings between each two data sets, per metric.

    Each setting counts with the median of its seeds: metric, a, b, rho, low, high (other seeds, the same for all
    settings and data sets) and n settings. Raises `DistaffError` where there are fewer than two data sets or three
    settings in common.
    """
    if table["dataset"].n_unique() < 2:
        raise DistaffError("there is one data set only: transfer needs two")
    once = without_duplicates(table)
    out: list[dict[str, object]] = []
    for metric in metrics:
        played = score_array(once, [metric])
        if not played.metrics or len(played.settings) < 3:
            continue
        values = played.values[:, 0]
        seeds = float(np.isfinite(values).sum(axis=-1).mean())
        middle, drawn = np.nanmedian(values, axis=2), _redrawn_medians(played, seed, resamples)
        for i, a in enumerate(played.datasets):
            for j, b in enumerate(played.datasets):
                rho = float(spearman(middle[i], middle[j]))
                interval = centred(rho, spearman(drawn[:, i], drawn[:, j]), seeds, len(played.settings), (-1.0, 1.0))
                low, high = (interval.low, interval.high) if i != j else (rho, rho)
                numbers = {"rho": rho, "low": low, "high": high}
                known = {name: None if np.isnan(value) else value for name, value in numbers.items()}
                out.append({"metric": metric, "a": a, "b": b, **known, "n": len(played.settings)})
    if not out:
        raise DistaffError("the data sets have fewer than three settings in common")
    return pl.DataFrame(out, schema_overrides=dict.fromkeys(("rho", "low", "high"), pl.Float64))


def _redrawn_medians(played: ScoreArray, seed: int, resamples: int) -> np.ndarray:
    """The medians [resamples dataset setting] of the scores of one metric, with the seeds weighed anew."""
    values, weights = played.values[:, 0], seed_weights(played.seeds, resamples, seed)
    order = np.argsort(values, axis=-1)  # NaN comes last, and has no weight
    ordered, there = np.take_along_axis(values, order, axis=-1), np.isfinite(values)
    out = np.empty((resamples, *values.shape[:-1]))
    for number in range(resamples):
        cumulated = np.cumsum(np.take_along_axis(there * weights[number], order, axis=-1), axis=-1)
        place = (cumulated < cumulated[..., -1:] / 2).sum(axis=-1, keepdims=True)
        out[number] = np.take_along_axis(ordered, place, axis=-1)[..., 0]
    return out


def paired_medians(table: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Figure 18 of the paper: the median of each setting on every data set, a row a pair of data sets.

    A setting of one data set is that of another where their `configuration` is the same.
    """
    rows = scores(without_duplicates(table), metric)
    middle = rows.group_by("dataset", "setting", "configuration", "method", "strength", "spec").agg(
        pl.col("value").median().alias("median"), pl.len().alias("n")
    )
    other = middle.rename({"dataset": "other", "median": "median on other", "n": "n on other"})
    both = middle.join(other.drop("setting", "method", "strength", "spec"), on="configuration")
    pairs = both.filter(pl.col("dataset") < pl.col("other"))
    return pairs.sort("dataset", "other", "method", "strength", "spec", "configuration")

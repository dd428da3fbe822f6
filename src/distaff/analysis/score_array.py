"""The scores of a study as one array over the data sets, metrics and settings that all have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.scores import wide
from distaff.errors import DistaffError


class ScoreArray(NamedTuple):
    """Scores [dataset metric setting seed], NaN where a run has none; a setting is the id of its configuration."""

    values: NDArray[np.float64]
    datasets: tuple[str, ...]
    metrics: tuple[str, ...]
    settings: tuple[str, ...]
    seeds: tuple[int, ...]


def score_array(table: pl.DataFrame, metrics: Sequence[str]) -> ScoreArray:
    """The scores of `metrics` that every data set has, of the settings that have some of each.

    Settings of several data sets are the same where all agrees but the data set: their `configuration`. Raises
    `DistaffError` where fewer than two settings or two seeds are left, or two runs are of one setting and one seed.
    """
    runs = wide(table, metrics)
    datasets = sorted(runs["dataset"].unique().to_list())
    shared = [name for name in metrics if name in runs.columns and _everywhere(runs, name, datasets)]
    settings = runs.sort("method", "strength", "spec")["configuration"].unique(maintain_order=True).to_list()
    seeds = sorted(runs["seed"].unique().to_list())
    values = np.full((len(datasets), len(shared), len(settings), len(seeds)), np.nan)
    dataset, seed = _index(runs["dataset"].to_list(), datasets), _index(runs["seed"].to_list(), seeds)
    setting = _index(runs["configuration"].to_list(), settings)
    for place, name in enumerate(shared):
        values[dataset, place, setting, seed] = runs[name].to_numpy()
    complete = np.flatnonzero(np.isfinite(values).any(axis=3).all(axis=(0, 1)))
    if not shared or min(len(complete), len(seeds)) < 2:
        raise DistaffError(
            "too few scores in common: at least two settings with two seeds and the same scores are needed"
        )
    names = tuple(settings[i] for i in complete), tuple(seeds)
    return ScoreArray(values[:, :, complete], tuple(datasets), tuple(shared), *names)


def _everywhere(runs: pl.DataFrame, name: str, datasets: Sequence[str]) -> bool:
    return runs.drop_nulls(name)["dataset"].n_unique() == len(datasets)


def _index(values: Sequence[object], known: Sequence[object]) -> NDArray[np.int64]:
    place = {value: number for number, value in enumerate(known)}
    return np.array([place[value] for value in values], dtype=np.int64)

"""The scores of a study as one array over the data sets, metrics and settings that all have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.scores import wide
from distaff.errors import DistaffError


class Block(NamedTuple):
    """Scores [dataset metric setting seed], NaN where a run has none; a setting is the id of its configuration."""

    values: NDArray[np.float64]
    datasets: tuple[str, ...]
    metrics: tuple[str, ...]
    settings: tuple[str, ...]
    seeds: tuple[int, ...]


def block(table: pl.DataFrame, metrics: Sequence[str]) -> Block:
    """The scores of `metrics` that every data set has, of the settings that have some of each.

    Settings of several data sets are the same where all agrees but the data set: their `configuration`. Raises
    `DistaffError` where fewer than two settings or two seeds are left, or two runs are of one setting and one seed.
    """
    runs = wide(table, metrics)
    datasets = sorted(runs["dataset"].unique().to_list())
    have = [name for name in metrics if name in runs.columns and _everywhere(runs, name, datasets)]
    settings = runs.sort("method", "strength", "spec")["configuration"].unique(maintain_order=True).to_list()
    seeds = sorted(runs["seed"].unique().to_list())
    values = np.full((len(datasets), len(have), len(settings), len(seeds)), np.nan)
    where = [_index(runs["dataset"].to_list(), datasets), _index(runs["seed"].to_list(), seeds)]
    setting = _index(runs["configuration"].to_list(), settings)
    for place, name in enumerate(have):
        values[where[0], place, setting, where[1]] = runs[name].to_numpy()
    kept = np.flatnonzero(np.isfinite(values).any(axis=3).all(axis=(0, 1)))
    if not have or min(len(kept), len(seeds)) < 2:
        raise DistaffError("too little in common: two settings with two seeds and the same scores are wanted")
    names = tuple(settings[i] for i in kept), tuple(seeds)
    return Block(values[:, :, kept], tuple(datasets), tuple(have), *names)


def _everywhere(runs: pl.DataFrame, name: str, datasets: Sequence[str]) -> bool:
    return runs.drop_nulls(name)["dataset"].n_unique() == len(datasets)


def _index(values: Sequence[object], known: Sequence[object]) -> NDArray[np.int64]:
    place = {value: number for number, value in enumerate(known)}
    return np.array([place[value] for value in values], dtype=np.int64)

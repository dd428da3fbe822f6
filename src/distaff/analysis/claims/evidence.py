"""A study as arrays, with its resamples drawn once: what every claim is measured on.

All measures return [1 + resamples]: first the effect in the study, then in each resample of its
seeds, the same one for all settings and data sets. Runs and metrics are those of the paper, and runs of the same
mathematics count once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.agreement import Ranks, ranks
from distaff.analysis.duplicates import without_duplicates
from distaff.analysis.intervals import seeds_per_setting, setting_numbers, weights
from distaff.analysis.paper import in_range
from distaff.analysis.reliability import Reliability, reliabilities
from distaff.analysis.score_array import ScoreArray, score_array
from distaff.analysis.scores import claimed_metrics, paper_six, unsupervised, wide
from distaff.analysis.selection import expected, game_outcomes, seeds_drawn
from distaff.analysis.settings import SETTING, labelled
from distaff.analysis.usefulness import accuracies, efficiencies, with_efficiency
from distaff.errors import DistaffError

Array = NDArray[np.float64]
CACHED_RANKS = 8  # rankings of a data set in memory: they take 6 MB each at 1,800 runs
CACHED_BYTES = 2**28  # of them together, beyond the last two: of 20,000 runs they take 64 MB each


@dataclass(frozen=True)
class DatasetRuns:
    """One data set: a row a run; `times` [1 + resamples n] is the weight of each run in each resample.

    `variant` names what the setting of a run has beside method and strength; it is empty where nothing else varies.
    """

    dataset: str
    method: NDArray[np.str_]
    variant: NDArray[np.str_]
    strength_index: NDArray[np.int64]
    strength: Array
    settings: NDArray[np.int64]
    seed: NDArray[np.int64]
    columns: Mapping[str, Array]
    times: Array = field(repr=False)
    cached_ranks: dict[str, Ranks] = field(default_factory=dict, repr=False)

    def column(self, name: str) -> Array:
        """The scores of one column; raises `DistaffError` where this data set lacks it."""
        if name not in self.columns:
            raise DistaffError(f"needs {name}")
        return self.columns[name]

    def correlation(self, a: str, b: str) -> Array:
        """Spearman's correlation of two columns in every resample; a column that every run has is ranked once."""
        x, y = self.columns[a], self.columns[b]
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return rank_correlation(x, y, self.times)
        return _rho(self._ranked(a), self._ranked(b), self.times)

    def _ranked(self, name: str) -> Ranks:
        ranked = self.cached_ranks.pop(name, None) or ranks(self.columns[name], self.times)
        self.cached_ranks[name] = ranked  # the last to be dropped
        most = max(2, min(CACHED_RANKS, CACHED_BYTES // max(1, ranked.drawn.nbytes)))
        while len(self.cached_ranks) > most:
            self.cached_ranks.pop(next(iter(self.cached_ranks)))
        return ranked


@dataclass(frozen=True)
class Evidence:
    """The data sets of a study with two settings or more, and its table; `grids` are the factor sizes of data sets.

    In `datasets` runs of the same mathematics count once; `datasets_with_duplicates` has them all, for claims about one
    method alone.
    `settings` counts the settings within the paper's range, `left_out` those beyond it.
    """

    table: pl.DataFrame
    datasets: Sequence[DatasetRuns]
    datasets_with_duplicates: Sequence[DatasetRuns]
    settings: int
    left_out: int
    resamples: int
    seed: int
    grids: Mapping[str, Sequence[int]] = field(default_factory=dict)
    played: dict[tuple[bool, bool], Array] = field(default_factory=dict, repr=False)  # the games, each played once

    @property
    def runs(self) -> int:
        """The number of runs."""
        return sum(len(part.method) for part in self.datasets)

    @property
    def seeds(self) -> float:
        """How many seeds a setting has on average."""
        return float(np.mean([seeds_per_setting(part.settings) for part in self.datasets])) if self.datasets else 0.0

    @cached_property
    def metrics(self) -> list[str]:
        """The paper's metrics that every data set has."""
        return [name for name in paper_six(self.table) if all(name in part.columns for part in self.datasets)]

    @cached_property
    def reliability(self) -> Reliability:
        """Whether the paper's metrics hold more than noise here."""
        return self.reliability_of(self.metrics)

    def reliability_of(self, columns: Sequence[str]) -> Reliability:
        """Whether the settings differ in these columns, and whether the columns go together."""
        scores = [[part.columns[name] for name in columns] for part in self.datasets]
        return reliabilities(
            columns, scores, [part.settings for part in self.datasets], [part.seed for part in self.datasets], self.seed
        )

    @cached_property
    def scores(self) -> ScoreArray:
        """The disentanglement scores as one array, for the transfer game."""
        return score_array(self.table, self.metrics)

    @staticmethod
    def mean(values: Sequence[Array], needs: str) -> Array:
        """The mean over data sets or pairs; raises `DistaffError` with what is needed where there are none."""
        if not values:
            raise DistaffError(needs)
        mean: Array = np.mean(values, axis=0)
        return mean

    def game(self, *, metric: bool, dataset: bool) -> Array:
        """Table 1: how often a transferred setting beats a random model, by the same or another metric and data set."""
        if (metric, dataset) not in self.played:
            outcomes = game_outcomes(self.scores, metric=metric, dataset=dataset)
            if outcomes is None:
                raise DistaffError("needs a second data set" if not dataset else "needs a second metric")
            shares = expected(outcomes, seeds_drawn(self.scores, self.resamples, self.seed))
            self.played[metric, dataset] = shares
        return self.played[metric, dataset]


def evidence(
    table: pl.DataFrame, *, grids: Mapping[str, Sequence[int]] | None = None, resamples: int = 400, seed: int = 0
) -> Evidence:
    """The evidence that a table of scores gives; it needs no part of a score, of which a table may hold hundreds."""
    inside = with_efficiency(in_range(table.filter(pl.col("metric").is_in(claimed_metrics(table)))))
    once = without_duplicates(inside)
    all_runs = _datasets(inside, resamples, seed)
    datasets = all_runs if once is inside else _datasets(once, resamples, seed)
    compared = once.filter(pl.col("dataset").is_in([part.dataset for part in datasets]))
    settings = inside.n_unique(SETTING)
    left_out = table.n_unique(SETTING) - settings
    return Evidence(compared, datasets, all_runs, settings, left_out, resamples, seed, grids or {})


def _datasets(table: pl.DataFrame, resamples: int, seed: int) -> list[DatasetRuns]:
    tasks = [one.column for one in (*accuracies(table), *efficiencies(table))]
    names = [*paper_six(table), *unsupervised(table), *tasks]
    runs = labelled(wide(table, names), table.unique(SETTING, maintain_order=True))
    return [
        _dataset(str(name), rows, names, resamples, seed)
        for (name,), rows in runs.group_by("dataset", maintain_order=True)
        if rows["setting"].n_unique() > 1
    ]


def _dataset(dataset: str, rows: pl.DataFrame, names: Sequence[str], resamples: int, seed: int) -> DatasetRuns:
    times = np.vstack([np.ones(rows.height), weights(rows, resamples, seed)])
    present = [name for name in names if name in rows.columns and rows[name].count()]
    columns = {name: rows[name].to_numpy().astype(np.float64) for name in present}
    method, variant = (rows[name].to_numpy().astype(np.str_) for name in ("method", "variant"))
    index, strength, seeds = (rows[name].to_numpy() for name in ("strength_index", "strength", "seed"))
    return DatasetRuns(dataset, method, variant, index, strength, setting_numbers(rows), seeds, columns, times)


def rank_correlation(x: Array, y: Array, times: Array) -> Array:
    """Spearman's correlation in every resample, over the runs that have both; 0 where one side is constant."""
    finite = np.isfinite(x) & np.isfinite(y)
    times = times[:, finite]
    return _rho(ranks(x[finite], times), ranks(y[finite], times), times)


def _rho(a: Ranks, b: Ranks, times: Array) -> Array:
    norm = a.norms * b.norms
    product = np.einsum("bn,bn,bn->b", times, a.drawn, b.drawn)
    rho: Array = np.divide(product, norm, out=np.zeros_like(norm), where=norm > 1e-9)
    return rho


def mean_of(values: Array, times: Array) -> Array:
    """The mean in every resample, over the runs that have the value; raises `DistaffError` where none has."""
    finite = np.isfinite(values)
    if not finite.any():
        raise DistaffError("needs finite values")
    weight = times[:, finite]
    mean: Array = weight @ values[finite] / np.maximum(weight.sum(axis=1), 1e-12)
    return mean

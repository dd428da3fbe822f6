"""A study as arrays, with its resamples drawn once: what every claim is measured on.

All measures return [1 + resamples]: first what the study shows, then what it would with other seeds, the same ones for
all settings and data sets. Runs and metrics are those that the paper has, and runs of the same mathematics count once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.agreement import Ranks, ranks
from distaff.analysis.block import Block, block
from distaff.analysis.duplicates import counted_once
from distaff.analysis.intervals import seeds_of, strata, weights
from distaff.analysis.paper import in_range
from distaff.analysis.reliability import Reliability, reliabilities
from distaff.analysis.scores import CELL, paper_six, unsupervised, wide
from distaff.analysis.selection import expected, game_outcomes, seeds_drawn
from distaff.analysis.usefulness import accuracies, efficiencies, with_efficiency
from distaff.errors import DistaffError

Array = NDArray[np.float64]
KEPT = 8  # rankings of a data set at hand: more cost memory, 6 MB each at 1,800 runs


@dataclass(frozen=True)
class Part:
    """One data set: a row a run; `times` [1 + resamples n] says how much each run weighs in each resample."""

    dataset: str
    method: NDArray[np.str_]
    strength_index: NDArray[np.int64]
    cells: NDArray[np.int64]
    seed: NDArray[np.int64]
    columns: Mapping[str, Array]
    times: Array = field(repr=False)
    known: dict[str, Ranks] = field(default_factory=dict, repr=False)

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
        found = self.known.pop(name, None) or ranks(self.columns[name], self.times)
        self.known[name] = found  # the last to go
        while len(self.known) > KEPT:
            self.known.pop(next(iter(self.known)))
        return found


@dataclass(frozen=True)
class Evidence:
    """The parts of a study that have two settings or more, and its table; `grids` are the factor sizes of data sets.

    In `parts` runs of the same mathematics count once; `whole` has them all, for what is said of one method alone.
    `settings` counts the settings within the paper's range, `left_out` those beyond it.
    """

    table: pl.DataFrame
    parts: Sequence[Part]
    whole: Sequence[Part]
    settings: int
    left_out: int
    resamples: int
    seed: int
    grids: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return sum(len(part.method) for part in self.parts)

    @property
    def seeds(self) -> float:
        """How many seeds a setting has on average."""
        return float(np.mean([seeds_of(part.cells) for part in self.parts])) if self.parts else 0.0

    @cached_property
    def metrics(self) -> list[str]:
        """The paper's metrics that every part has."""
        return [name for name in paper_six(self.table) if all(name in part.columns for part in self.parts)]

    @cached_property
    def reliability(self) -> Reliability:
        """Whether the paper's metrics hold more than noise here."""
        return self.reliability_of(self.metrics)

    def reliability_of(self, columns: Sequence[str]) -> Reliability:
        """Whether the settings differ in these columns, and whether the columns go together."""
        scores = [[part.columns[name] for name in columns] for part in self.parts]
        return reliabilities(
            columns, scores, [part.cells for part in self.parts], [part.seed for part in self.parts], self.seed
        )

    @cached_property
    def block(self) -> Block:
        """The disentanglement scores as one array, for the transfer game."""
        return block(self.table, self.metrics)

    @staticmethod
    def mean(values: Sequence[Array], needs: str) -> Array:
        """The mean over data sets or pairs; raises `DistaffError` with what is needed where there are none."""
        if not values:
            raise DistaffError(needs)
        mean: Array = np.mean(values, axis=0)
        return mean

    def game(self, *, metric: bool, dataset: bool) -> Array:
        """Table 1: how often a transferred setting beats a random model, by the same or another metric and data set."""
        outcomes = game_outcomes(self.block, metric=metric, dataset=dataset)
        if outcomes is None:
            raise DistaffError("needs a second data set" if not dataset else "needs a second metric")
        return expected(outcomes, seeds_drawn(self.block, self.resamples, self.seed))


def evidence(
    table: pl.DataFrame, *, grids: Mapping[str, Sequence[int]] | None = None, resamples: int = 400, seed: int = 0
) -> Evidence:
    """The evidence that a table of scores gives."""
    kept = with_efficiency(in_range(table))
    once = counted_once(kept)
    whole = _parts(kept, resamples, seed)
    parts = whole if once is kept else _parts(once, resamples, seed)
    of_parts = once.filter(pl.col("dataset").is_in([part.dataset for part in parts]))
    settings = kept.n_unique(CELL)
    return Evidence(of_parts, parts, whole, settings, table.n_unique(CELL) - settings, resamples, seed, grids or {})


def _parts(table: pl.DataFrame, resamples: int, seed: int) -> list[Part]:
    tasks = [one.column for one in (*accuracies(table), *efficiencies(table))]
    names = [*paper_six(table), *unsupervised(table), *tasks]
    runs = wide(table, names)
    return [
        _part(str(name), rows, names, resamples, seed)
        for (name,), rows in runs.group_by("dataset", maintain_order=True)
        if rows["setting"].n_unique() > 1
    ]


def _part(dataset: str, rows: pl.DataFrame, names: Sequence[str], resamples: int, seed: int) -> Part:
    times = np.vstack([np.ones(rows.height), weights(rows, resamples, seed)])
    known = [name for name in names if name in rows.columns and rows[name].count()]
    columns = {name: rows[name].to_numpy().astype(np.float64) for name in known}
    method, index = rows["method"].to_numpy().astype(np.str_), rows["strength_index"].to_numpy()
    return Part(dataset, method, index, strata(rows), rows["seed"].to_numpy(), columns, times)


def rank_correlation(x: Array, y: Array, times: Array) -> Array:
    """Spearman's correlation in every resample, over the runs that have both; 0 where one side is constant."""
    there = np.isfinite(x) & np.isfinite(y)
    times = times[:, there]
    return _rho(ranks(x[there], times), ranks(y[there], times), times)


def _rho(a: Ranks, b: Ranks, times: Array) -> Array:
    norm = a.norms * b.norms
    above = np.einsum("bn,bn,bn->b", times, a.drawn, b.drawn)
    rho: Array = np.divide(above, norm, out=np.zeros_like(norm), where=norm > 1e-9)
    return rho


def mean_of(values: Array, times: Array) -> Array:
    """The mean in every resample, over the runs that have the value; raises `DistaffError` where none has."""
    there = np.isfinite(values)
    if not there.any():
        raise DistaffError("needs finite values")
    weight = times[:, there]
    mean: Array = weight @ values[there] / np.maximum(weight.sum(axis=1), 1e-12)
    return mean

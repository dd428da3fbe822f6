"""One answer: which cells of a data set are encoded, and what a metric says of codes of rows among them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.data import Dataset
from distaff.draws import generator
from distaff.encode import Codes
from distaff.metrics import Score
from distaff.plugins.registry import Spec, registry_of
from distaff.scoring.protocol import Scoring

LOOKS = 10  # at a row of a small set that is observed anew each time: colour, noise
REPRESENTATIONS = ("mean", "sampled")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Sampled:
    """Sampled codes of a table of rows: `table[rows]` draws anew at each look-up."""

    codes: Codes
    generator: np.random.Generator

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        flat = np.asarray(rows).ravel()
        drawn = Codes(self.codes.mean[flat], self.codes.logvar[flat]).sample(self.generator)
        return drawn.reshape(*np.shape(rows), drawn.shape[-1])


def cells_of(dataset: Dataset, most: int) -> NDArray[np.int64]:
    """The rows to encode: all, or `most` of them; what looks different each time several times, where that fits."""
    n = len(dataset)
    if n <= most:
        looks = min(LOOKS, most // n) if dataset.nuisance else 1
        return np.tile(np.arange(n), looks)
    return np.sort(generator("cells", 0).choice(n, size=most, replace=False))


def ask(
    spec: Spec,
    table: Any,
    factors: pl.DataFrame,
    active: NDArray[np.bool_],
    scoring: Scoring,
    draw: np.random.Generator,
) -> Score:
    """One metric or task, given the rows that it declares to need; active latents are those the encoder uses."""
    function, marks = registry_of(spec).bind(spec), registry_of(spec).plugin(spec.name).marks
    if dict(spec.values).get("dims") == "active":
        function = functools.partial(function, active=active)
    if marks["rows"] == "grid":
        return function(table, factors)  # type: ignore[no-any-return]
    train = draw.integers(len(factors), size=scoring.rows)
    if not marks.get("test_rows"):
        return function(table[train], factors[train])  # type: ignore[no-any-return]
    test = draw.integers(len(factors), size=scoring.test_rows)
    return function(table[train], factors[train], (table[test], factors[test]))  # type: ignore[no-any-return]


def row_of(spec: Spec, representation: str, metric: str, value: float, reason: str | None) -> dict[str, Any]:
    """An answer as it is kept: without a value, but with the reason, where it is not finite."""
    finite = math.isfinite(value)
    row: dict[str, Any] = {"representation": representation, "metric": metric, "value": value if finite else None}
    if str(spec) != spec.name:
        row["spec"] = str(spec)
    return row if finite else {**row, "reason": reason or "not a number"}

"""The scores of noise and of a perfect code, measured on the factors at hand with the rows of any other evaluation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.metrics.core.arrays import as_factors
from distaff.metrics.evaluate import EvaluationTable, evaluate_table, evaluation_table, specification
from distaff.plugins.spec import Spec


class Baselines(NamedTuple):
    """The scores of pure noise and of a perfect code on one table of factors."""

    noise: float
    perfect: float

    def share(self, value: float) -> float:
        """The position of `value` between noise (0) and a perfect code (1); NaN where the two are the same."""
        span = self.perfect - self.noise
        return (value - self.noise) / span if math.isfinite(span) and abs(span) > 1e-3 else math.nan


def baselines(metric: str | Spec, factors: Any, d: int | None = None, **options: Any) -> Baselines:
    """The baselines of a metric, such as "mig(bins=30)", on the rows of factors [n f].

    A perfect code is each factor by itself, standardised; noise is `d` standard normal codes, by default as many as
    there are factors. `options` are options of `evaluate`: `rows`, `test_rows`, `sampling`, `images`, `jobs`. On
    dSprites a perfect code has MIG .895 (20 bins cannot hold 40 values) and SAP .25, and noise a modularity of .67.
    Raises `DistaffError` as the metric does.
    """
    perfect = perfect_codes(factors)
    return baselines_of(specification(metric), evaluation_table(perfect, factors, **options), d or perfect.shape[1])


def baselines_of(spec: Spec, table: EvaluationTable, d: int) -> Baselines:
    """The baselines on the rows of a table, with noise of `d` codes."""
    both = (
        (noise_codes(len(table), d), None if table.lines is None else noise_codes(len(table.lines[1]), d, draw=1)),
        (perfect_codes(table.factors), line_codes(table)),
    )
    return Baselines(*(float(evaluate_table(spec, table.with_codes(*codes))) for codes in both))


def noise_codes(n: int, d: int, draw: int = 0) -> NDArray[np.float32]:
    """`d` standard normal codes of `n` rows, which carry no information about any factor."""
    return generator("noise", draw).standard_normal((n, d), dtype=np.float32)


def perfect_codes(factors: Any, by: Any = None) -> NDArray[np.float32]:
    """Each factor as a code of its own [n f], standardised: the class, or the value of a continuous factor.

    With `by`, the mean and the deviation are those of that other table of the same factors.
    """
    codes = _columns(factors)
    reference = codes if by is None else _columns(by)
    spread = reference.std(axis=0)
    scaled: NDArray[np.float32] = ((codes - reference.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(
        np.float32
    )
    return scaled


def line_codes(table: EvaluationTable) -> NDArray[np.float32] | None:
    """The perfect code of the lines of a table, on the scale of the table's own."""
    return None if table.lines is None else perfect_codes(table.lines[1], by=table.factors)


def _columns(factors: Any) -> NDArray[np.float64]:
    table = as_factors(factors)
    columns = [
        table.values[:, j].astype(np.float64) if continuous else table.classes[:, j].astype(np.float64)
        for j, continuous in enumerate(table.continuous)
    ]
    return np.stack(columns, axis=1)

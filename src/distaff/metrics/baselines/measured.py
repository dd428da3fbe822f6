"""The scores of noise and of a perfect code, measured on the factors at hand with the rows of any other evaluation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.metrics.core.arrays import as_factors
from distaff.metrics.evaluate import Table, evaluate_table, specification, table
from distaff.plugins.spec import Spec


class Baselines(NamedTuple):
    """The scores of pure noise and of a perfect code on one table of factors."""

    noise: float
    perfect: float

    def share(self, value: float) -> float:
        """How far `value` is on the way from noise (0) to a perfect code (1); NaN where the two are the same."""
        way = self.perfect - self.noise
        return (value - self.noise) / way if math.isfinite(way) and abs(way) > 1e-3 else math.nan


def baselines(metric: str | Spec, factors: Any, d: int | None = None, **limits: Any) -> Baselines:
    """The baselines of a metric, such as "mig(bins=30)", on the rows of factors [n f].

    A perfect code is each factor by itself, standardised; noise is `d` standard normal codes, by default as many as
    there are factors. `limits` are options of `evaluate`: `rows`, `test_rows`, `sampling`, `images`, `jobs`. On
    dSprites a perfect code has MIG .895 (20 bins cannot hold 40 values) and SAP .25, and noise a modularity of .67.
    Raises `DistaffError` as the metric does.
    """
    perfect = perfect_codes(factors)
    return baselines_of(specification(metric), table(perfect, factors, **limits), d or perfect.shape[1])


def baselines_of(spec: Spec, given: Table, d: int) -> Baselines:
    """The baselines on the rows of a table, with noise of `d` codes."""
    both = (
        (noise_codes(len(given), d), None if given.lines is None else noise_codes(len(given.lines[1]), d, draw=1)),
        (perfect_codes(given.factors), line_codes(given)),
    )
    return Baselines(*(float(evaluate_table(spec, given.holding(*codes))) for codes in both))


def noise_codes(n: int, d: int, draw: int = 0) -> NDArray[np.float32]:
    """`d` standard normal codes of `n` rows, which know nothing of any factor."""
    return generator("noise", draw).standard_normal((n, d), dtype=np.float32)


def perfect_codes(factors: Any, by: Any = None) -> NDArray[np.float32]:
    """Each factor as a code of its own [n f], standardised: the class, or the value of a continuous factor.

    With `by`, the mean and the deviation are those of that other table of the same factors.
    """
    codes = _columns(factors)
    known = codes if by is None else _columns(by)
    spread = known.std(axis=0)
    scaled: NDArray[np.float32] = ((codes - known.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)
    return scaled


def line_codes(given: Table) -> NDArray[np.float32] | None:
    """The perfect code of the lines of a table, on the scale of the table's own."""
    return None if given.lines is None else perfect_codes(given.lines[1], by=given.factors)


def _columns(factors: Any) -> NDArray[np.float64]:
    known = as_factors(factors)
    columns = [
        known.values[:, j].astype(np.float64) if continuous else known.classes[:, j].astype(np.float64)
        for j, continuous in enumerate(known.continuous)
    ]
    return np.stack(columns, axis=1)

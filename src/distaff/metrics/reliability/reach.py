"""Where noise and a perfect code stand on these factors: a score of .25 may be all that can be had."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.metrics.core.arrays import as_factors
from distaff.metrics.reliability.asking import Table, ask, specification, table
from distaff.plugins.registry import Spec


class Reach(NamedTuple):
    """The scores of pure noise and of a perfect code on one table of factors."""

    noise: float
    perfect: float

    def share(self, value: float) -> float:
        """How far `value` is on the way from noise (0) to a perfect code (1); NaN where the two are the same."""
        way = self.perfect - self.noise
        return (value - self.noise) / way if math.isfinite(way) and abs(way) > 1e-3 else math.nan


def reach(metric: str | Spec, factors: Any, d: int | None = None, **limits: int) -> Reach:
    """The reach of a metric, such as "mig(bins=30)", on the rows of factors [n f]; see `Reach`.

    A perfect code is each factor by itself, standardised; noise is `d` standard normal codes, as many as there are
    factors unless told. `limits` are `rows`, `test_rows` and `jobs`. On dSprites a perfect code has MIG .895 (20 bins
    cannot hold 40 values) and SAP .25, and noise a modularity of .67. Raises `DistaffError` as the metric does.
    """
    perfect = perfect_codes(factors)
    told = table(perfect, factors, **limits)
    return reach_of(specification(metric), told, d or perfect.shape[1])


def reach_of(spec: Spec, told: Table, d: int) -> Reach:
    """The reach on the rows of a table, with noise of `d` codes."""
    noise = generator("noise", 0).standard_normal((len(told), d), dtype=np.float32)
    return Reach(*(float(ask(spec, told.holding(codes))) for codes in (noise, perfect_codes(told.factors))))


def perfect_codes(factors: Any) -> NDArray[np.float32]:
    """Each factor as a code of its own [n f], standardised: the class, or the value of a continuous factor."""
    known = as_factors(factors)
    columns = [
        known.values[:, j].astype(np.float64) if continuous else known.classes[:, j].astype(np.float64)
        for j, continuous in enumerate(known.continuous)
    ]
    codes = np.stack(columns, axis=1)
    spread = codes.std(axis=0)
    scaled: NDArray[np.float32] = ((codes - codes.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)
    return scaled

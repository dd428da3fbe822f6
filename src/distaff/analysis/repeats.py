"""How far a metric moves when it is asked again: its own sampling variance against the number of rows.

A metric draws rows. Asked again with another draw it gives another number, of the same model: that spread is noise of
the measurement, which no number of seeds tells apart from luck in training. A view of the JMLR extension.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from distaff.analysis.intervals import LEVEL
from distaff.errors import DistaffError

WANTED = ("metric", "rows", "draw", "value")


def spread(answers: pl.DataFrame) -> pl.DataFrame:
    """The spread of repeated answers, from a row an answer: metric, rows, draw, value.

    Per metric and number of rows: mean, deviation (n - 1), low and high (the chi^2 interval of a deviation, exact for
    normal answers), bias (from the mean at the most rows) and n. Raises `DistaffError` where columns are missing or a
    metric was asked once only.
    """
    if lacking := set(WANTED) - set(answers.columns):
        raise DistaffError(
            f"repeated answers have the columns {', '.join(WANTED)}; missing: {', '.join(sorted(lacking))}"
        )
    value = pl.col("value")
    found = (
        answers.filter(value.is_finite())
        .group_by("metric", "rows")
        .agg(value.mean().alias("mean"), value.std().alias("deviation"), pl.len().cast(pl.Int64).alias("n"))
        .sort("metric", "rows")
    )
    if found.is_empty() or found["n"].min() < 2:  # type: ignore[operator]
        raise DistaffError("a spread takes two answers of a metric at each number of rows")
    last = pl.col("mean").sort_by("rows").last().over("metric")
    low, high = _factors(found["n"].to_numpy())
    ends = [(pl.col("deviation") * pl.Series(end)).alias(name) for name, end in (("low", low), ("high", high))]
    return found.with_columns(*ends, (pl.col("mean") - last).alias("bias"))


def _factors(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a deviation of n normal answers is multiplied by, to reach the ends of its interval."""
    from scipy.stats import chi2

    freedom = n - 1
    ends = [np.sqrt(freedom / chi2.ppf(q, freedom)) for q in ((1 + LEVEL) / 2, (1 - LEVEL) / 2)]
    return ends[0], ends[1]

"""How far a metric moves when it is evaluated again: its sampling variance against the number of rows.

A metric draws rows. Evaluated with another draw it gives another number for the same model: that spread is noise of the
measurement, which no number of seeds tells apart from luck in training. A view of the JMLR extension.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from distaff.analysis.intervals import LEVEL
from distaff.errors import DistaffError

COLUMNS = ("metric", "rows", "draw", "value")


def spread(repeats: pl.DataFrame) -> pl.DataFrame:
    """The spread of repeated evaluations, from a row an evaluation: metric, rows, draw, value.

    Per metric and number of rows: mean, deviation (n - 1), low and high (the chi^2 interval of a deviation, exact for
    normal values), bias (from the mean at the most rows) and n. Raises `DistaffError` where columns are missing or a
    metric was evaluated once only.
    """
    if missing := set(COLUMNS) - set(repeats.columns):
        raise DistaffError(
            f"repeated evaluations need the columns {', '.join(COLUMNS)}; missing: {', '.join(sorted(missing))}"
        )
    value = pl.col("value")
    table = (
        repeats.filter(value.is_finite())
        .group_by("metric", "rows")
        .agg(value.mean().alias("mean"), value.std().alias("deviation"), pl.len().cast(pl.Int64).alias("n"))
        .sort("metric", "rows")
    )
    if table.is_empty() or table["n"].min() < 2:  # type: ignore[operator]
        raise DistaffError("a spread needs two evaluations of a metric at each number of rows")
    last = pl.col("mean").sort_by("rows").last().over("metric")
    low, high = _interval_factors(table["n"].to_numpy())
    ends = [(pl.col("deviation") * pl.Series(end)).alias(name) for name, end in (("low", low), ("high", high))]
    return table.with_columns(*ends, (pl.col("mean") - last).alias("bias"))


def _interval_factors(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The factors from a deviation of n normal values to the ends of its interval."""
    from scipy.stats import chi2

    freedom = n - 1
    ends = [np.sqrt(freedom / chi2.ppf(q, freedom)) for q in ((1 + LEVEL) / 2, (1 - LEVEL) / 2)]
    return ends[0], ends[1]

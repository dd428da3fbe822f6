"""How far a metric moves when it is evaluated again on the same run, by the number of rows."""

from __future__ import annotations

import polars as pl

from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.repeatability import repeatability_chart


@figure(
    title="Noise of the metrics",
    question="How much of a score is the draw of its rows?",
    reading="Each metric was evaluated ten times on one run at each number of rows, with other rows every time. The "
    "line is the standard deviation of the scores: noise that more rows remove where four times the rows halve it. A "
    "difference between two runs that is smaller than it means nothing. Both scales are logarithmic.",
    interval="The band is the 95 % interval of a standard deviation of normal values (chi squared).",
    order=95,
    paper="the JMLR extension: metric variance against sample size",
    legend=False,
    repeats=True,
    columns=1,
)
def metric_variance(table: pl.DataFrame, *, repeats: pl.DataFrame | None = None) -> Figure:
    """The spread of repeated evaluations of one run by metric and rows (Locatello et al., 2020).

    `repeats` has a row an evaluation: metric, rows, draw, value. Raises `DistaffError` without them.
    """
    del table
    if repeats is None:
        raise DistaffError("no metric was evaluated repeatedly: `distaff report STUDY --repeats` does that")
    return repeatability_chart(repeats)

"""The rank correlation of every metric with every other."""

from __future__ import annotations

import polars as pl

from distaff.analysis.agreement import agreement
from distaff.analysis.scores import supervised
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.heat import heat


@figure(
    title="Agreement of the metrics",
    question="Do the metrics rank the same runs alike?",
    reading="Each cell is Spearman's rank correlation of two metrics over the runs, times 100: 100 is the same order, "
    "0 no relation, below 0 the reverse. A pale row is a metric that measures something else.",
    interval="Point at a cell for its 95 % bootstrap interval over seeds, within settings.",
    order=20,
    paper="Figures 2 and 12",
    legend=False,
)
def metric_agreement(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """Spearman's rank correlation between the disentanglement scores of the runs. Figures 2 and 12 of the paper.

    Raises `DistaffError` where the table holds fewer than two metrics.
    """
    names = supervised(table)
    if len(names) < 2:
        raise DistaffError("fewer than two metrics were scored: agreement needs two")
    frame = agreement(table, names, seed=seed)
    runs = max(frame["n"])
    return Figure(frame, {"": heat(frame, names, names)}, f"{runs} runs.")

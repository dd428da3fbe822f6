"""Every pair of metrics, run by run."""

from __future__ import annotations

from itertools import combinations

import polars as pl

from distaff.analysis.marks import head
from distaff.analysis.scores import PAPER_ORDER, supervised, wide
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.scatter import scatter
from distaff.reports.charts.theme import metric_label


@figure(
    title="Pairs of metrics",
    question="How do two metrics see the same runs?",
    reading="Each mark is a run, with its score by two metrics. A thin rising band means that they agree; a cloud that "
    "they measure different things; a wall that one of them is at its maximum.",
    interval="Marks are single runs; the correlations with their intervals are in the figure of agreement.",
    order=22,
    paper="Figure 11",
    columns=3,
)
def metric_pairs(table: pl.DataFrame) -> Figure:
    """The scores of every run for each pair of the paper's metrics. Figure 11 of the paper.

    Raises `DistaffError` where the table holds fewer than two metrics.
    """
    names = supervised(table)
    chosen = [name for name in names if head(name) in PAPER_ORDER] or names[:6]
    if len(chosen) < 2:
        raise DistaffError("fewer than two metrics were scored: a pair needs two")
    frame = wide(table, chosen)
    charts = {
        f"{metric_label(a)} and {metric_label(b)}": scatter(frame, a, b, height=190) for a, b in combinations(chosen, 2)
    }
    return Figure(frame, charts, f"{frame.height} runs.")

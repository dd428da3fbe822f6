"""The rank correlation of what can be computed without labels with every metric."""

from __future__ import annotations

import polars as pl

from distaff.analysis.agreement import agreement
from distaff.analysis.scores import supervised, unsupervised
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.heat import heat


@figure(
    title="Scores without labels against metrics",
    question="Can a model be chosen without labels?",
    reading="Each cell is Spearman's rank correlation, times 100, of a score that needs no label (rows) with a metric "
    "that does (columns). A row that is strong and of one sign, on every data set, would be a way to choose.",
    interval="Point at a cell for its 95 % bootstrap interval over seeds, within settings.",
    order=60,
    paper="Figures 4 (centre) and 16",
    legend=False,
    columns=1,
)
def unsupervised_scores(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """Spearman's correlation of losses, total correlation and the like with the metrics. Figures 4 and 16 of the paper.

    Raises `DistaffError` where the table lacks either kind of score.
    """
    rows, columns = unsupervised(table), supervised(table)
    if not rows or not columns:
        raise DistaffError("this figure needs a score without labels, such as a loss, and a metric with labels")
    frame = agreement(table, rows, columns, seed=seed)
    return Figure(frame, {"": heat(frame, rows, columns)}, f"{max(frame['n'])} runs.")

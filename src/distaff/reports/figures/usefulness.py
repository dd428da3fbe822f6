"""The rank correlation of every metric with what the codes are good for."""

from __future__ import annotations

import polars as pl

from distaff.analysis.agreement import agreement
from distaff.analysis.scores import supervised
from distaff.analysis.usefulness import accuracies, efficiencies, with_efficiency
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.heat import heat


@figure(
    title="Metrics against downstream tasks",
    question="Is a more disentangled code more useful?",
    reading="Each cell is Spearman's rank correlation, times 100, of a metric (rows) with the accuracy of a classifier "
    "on the codes (columns: LR logistic regression, GBT boosted trees, and how many labels), or with how little it "
    "loses with few labels (efficiency).",
    interval="Point at a cell for its 95 % bootstrap interval over seeds, within settings.",
    order=80,
    paper="Figures 5 and 19",
    legend=False,
    columns=1,
)
def usefulness(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """Spearman's correlation of the metrics with downstream accuracy and efficiency. Figures 5 and 19 of the paper.

    Raises `DistaffError` where the runs were not scored with a downstream task.
    """
    table = with_efficiency(table)
    tasks = [task.column for task in (*accuracies(table), *efficiencies(table))]
    if not tasks or not (rows := supervised(table)):
        raise DistaffError("no run has a downstream task: score with `downstream` or `statistical_efficiency`")
    frame = agreement(table, rows, tasks, seed=seed)
    return Figure(frame, {"": heat(frame, rows, tasks)}, f"{max(frame['n'])} runs.")

"""Statistical efficiency against every metric, run by run."""

from __future__ import annotations

import polars as pl

from distaff.analysis.scores import supervised, wide
from distaff.analysis.usefulness import efficiencies, task_label, with_efficiency
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.scatter import scatter
from distaff.reports.charts.theme import metric_label


@figure(
    title="Sample efficiency",
    question="Does a disentangled code need fewer labels?",
    reading="Each mark is a run: its score against its efficiency, the accuracy with few labels over that with many. "
    "A cloud that rises would mean that disentangled codes need fewer labels.",
    interval="Marks are single runs; the correlations with their intervals are in the figure of usefulness.",
    order=82,
    paper="Figures 6, 20 and 21",
    columns=3,
)
def efficiency(table: pl.DataFrame) -> Figure:
    """Statistical efficiency of every run beside its scores. Figures 6, 20 and 21 of the paper.

    Raises `DistaffError` where no run has a statistical efficiency.
    """
    table = with_efficiency(table)
    tasks, metrics = efficiencies(table), supervised(table)
    if not tasks or not metrics:
        raise DistaffError(
            "no run has a statistical efficiency: score with `statistical_efficiency`, or downstream with a hundred "
            "times more labels"
        )
    frame = wide(table, [*metrics, *(task.column for task in tasks)])
    charts = {
        f"{metric_label(metric)}, {task_label(task)}": scatter(frame, metric, task.column)
        for task in tasks
        for metric in metrics
    }
    return Figure(frame, charts, f"{frame.height} runs.")

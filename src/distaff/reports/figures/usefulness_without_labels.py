"""The rank correlation of what can be computed without labels with what the codes are good for."""

from __future__ import annotations

import polars as pl

from distaff.analysis.agreement import agreement
from distaff.analysis.scores import unsupervised
from distaff.analysis.usefulness import accuracies, efficiencies, with_efficiency
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.heat import heat


@figure(
    title="Scores without labels against downstream tasks",
    question="Do scores without labels indicate which code is useful?",
    reading="Each cell is Spearman's rank correlation, times 100, of a score that needs no label (rows) with accuracy "
    "or efficiency downstream (columns).",
    interval="Point at a cell for its 95 % bootstrap interval over seeds, within settings.",
    order=86,
    paper="Figure 24",
    legend=False,
    columns=1,
)
def usefulness_without_labels(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """Spearman's correlation of losses and the like with accuracy and efficiency downstream. Figure 24 of the paper.

    Raises `DistaffError` where the runs were not scored with a downstream task.
    """
    table = with_efficiency(table)
    tasks = [task.column for task in (*accuracies(table), *efficiencies(table))]
    if not tasks or not (rows := unsupervised(table)):
        raise DistaffError("no run has a downstream task: score with `downstream` or `statistical_efficiency`")
    frame = agreement(table, rows, tasks, seed=seed)
    return Figure(frame, {"": heat(frame, rows, tasks)}, f"{max(frame['n'])} runs.")

"""The rank correlation of settings between data sets, for every metric."""

from __future__ import annotations

import polars as pl

from distaff.analysis.scores import supervised
from distaff.analysis.transfer import between_datasets
from distaff.reports import Figure, figure
from distaff.reports.charts.heat import heat
from distaff.reports.charts.theme import metric_label


@figure(
    title="Settings across data sets",
    question="Does a setting that is good on one data set do well on another?",
    reading="One chart a metric. Each cell is Spearman's rank correlation, times 100, of the settings' medians on two "
    "data sets: 100 means that both rank the settings alike.",
    interval="Point at a cell for its 95 % bootstrap interval over seeds, within settings.",
    order=20,
    paper="Figures 4 (right) and 17",
    legend=False,
    study=True,
    columns=2,
)
def transfer_between_datasets(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """The rank correlation of settings between each two data sets, per metric. Figures 4 (right) and 17 of the paper.

    Raises `DistaffError` for one data set, or fewer than three settings in common.
    """
    frame = between_datasets(table, supervised(table), seed=seed)
    names = sorted(set(frame["a"]))
    charts = {
        metric_label(metric): heat(frame.filter(pl.col("metric") == metric), names, names)
        for metric in frame["metric"].unique(maintain_order=True)
    }
    return Figure(frame, charts, f"{max(frame['n'])} settings on {len(names)} data sets.")

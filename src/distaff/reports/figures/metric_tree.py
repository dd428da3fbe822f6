"""Which metrics go together, as a tree of their rank correlations."""

from __future__ import annotations

import numpy as np
import polars as pl

from distaff.analysis.agreement import agreement
from distaff.analysis.scores import supervised
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.dendrogram import dendrogram
from distaff.reports.charts.theme import metric_label

LEAST = 3


@figure(
    title="Tree of the metrics",
    question="Which metrics measure the same, and which stand alone?",
    reading="Two groups of metrics join at the height of the largest rank correlation between a metric of one and a "
    "metric of the other. Groups that join low in the chart, near 1, rank the runs alike; a line that goes its own way "
    "to the top, 0, is a metric with which no other agrees.",
    interval="The tree is that of the correlations in the figure of agreement, which have the intervals.",
    order=21,
    paper="the dendrograms of the JMLR extension, of metrics",
    legend=False,
    columns=1,
)
def metric_tree(table: pl.DataFrame) -> Figure:
    """The single-linkage tree of the metrics by Spearman's correlation over the runs (Locatello et al., 2020).

    `frame` holds its lines. Raises `DistaffError` where the table holds fewer than three metrics.
    """
    names = supervised(table)
    if len(names) < LEAST:
        raise DistaffError("fewer than three metrics were scored: a tree needs three")
    frame = agreement(table, names, resamples=2)
    rho = np.eye(len(names))
    for a, b, value in frame.select("a", "b", "rho").drop_nulls().iter_rows():
        rho[names.index(a), names.index(b)] = rho[names.index(b), names.index(a)] = max(value, 0.0)
    tree = dendrogram(rho, [metric_label(name) for name in names], title="rank correlation")
    return Figure(tree.frame, tree.charts, f"{max(frame['n'])} runs, {len(names)} metrics.")

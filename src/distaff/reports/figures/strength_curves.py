"""The median of each score over the strengths of each method."""

from __future__ import annotations

import polars as pl

from distaff.analysis.intervals import medians
from distaff.analysis.scores import scores, supervised
from distaff.analysis.settings import POINT, labelled
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.baselines import untrained_range
from distaff.reports.charts.lines import lines
from distaff.reports.charts.theme import metric_label


@figure(
    title="Scores against regularisation",
    question="Is there a strength that is good for every method and every metric?",
    reading="Each line is a method, each point the median over the seeds of one strength. A rule of thumb would show "
    "as lines that peak at the same place in every chart. The grey zone holds untrained models.",
    interval="The band is the 95 % bootstrap interval of the median over seeds.",
    order=45,
    untrained=True,
    paper="Figures 4 (left) and 15",
    columns=3,
)
def strength_curves(table: pl.DataFrame, *, untrained: pl.DataFrame | None = None, seed: int = 0) -> Figure:
    """The median of every disentanglement score by setting. Figures 4 (left) and 15 of the paper.

    `best` marks the setting of each method with the highest median. Raises `DistaffError` where there is no score.
    """
    if not (names := supervised(table)):
        raise DistaffError("no disentanglement score in the table: score the runs with at least one metric")
    rows = pl.concat([scores(table, name) for name in names])
    frame = labelled(medians(rows, ["metric", *POINT], seed=seed), table).with_columns(
        (pl.col("median") == pl.col("median").max().over("metric", "method")).alias("best")
    )
    frame = frame.join(untrained_range(untrained), "metric", how="left", maintain_order="left")
    charts = {
        metric_label(name): lines(frame.filter(pl.col("metric") == name), metric_label(name), height=220)
        for name in names
    }
    return Figure(frame, charts, f"{rows['id'].n_unique()} runs, {min(frame['n'])} or more seeds a point.")

"""The distribution of each score for each method."""

from __future__ import annotations

import polars as pl

from distaff.analysis.scores import scores, supervised
from distaff.analysis.settings import labelled
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.baselines import untrained_range
from distaff.reports.charts.boxes import boxes, quartiles
from distaff.reports.charts.theme import metric_label


@figure(
    title="Scores of each method",
    question="Does the choice of method decide how disentangled the code is?",
    reading="Every dot is a run: all settings and seeds of a method, or an even part of many. The box "
    "spans the middle half, the line is the median. Where boxes overlap, the choice of method matters less than "
    "the rest of the setting and luck. The grey zone holds untrained models.",
    interval="The box is a spread, not an error bar: it holds the middle half of the runs.",
    order=30,
    untrained=True,
    paper="Figures 3 (left) and 13",
)
def score_by_method(table: pl.DataFrame, *, untrained: pl.DataFrame | None = None) -> Figure:
    """The quartiles of every disentanglement score by method. Figures 3 (left) and 13 of the paper.

    Raises `DistaffError` where the table holds no such score.
    """
    if not (names := supervised(table)):
        raise DistaffError("no disentanglement score in the table: score the runs with at least one metric")
    rows = labelled(pl.concat([scores(table, name) for name in names]), table)
    frame = quartiles(rows, ["metric", "method"]).join(
        untrained_range(untrained), "metric", how="left", maintain_order="left"
    )
    is_metric = {name: pl.col("metric") == name for name in names}
    charts = {
        metric_label(name): boxes(rows.filter(here), "method", metric_label(name), untrained=frame.filter(here))
        for name, here in is_metric.items()
    }
    return Figure(frame, charts, f"{rows['id'].n_unique()} runs, {min(frame['n'])} or more a box.")

"""Downstream accuracy by the number of labels, for codes of low, middle and high score."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.analysis.scores import supervised
from distaff.analysis.usefulness import GROUPS, by_thirds
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.theme import metric_label

COLOURS = ["#B5B2AA", "#56B4E9", "#0072B2"]


@figure(
    title="Accuracy by labels",
    question="Do disentangled codes learn faster from few labels?",
    reading="Runs are split into thirds by their score. Each line is the median accuracy of a third with so many "
    "labels. Lines that part at few labels and meet at many would mean fewer labels are needed; lines that stay "
    "parallel mean better codes at every size.",
    interval="The band is the 95 % bootstrap interval of the median over seeds, within settings.",
    order=84,
    paper="Figures 22 and 23",
    legend=False,
    columns=2,
)
def accuracy_by_thirds(table: pl.DataFrame, *, metric: str | None = None, seed: int = 0) -> Figure:
    """Median accuracy by labels for thirds of the runs by DCI and by MIG. Figures 22 and 23 of the paper.

    With `metric`, by that one. Raises `DistaffError` where the downstream tasks or the metrics are missing.
    """
    names = supervised(table)
    metrics = [metric] if metric else [name for name in ("dci", "mig") if name in names] or names[:1]
    frames = [by_thirds(table, name, seed=seed) for name in metrics]
    frame = pl.concat([one for one in frames if one.height] or [pl.DataFrame()])
    if frame.is_empty():
        raise DistaffError("no run has a downstream task: score with `downstream` at several numbers of labels")
    charts = {
        f"{metric_label(str(name))}, {learner}": _chart(part)
        for (name, learner), part in frame.group_by("metric", "learner", maintain_order=True)
    }
    return Figure(frame, charts, f"{min(frame['n'])} to {max(frame['n'])} runs a third.")


def _chart(part: pl.DataFrame) -> alt.LayerChart:
    group = alt.Color(
        "group:N", scale=alt.Scale(domain=list(GROUPS), range=COLOURS), legend=alt.Legend(title=None, orient="top")
    )
    core = alt.Chart(part).encode(x=alt.X("labels:O", title="labels", axis=alt.Axis(labelAngle=0)), color=group)
    scale = alt.Scale(zero=False)
    y = alt.Y("median:Q", title="accuracy", scale=scale, axis=alt.Axis(format=".0%"))
    tip = [
        "group:N",
        "labels:Q",
        *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("median", "low", "high")),
        "n:Q",
    ]
    chart: alt.LayerChart = (
        core.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", title="accuracy", scale=scale), y2="high:Q")
        + core.mark_line(strokeWidth=2).encode(y=y)
        + core.mark_point(filled=True, size=50, opacity=1).encode(
            y=y, shape=alt.Shape("group:N", legend=None), tooltip=tip
        )
    ).properties(width="container", height=240)
    return chart

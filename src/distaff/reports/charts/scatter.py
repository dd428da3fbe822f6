"""Runs as marks between two scores, in the colour and shape of their method."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.analysis.settings import labelled
from distaff.reports.charts.lines import decades
from distaff.reports.charts.theme import colour, in_order, label, metric_label, shape

MOST = 600  # marks of a chart: beyond this many they only hide each other, and cost time to draw


def scatter(
    runs: pl.DataFrame, x: str, y: str, *, log: bool = False, diagonal: bool = False, height: int = 220
) -> alt.Chart | alt.LayerChart:
    """The chart of two columns of `wide`; of many runs an even part is drawn, the same one each time."""
    both = runs.drop_nulls([x, y])
    if log:  # a logarithmic axis has no place for zero
        both = both.filter((pl.col(x) > 0) & (pl.col(y) > 0))
    methods = in_order(runs["method"])
    data = labelled(both, runs).gather_every(max(1, -(-both.height // MOST))).select(
        "id", "label", "seed", pl.col(x).alias("x"), pl.col(y).alias("y"),
        pl.col("method").replace_strict({name: label(name) for name in methods}).alias("Method"),
    )  # fmt: skip
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    axis = alt.Axis(tickCount=5, format="~g")
    if log and not data.is_empty():
        values = pl.concat([data["x"], data["y"]])
        axis = alt.Axis(values=decades(float(values.min()), float(values.max())), format="~g")  # type: ignore[arg-type]
    marks: alt.Chart = (
        alt.Chart(data)
        .mark_point(filled=True, size=36, opacity=0.6)
        .encode(
            x=alt.X("x:Q", title=metric_label(x), scale=scale, axis=axis),
            y=alt.Y("y:Q", title=metric_label(y), scale=scale, axis=axis),
            color=colour(methods),
            shape=shape(methods),
            tooltip=["label:N", "seed:Q", alt.Tooltip("x:Q", format=".3g"),
                     alt.Tooltip("y:Q", format=".3g"), "id:N"],
        )
    )  # fmt: skip
    if not diagonal or data.is_empty():
        plain: alt.Chart = marks.properties(width="container", height=height)
        return plain
    ends = [
        data.select(pl.max_horizontal("x", "y").max()).item(),
        data.select(pl.min_horizontal("x", "y").min()).item(),
    ]
    line = alt.Chart(pl.DataFrame({"x": ends, "y": ends})).mark_line(strokeDash=[4, 4], style="soft", strokeWidth=1)
    both_layers: alt.LayerChart = (line.encode(x="x:Q", y="y:Q") + marks).properties(width="container", height=height)
    return both_layers

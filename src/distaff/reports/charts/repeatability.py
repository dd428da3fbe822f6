"""The spread of repeated evaluations of a metric against the number of rows."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from distaff.analysis.repeatability import spread
from distaff.errors import DistaffError
from distaff.reports import Figure
from distaff.reports.charts.lines import decades
from distaff.reports.charts.theme import HUES, metric_label


def repeatability_chart(repeats: pl.DataFrame) -> Figure:
    """The spread of each metric over repeated draws against the number of rows (Locatello et al., 2020).

    `repeats` has a row an evaluation: metric, rows, draw, value. A line that falls as one over the root of the rows is
    a metric whose noise more rows remove. Raises `DistaffError` where a metric was evaluated once, or no value differs.
    """
    frame = spread(repeats)
    moving = frame.filter(pl.col("deviation") > 0)  # a logarithmic axis has no place for zero
    if moving.is_empty():
        raise DistaffError("all repeated evaluations have the same value: there is no spread to draw")
    data = moving.with_columns(pl.col("metric").map_elements(metric_label, return_dtype=pl.String).alias("score"))
    rows, ends = sorted(set(data["rows"])), data.select(pl.col("low").min(), pl.col("high").max()).row(0)
    axis = alt.Axis(values=rows, format=",d", grid=False)
    core = alt.Chart(data).encode(
        x=alt.X("rows:Q", title="rows", scale=alt.Scale(type="log", nice=False, padding=20), axis=axis),
        color=alt.Color("score:N", scale=alt.Scale(range=HUES), legend=alt.Legend(title=None, orient="top", columns=3)),
    )
    look: Any = {
        "title": "standard deviation",
        "scale": alt.Scale(type="log", nice=False),
        "axis": alt.Axis(values=decades(*ends), format="~g"),
    }
    y = alt.Y("deviation:Q", **look)
    tip = [
        "score:N",
        "rows:Q",
        *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("mean", "deviation", "bias")),
        "n:Q",
    ]
    band = core.mark_area(opacity=0.12).encode(y=alt.Y("low:Q", **look), y2="high:Q")
    dots = core.mark_point(filled=True, size=50, opacity=1).encode(y=y, tooltip=tip)
    chart = (band + core.mark_line(strokeWidth=2).encode(y=y) + dots).properties(width="container", height=280)
    return Figure(frame, {"": chart}, f"{min(frame['n'])} or more evaluations a point.")

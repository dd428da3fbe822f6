"""A heat map of rank correlations with its numbers in the cells."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from distaff.reports.charts.theme import metric_label


def heat(frame: pl.DataFrame, rows: Sequence[str], columns: Sequence[str]) -> alt.LayerChart:
    """The chart of a frame of a, b, rho, low, high, n; cells without a correlation stay empty."""
    names = {name: metric_label(name) for name in {*rows, *columns}}
    data = frame.with_columns(
        pl.col("a").replace_strict(names).alias("row"),
        pl.col("b").replace_strict(names).alias("column"),
        *(pl.col(name) * 100 for name in ("rho", "low", "high")),
    )
    core = alt.Chart(data).encode(
        x=alt.X(
            "column:N",
            sort=[names[name] for name in columns],
            title=None,
            axis=alt.Axis(labelAngle=-35, labelOverlap=False),
        ),
        y=alt.Y("row:N", sort=[names[name] for name in rows], title=None, axis=alt.Axis(labelOverlap=False)),
    )
    tip = ["row:N", "column:N", *(alt.Tooltip(f"{name}:Q", format=".0f") for name in ("rho", "low", "high")), "n:Q"]
    scale = alt.Scale(domain=[-100, 0, 100], range="diverging", interpolate="rgb")
    squares = core.mark_rect(cornerRadius=3).encode(color=alt.Color("rho:Q", scale=scale, legend=None), tooltip=tip)
    strong = core.transform_filter("abs(datum.rho) > 70").mark_text(color="white").encode(text=FORMAT)
    weak = core.transform_filter("abs(datum.rho) <= 70").mark_text(style="ink", stroke=None).encode(text=FORMAT)
    chart: alt.LayerChart = (squares + strong + weak).properties(
        width="container", height=max(110, (46 if len(rows) < 10 else 30) * len(rows))
    )
    return chart


FORMAT = alt.Text("rho:Q", format=".0f")

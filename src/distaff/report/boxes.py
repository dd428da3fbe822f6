"""Runs as dots over the box of their middle half: what the paper draws as violins, honest for five seeds too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from distaff.report.theme import colour, in_order, label

GOLDEN = 0.6180339887  # multiples of the golden ratio fill a column evenly, and the same way each time


def quartiles(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Least, quartiles and greatest `value` of each group, with its n."""
    value = pl.col("value")
    return (
        rows.group_by(by)
        .agg(
            value.min().alias("least"),
            value.quantile(0.25, "linear").alias("q25"),
            value.median().alias("median"),
            value.quantile(0.75, "linear").alias("q75"),
            value.max().alias("greatest"),
            pl.len().alias("n"),
        )
        .sort(*by)
    )


def boxes(
    rows: pl.DataFrame, across: str, title: str, *, height: int = 240, domain: tuple[float, float] | None = None
) -> alt.LayerChart:
    """One column for each value of `across`, coloured by method: dots, a box of the quartiles, and the median."""
    methods = in_order(rows["method"])
    data = rows.select("id", "method", "spec", "strength", "seed", "value").with_columns(
        pl.col("method").replace_strict({name: label(name) for name in methods}).alias("Method"),
        (pl.int_range(pl.len()) * GOLDEN % 1 - 0.5).alias("jitter"),
    )
    if across == "strength":
        x: Any = alt.X("strength:O", title=None, axis=alt.Axis(labelAngle=0))
    else:
        # The key above the figure names the colours, so that six names need not fit under a narrow chart.
        x = alt.X(
            "Method:N",
            title=None,
            sort=[label(name) for name in methods],
            axis=alt.Axis(labelAngle=-35, labelOverlap=False),
        )
    scale = alt.Scale(zero=False, domain=list(domain), nice=True) if domain else alt.Scale(zero=False)
    y = alt.Y("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5))
    core = alt.Chart(data).encode(x=x, color=colour(methods))
    tip = ["spec:N", "seed:Q", alt.Tooltip("value:Q", format=".3f"), "id:N"]
    jitter = alt.XOffset("jitter:Q", scale=alt.Scale(domain=[-1, 1]))
    dots = core.mark_circle(size=22, opacity=0.55).encode(y=y, xOffset=jitter, tooltip=tip)
    box = core.mark_bar(size=18, opacity=0.35, cornerRadius=3).encode(
        y=alt.Y("q1(value):Q", title=title), y2="q3(value)"
    )
    middle = core.mark_tick(thickness=2.5, size=26).encode(y=alt.Y("median(value):Q", title=title))
    chart: alt.LayerChart = (box + dots + middle).properties(width="container", height=height)
    return chart

"""Runs as dots over the box of their middle half: what the paper draws as violins, honest for five seeds too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from distaff.reports.charts.baselines import untrained_zone
from distaff.reports.charts.theme import colour, in_order, label

MOST = 100  # dots of a column: of more runs an even part is drawn, the box and the median are those of all
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


def _columns() -> pl.Expr:
    """The name of a setting's column: its strength in its shortest form, and its variant where it has one."""
    short = pl.col("strength").map_elements(lambda value: f"{value:g}", return_dtype=pl.String)
    return pl.when(pl.col("variant") == "").then(short).otherwise(short + ", " + pl.col("variant")).alias("column")


def boxes(
    rows: pl.DataFrame,
    across: str,
    title: str,
    *,
    height: int = 240,
    domain: tuple[float, float] | None = None,
    untrained: pl.DataFrame | None = None,
) -> alt.LayerChart:
    """One column a method, or with `across` "strength" one a setting, coloured by method: dots, a box, and the median.

    Settings are those of one method with their labels: a column goes by its strength, and by its `variant` where there
    are several of one strength.
    `untrained` is a frame to which `untrained_range` was joined: its grey zone lies behind the boxes.
    """
    methods = in_order(rows["method"])
    named = pl.col("method").replace_strict({name: label(name) for name in methods}).alias("Method")
    if across == "strength":
        rows = rows.sort("strength", "variant").with_columns(_columns())
    keys = ["method", "column", "setting"] if across == "strength" else ["method"]
    frame = quartiles(rows, keys).with_columns(named)
    largest = max(frame["n"])
    shown = ["column"] if across == "strength" else []
    data = rows.gather_every(-(-largest // MOST)).select("id", "method", "label", "seed", "value", *shown)
    data = data.with_columns(named, (pl.int_range(pl.len()) * GOLDEN % 1 - 0.5).alias("jitter"))
    if across == "strength":
        order = rows["column"].unique(maintain_order=True).to_list()
        slant = 0 if (rows["variant"] == "").all() else -35
        x: Any = alt.X("column:O", title=None, sort=order, axis=alt.Axis(labelAngle=slant, labelOverlap=slant == 0))
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
    core, whole = (alt.Chart(some).encode(x=x, color=colour(methods)) for some in (data, frame))
    tip = ["label:N", "seed:Q", alt.Tooltip("value:Q", format=".3f"), "id:N"]
    jitter = alt.XOffset("jitter:Q", scale=alt.Scale(domain=[-1, 1]))
    dots = core.mark_circle(size=22, opacity=0.55).encode(y=y, xOffset=jitter, tooltip=tip)
    box = whole.mark_bar(size=18, opacity=0.35, cornerRadius=3).encode(y=alt.Y("q25:Q", title=title), y2="q75:Q")
    middle = whole.mark_tick(thickness=2.5, size=26).encode(y=alt.Y("median:Q", title=title))
    behind = [] if untrained is None else untrained_zone(untrained, title)
    layers = [*behind, box, dots, middle]
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(width="container", height=height)
    return chart

"""A line a method over the index of its strength, with the band of its interval: what many figures are made of."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from distaff.reports.charts.baselines import UNTRAINED_RANGE, untrained_zone
from distaff.reports.charts.theme import colour, dashes, in_order, label, shape


def lines(
    frame: pl.DataFrame, title: str, *, log: bool = False, domain: tuple[float, float] | None = None, height: int = 280
) -> alt.LayerChart:
    """The chart of a frame of medians by setting, with their labels; `domain` makes charts side by side comparable.

    A line is of one method, and of one `variant` where settings of a method differ in more than strength. A frame with
    the columns of `untrained_range` shows that range as a grey area behind its lines.
    """
    methods = in_order(frame["method"])
    data = frame.with_columns(
        pl.col("method").replace_strict({name: label(name) for name in methods}).alias("Method"),
        (pl.col("strength_index") + 1).alias("step"),
    )
    if log and domain:  # a logarithmic axis has no place for zero
        data = data.with_columns(pl.col("median", "low", "high").clip(lower_bound=domain[0]))
    limits = list(domain) if domain else alt.Undefined
    scale = alt.Scale(type="log", nice=False, domain=limits) if log else alt.Scale(zero=False, domain=limits)
    x = _strengths(data)
    axis = alt.Axis(values=decades(*domain), format="~g") if log and domain else alt.Axis(tickCount=5, format="~g")
    tip = [
        alt.Tooltip("label:N", title="setting"),
        alt.Tooltip("median:Q", format=".3g"),
        alt.Tooltip("low:Q", title="from", format=".3g"),
        alt.Tooltip("high:Q", title="to", format=".3g"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    core = alt.Chart(data).encode(x=x, color=colour(methods), detail="variant:N")
    band = core.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", title=title, scale=scale, axis=axis), y2="high:Q")
    y = alt.Y("median:Q", title=title, scale=scale, axis=axis)
    line = core.mark_line(strokeWidth=2).encode(y=y, **dashes(data))
    dots = core.mark_point(filled=True, size=60, opacity=1).encode(y=y, shape=shape(methods), tooltip=tip)
    behind = untrained_zone(frame, title) if set(UNTRAINED_RANGE) <= set(frame.columns) else []
    chart: alt.LayerChart = alt.LayerChart(layer=[*behind, band, line, dots]).properties(
        width="container", height=height
    )
    return chart


def _strengths(data: pl.DataFrame) -> alt.X:
    """The axis of strengths: their values where all methods have the same, else their order."""
    steps = data.group_by("step").agg(pl.col("strength").unique()).sort("step")
    if all(len(values) == 1 for values in steps["strength"]):
        return alt.X("strength:O", title="strength", axis=alt.Axis(labelAngle=0))
    return alt.X("step:O", title="strength, in the order of each method's values", axis=alt.Axis(labelAngle=0))


def decades(low: float, high: float) -> list[float]:
    """The powers of ten, and three times each, from `low` to `high`: a logarithmic axis with few lines."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for power in powers for tick in (10.0**power, 3 * 10.0**power) if low <= tick <= high]

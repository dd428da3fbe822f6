"""Views of the JMLR extension that are of a matrix or of repeated answers, not of the table of scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.groups import Merge, merges
from distaff.analysis.repeats import spread
from distaff.errors import DistaffError
from distaff.reports import Figure
from distaff.reports.charts.lines import decades
from distaff.reports.charts.theme import HUES, metric_label


def dendrogram(matrix: NDArray[np.float64], names: Sequence[str], *, title: str = "threshold") -> Figure:
    """Which factors are entangled with which: groups of factors [f] that a code joins, from high to low thresholds.

    `matrix` [d f] says how much code i tells of factor j (`mig(codes, factors).matrix`, say). A factor begins at its
    largest entry; two groups merge where one code reaches the threshold for both (Locatello et al., 2020). Raises
    `DistaffError` for an array that is no matrix.
    """
    found = merges(matrix)
    order = _leaves(found, matrix.shape[1])
    top: dict[tuple[int, ...], tuple[float, float]] = {}
    for place, factor in enumerate(order):
        top[factor,] = (float(place), float(np.max(matrix[:, factor])))
    lines, joined = [], {factor for merge in found for factor in (*merge.left, *merge.right)}
    lines += [(top[j,][0], top[j,][1], top[j,][0], 0.0) for j in order if j not in joined]
    for merge in found:
        left, right = top[merge.left], top[merge.right]
        top[tuple(sorted((*merge.left, *merge.right)))] = ((left[0] + right[0]) / 2, merge.threshold)
        lines += [(x, height, x, merge.threshold) for x, height in (left, right)]
        lines.append((left[0], merge.threshold, right[0], merge.threshold))
    frame = pl.DataFrame(lines, schema=dict.fromkeys(("x", "y", "x2", "y2"), pl.Float64), orient="row")
    labels = str([names[factor] for factor in order])
    places = list(range(len(order)))
    axis = alt.Axis(values=places, labelExpr=f"{labels}[datum.value]", labelAngle=-35, labelOverlap=False, grid=False)
    x = alt.X("x:Q", title=None, axis=axis, scale=alt.Scale(domain=[-0.5, len(order) - 0.5], nice=False))
    y = alt.Y("y:Q", title=title, scale=alt.Scale(reverse=True, zero=True), axis=alt.Axis(tickCount=5))
    chart = alt.Chart(frame).mark_rule(strokeWidth=2, color=HUES[0]).encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
    told = f"{len(found)} merges of {matrix.shape[1]} factors, {matrix.shape[0]} codes."
    return Figure(frame, {"": chart.properties(width="container", height=240)}, told)


def runs_of(matrices: pl.DataFrame | None) -> list[str]:
    """The runs of a table of matrices, as it names and orders them; raises `DistaffError` where there is none."""
    if matrices is None:
        raise DistaffError("no model was asked what its codes tell of factors: `distaff report STUDY --matrices` does")
    return matrices["run"].unique(maintain_order=True).to_list()


def matrix_of(matrices: pl.DataFrame | None, run: str, name: str) -> tuple[NDArray[np.float64], list[str]]:
    """One matrix [d f] of a table with a row an entry: run, matrix, code, factor, value; and its factors."""
    assert matrices is not None
    entries = matrices.filter((pl.col("run") == run) & (pl.col("matrix") == name))
    factors = entries["factor"].unique(maintain_order=True).to_list()
    return entries.sort("code", maintain_order=True)["value"].to_numpy().reshape(-1, len(factors)), factors


def _leaves(found: Sequence[Merge], factors: int) -> list[int]:
    """The factors in an order in which no two lines cross."""
    groups: dict[tuple[int, ...], list[int]] = {(factor,): [factor] for factor in range(factors)}
    for merge in found:
        both = groups.pop(merge.left) + groups.pop(merge.right)
        groups[tuple(sorted(both))] = both
    return [factor for group in groups.values() for factor in group]


def metric_spread(answers: pl.DataFrame) -> Figure:
    """The spread of each metric over repeated draws against the number of rows (Locatello et al., 2020).

    `answers` has a row an answer: metric, rows, draw, value. A line that falls as one over the root of the rows is a
    metric whose noise can be bought off. Raises `DistaffError` where a metric was asked once, or no answer differs.
    """
    frame = spread(answers)
    moving = frame.filter(pl.col("deviation") > 0)  # a logarithmic axis has no place for zero
    if moving.is_empty():
        raise DistaffError("no answer differs from another: there is no spread to draw")
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
    return Figure(frame, {"": chart}, f"{min(frame['n'])} or more answers a point.")

"""A matrix as a tree: which columns are joined by a row, from high to low thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.factor_merges import Merge, merges
from distaff.reports import Figure
from distaff.reports.charts.theme import HUES
from distaff.untrusted.markup import json_in_script


def dendrogram(matrix: NDArray[np.float64], names: Sequence[str], *, title: str = "threshold") -> Figure:
    """Which factors are entangled with which: groups of factors [f] that a code joins, from high to low thresholds.

    `matrix` [d f] holds the dependence of factor j on code i (such as `mig(codes, factors).matrix`). A factor begins at
    its largest entry; two groups merge where one code reaches the threshold for both (Locatello et al., 2020). Raises
    `DistaffError` for an array that is not a finite matrix.
    """
    joins = merges(matrix)
    order = _leaves(joins, matrix.shape[1])
    top: dict[tuple[int, ...], tuple[float, float]] = {}
    for place, factor in enumerate(order):
        top[factor,] = (float(place), float(np.max(matrix[:, factor])))
    lines, joined = [], {factor for merge in joins for factor in (*merge.left, *merge.right)}
    lines += [(top[j,][0], top[j,][1], top[j,][0], 0.0) for j in order if j not in joined]
    for merge in joins:
        left, right = top[merge.left], top[merge.right]
        top[tuple(sorted((*merge.left, *merge.right)))] = ((left[0] + right[0]) / 2, merge.threshold)
        lines += [(x, height, x, merge.threshold) for x, height in (left, right)]
        lines.append((left[0], merge.threshold, right[0], merge.threshold))
    frame = pl.DataFrame(lines, schema=dict.fromkeys(("x", "y", "x2", "y2"), pl.Float64), orient="row")
    labels = json_in_script([names[factor] for factor in order])  # a literal of Vega's expressions too
    places = list(range(len(order)))
    axis = alt.Axis(values=places, labelExpr=f"{labels}[datum.value]", labelAngle=-35, labelOverlap=False, grid=False)
    x = alt.X("x:Q", title=None, axis=axis, scale=alt.Scale(domain=[-0.5, len(order) - 0.5], nice=False))
    y = alt.Y("y:Q", title=title, scale=alt.Scale(reverse=True, zero=True), axis=alt.Axis(tickCount=5))
    chart = alt.Chart(frame).mark_rule(strokeWidth=2, color=HUES[0]).encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
    counts = f"{len(joins)} merges of {matrix.shape[1]} factors, {matrix.shape[0]} codes."
    return Figure(frame, {"": chart.properties(width="container", height=240)}, counts)


def _leaves(joins: Sequence[Merge], factors: int) -> list[int]:
    """The factors in an order in which no two lines cross."""
    groups: dict[tuple[int, ...], list[int]] = {(factor,): [factor] for factor in range(factors)}
    for merge in joins:
        both = groups.pop(merge.left) + groups.pop(merge.right)
        groups[tuple(sorted(both))] = both
    return [factor for group in groups.values() for factor in group]

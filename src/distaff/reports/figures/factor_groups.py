"""Into how many groups codes and factors fall, as weak links between them are taken away."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.metrics.groups import independent_groups
from distaff.reports import Figure, figure
from distaff.reports.charts.factor_matrices import matrix_of, runs_of
from distaff.reports.charts.theme import HUES

MEASURES = ("importance", "information", "accuracy")


@figure(
    title="Independent groups",
    question="Do the factors fall apart, and at how weak a link?",
    reading="Codes and factors are joined by every entry of the matrix above the threshold, which falls to the right. "
    "The line counts the groups. In a disentangled model it climbs to the number of factors (dashed) and stays there "
    "to small thresholds; where it comes down, a code begins to serve two factors, and at 1 all hang together.",
    interval="None: each line is of one model.",
    order=93,
    paper="the independent groups of the JMLR extension",
    legend=False,
    matrices=True,
    columns=3,
)
def factor_groups(table: pl.DataFrame, *, matrices: pl.DataFrame | None = None) -> Figure:
    """The number of connected groups of codes and factors against the threshold, by matrix (Locatello et al., 2020).

    `matrices` has a row an entry: run, matrix, code, factor, value. Raises `DistaffError` without them.
    """
    del table
    rows, runs = [], runs_of(matrices)
    for name in MEASURES:
        for run in runs:
            matrix, factors = matrix_of(matrices, run, name)
            curve = independent_groups(matrix)
            rows += [
                (name, run, *point) for point in zip(curve.thresholds.tolist(), curve.counts.tolist(), strict=True)
            ]
    kinds = {"matrix": pl.String, "run": pl.String, "threshold": pl.Float64, "groups": pl.Int64}
    frame = pl.DataFrame(rows, kinds, orient="row")
    charts = {name: _chart(frame.filter(pl.col("matrix") == name), len(factors)) for name in MEASURES}
    return Figure(frame, charts, f"{frame['run'].n_unique()} models, {len(factors)} factors.")


def _chart(frame: pl.DataFrame, factors: int) -> alt.LayerChart:
    runs = frame["run"].unique(maintain_order=True).to_list()
    axis = alt.Axis(tickCount=5, format="~g")
    core = alt.Chart(frame).encode(
        x=alt.X("threshold:Q", title="threshold", scale=alt.Scale(reverse=True), axis=axis),
        y=alt.Y("groups:Q", title="groups", scale=alt.Scale(domain=[0, factors]), axis=alt.Axis(tickCount=factors)),
        color=alt.Color(
            "run:N",
            scale=alt.Scale(domain=runs, range=HUES),
            legend=alt.Legend(title=None, orient="top", columns=1, labelLimit=400),
        ),
        strokeDash=alt.StrokeDash("run:N", scale=alt.Scale(domain=runs), legend=None),
        order=alt.Order("threshold:Q", sort="ascending"),  # a count holds from its threshold down to the next
        tooltip=["run:N", alt.Tooltip("threshold:Q", format=".3g"), "groups:Q"],
    )
    line = core.mark_line(strokeWidth=2, interpolate="step-before")
    all_apart = (
        alt.Chart(pl.DataFrame({"groups": [factors]})).mark_rule(strokeDash=[4, 4], opacity=0.5).encode(y="groups:Q")
    )
    return alt.LayerChart(layer=[all_apart, line]).properties(width="container", height=260)

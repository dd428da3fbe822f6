"""Which factors a model entangles with which, as a tree from the importance of its codes for them."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.reports import Figure, figure
from distaff.reports.charts.dendrogram import dendrogram
from distaff.reports.charts.factor_matrices import matrix_of, runs_of

MATRIX = "importance"


@figure(
    title="Trees of the factors",
    question="Which factors does a model entangle with which?",
    reading="The line of a factor begins low in the chart, at the largest importance that a code has for it. Two "
    "groups join where one code reaches the importance on the left for a factor of each: soon, where a code serves "
    "both; near the top, at 0, where each has codes of its own. The models are those with the highest, the middle and "
    "the lowest score of the data set.",
    interval="None: each tree is of one model. Importance is that of the boosted trees of DCI.",
    order=92,
    paper="the dendrograms of the JMLR extension",
    legend=False,
    matrices=True,
    columns=3,
)
def factor_tree(table: pl.DataFrame, *, matrices: pl.DataFrame | None = None) -> Figure:
    """The single-linkage trees of the factors of three models (Locatello et al., 2020).

    `matrices` has a row an entry: run, matrix, code, factor, value. Raises `DistaffError` without them.
    """
    del table
    frames, charts = [], dict[str, alt.Chart | alt.LayerChart]()
    for run in runs_of(matrices):
        matrix, factors = matrix_of(matrices, run, MATRIX)
        tree = dendrogram(matrix, factors, title=MATRIX)
        frames.append(tree.frame.with_columns(run=pl.lit(run)))
        charts[run] = tree.charts[""]
    return Figure(pl.concat(frames), charts, f"{len(charts)} models, {len(factors)} factors.")

"""Every aggregation of every factor-code matrix, compared: which of the two decides a metric."""

from __future__ import annotations

import polars as pl

from distaff.analysis.agreement import agreement
from distaff.analysis.marks import head
from distaff.analysis.scores import UNIFIED
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.heat import heat


@figure(
    title="Matrix and aggregation",
    question="Do metrics disagree because of their matrices, or because of how they aggregate them?",
    reading="A metric computes a matrix of how much each code depends on each factor, and aggregates it. Each cell is "
    "Spearman's rank correlation, times 100, of two such pairs. Blocks along the diagonal that are darker than the "
    "rest mean that the matrix decides.",
    interval="Point at a cell for its 95 % bootstrap interval over seeds, within settings.",
    order=90,
    paper="the unified view of the JMLR extension",
    legend=False,
    columns=1,
)
def unified_views(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """Spearman's correlation between all aggregations of all factor-code matrices (Locatello et al., 2020).

    Columns are `unified_scores.<matrix>.<reduction>`. Raises `DistaffError` where the table has fewer than two.
    """
    names = sorted(name for name in table["metric"].unique() if head(name) == UNIFIED and name.count(".") == 2)
    names = [name for name in names if not name.endswith(("groups_area", "groups_max"))]
    if len(names) < 2:
        raise DistaffError(
            "no run has the unified view of the metrics: score with `unified_scores` to draw this figure"
        )
    frame = agreement(table, names, seed=seed)
    return Figure(frame, {"": heat(frame, names, names)}, f"{max(frame['n'])} runs.")

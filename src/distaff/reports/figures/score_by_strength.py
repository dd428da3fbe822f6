"""The distribution of one score for each strength of each method."""

from __future__ import annotations

import polars as pl

from distaff.analysis.scores import scores, supervised
from distaff.analysis.settings import POINT, labelled
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.baselines import UNTRAINED_RANGE, untrained_range
from distaff.reports.charts.boxes import boxes, quartiles
from distaff.reports.charts.theme import in_order, label, metric_label


@figure(
    title="Scores of each strength",
    question="How much do strength and seed matter within one method?",
    reading="One chart a method, one column a setting: its strength, and whatever else it differs in. Every dot is "
    "one seed. Dots of one column differ in nothing but the seed: their spread is that of luck. The grey zone "
    "holds untrained models.",
    interval="The box is a spread, not an error bar: it holds the middle half of the seeds.",
    order=40,
    untrained=True,
    paper="Figures 3 (right) and 14",
    columns=3,
)
def score_by_strength(
    table: pl.DataFrame, *, metric: str | None = None, untrained: pl.DataFrame | None = None
) -> Figure:
    """The quartiles of one score by setting. Figures 3 (right) and 14 of the paper.

    Without `metric`, the FactorVAE score as in the paper, or the first score of the table. Raises `DistaffError` where
    the table holds none.
    """
    if not (names := supervised(table)):
        raise DistaffError("no disentanglement score in the table: score the runs with at least one metric")
    chosen = metric or ("factor_vae_score" if "factor_vae_score" in names else names[0])
    rows = scores(table, chosen)
    rows = labelled(rows, table)
    frame = quartiles(rows, ["metric", *POINT, "label", "variant"])
    frame = frame.join(untrained_range(untrained), "metric", how="left", maintain_order="left").drop("metric")
    values = [*rows["value"], *frame.select(UNTRAINED_RANGE).head(1).row(0)]
    known = [value for value in values if value is not None]
    charts = {
        label(name): boxes(
            rows.filter(pl.col("method") == name),
            "strength",
            metric_label(chosen),
            height=200,
            domain=(min(known), max(known)),
            untrained=frame,
        )
        for name in in_order(rows["method"])
    }
    return Figure(frame, charts, f"{rows['id'].n_unique()} runs, {min(frame['n'])} or more seeds a column.")

"""The distribution of one score for each strength of each method."""

from __future__ import annotations

import polars as pl

from distaff.analysis.scores import scores, supervised
from distaff.analysis.settings import POINT, labelled
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.baselines import ENDS, spans
from distaff.reports.charts.boxes import boxes, quartiles
from distaff.reports.charts.theme import in_order, label, metric_label


@figure(
    title="Scores of each strength",
    question="How much do strength and seed matter within one method?",
    reading="One chart a method, one column a setting: its strength, and what else tells it apart. Every dot is "
    "one seed. Dots of one column differ in nothing but the seed: how far they spread is what luck does. The grey zone "
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

    Without `metric`, the FactorVAE score as in the paper, or the first score there is. Raises `DistaffError` where the
    table holds none.
    """
    if not (names := supervised(table)):
        raise DistaffError("no disentanglement score in the table: score the runs with at least one metric")
    chosen = metric or ("factor_vae_score" if "factor_vae_score" in names else names[0])
    rows = scores(table, chosen)
    rows = labelled(rows, table)
    frame = quartiles(rows, ["metric", *POINT, "label", "variant"])
    frame = frame.join(spans(untrained), "metric", how="left", maintain_order="left").drop("metric")
    ends = [*rows["value"], *frame.select(ENDS).head(1).row(0)]
    limits = (min(end for end in ends if end is not None), max(end for end in ends if end is not None))
    charts = {
        label(name): boxes(
            rows.filter(pl.col("method") == name),
            "strength",
            metric_label(chosen),
            height=200,
            domain=limits,
            floor=frame,
        )
        for name in in_order(rows["method"])
    }
    return Figure(frame, charts, f"{rows['id'].n_unique()} runs, {min(frame['n'])} or more seeds a column.")

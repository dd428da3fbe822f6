"""Total correlation of mean against that of sampled codes, run by run."""

from __future__ import annotations

import polars as pl

from distaff.analysis.scores import ACTIVE_TC, TC, wide
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.scatter import scatter


@figure(
    title="Total correlation of means and samples",
    question="Is the code that people use as independent as the one that was trained to be?",
    reading="Each mark is a run: total correlation of its sampled codes, which the loss sees, against that of its "
    "means, which people use. Marks above the line have means that depend on each other more. Both scales are "
    "logarithmic. Where there is a second chart, passive latents were left out of it.",
    interval="Marks are single runs; the medians with their intervals are in the figure above.",
    order=12,
    paper="Figure 10",
)
def correlation_of_means(table: pl.DataFrame) -> Figure:
    """Gaussian total correlation of mean and of sampled codes of every run. Figure 10 of the paper.

    Raises `DistaffError` where the table has not both.
    """
    captions = {TC: "All latents", ACTIVE_TC: "Active latents"}
    frame = wide(table, [column for name in captions for column in (name, f"{name}@sampled")])
    shown = [name for name in captions if {name, f"{name}@sampled"} <= set(frame.columns)]
    if not shown:
        raise DistaffError(f"no run has {TC} of mean and of sampled codes: score with it to draw this figure")
    charts = {
        captions[name]: scatter(frame, f"{name}@sampled", name, log=True, diagonal=True, height=280) for name in shown
    }
    return Figure(frame, charts, f"{frame.height} runs.")

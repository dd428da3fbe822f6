"""Mean mutual information of pairs of latents against strength."""

from __future__ import annotations

import polars as pl

from distaff.analysis.intervals import medians
from distaff.analysis.scores import scores
from distaff.analysis.settings import POINT, labelled
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.lines import lines

NAME = "pairwise_mutual_information"


@figure(
    title="Pairwise information against regularisation",
    question="Do latents share less information under stronger regularisation, beyond what covariances show?",
    reading="As the figure of total correlation, with the mean mutual information of two latents, which also sees "
    "dependence that is not linear. Left, codes drawn from the posterior; right, its means.",
    interval="The band is the 95 % bootstrap interval of the median over seeds.",
    order=14,
    paper="Figures 27 and 28",
)
def pairwise_information(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """The median of the mean pairwise mutual information by setting. Figures 27 and 28 of the paper.

    Raises `DistaffError` where no run has it.
    """
    representations = table.filter(pl.col("metric") == NAME)["representation"].unique().to_list()
    if not representations:
        raise DistaffError("no run has the mutual information of its latents: score with it to draw this figure")
    shown = {"sampled": "Sampled codes", "mean": "Mean codes"}
    rows = pl.concat([scores(table, NAME, kind) for kind in shown if kind in representations])
    frame = labelled(medians(rows, ["representation", *POINT], seed=seed), table)
    charts = {
        caption: lines(frame.filter(pl.col("representation") == kind), "Mutual information (nats)")
        for kind, caption in shown.items()
        if kind in representations
    }
    return Figure(frame, charts, f"{rows['id'].n_unique()} runs, {min(frame['n'])} or more seeds a point.")

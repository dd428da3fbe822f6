"""Total correlation of sampled and of mean codes against strength."""

from __future__ import annotations

import polars as pl

from distaff.analysis.intervals import medians
from distaff.analysis.scores import TC, scores
from distaff.analysis.settings import POINT, labelled
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.lines import lines


@figure(
    title="Total correlation against regularisation",
    question="Does stronger regularisation make the dimensions of the code independent?",
    reading="Each line is a method, each point the median over the seeds of one strength. Left, codes drawn from the "
    "posterior; right, its means, which is what people use. A line that falls means that the dimensions come to depend "
    "less on each other. The scale is logarithmic.",
    interval="The band is the 95 % bootstrap interval of the median over seeds.",
    order=10,
    paper="Figures 1, 8, 9, 25 and 26",
)
def total_correlation(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """The median Gaussian total correlation of each setting, for sampled and for mean codes.

    TC = (sum_i log S_ii - log det S) / 2 with S the covariance of the codes. Figures 1, 8, 9, 25, 26 of the paper.
    Raises `DistaffError` where the table has it for neither representation.
    """
    shown = {"sampled": "Sampled codes", "mean": "Mean codes"}
    kinds = table.filter(pl.col("metric") == TC)["representation"].unique().to_list()
    if not (available := [kind for kind in shown if kind in kinds]):
        raise DistaffError(f"no run has {TC}: score with it to draw this figure")
    rows = pl.concat([scores(table, TC, kind) for kind in available])
    frame = labelled(medians(rows, ["representation", *POINT], seed=seed), table)
    top = frame.select(pl.max_horizontal("median", "high").max()).item()
    positive = frame.filter(pl.col("median") > 0)["median"]
    bottom = float(min(positive)) / 2 if len(positive) else top / 10  # a band may leave the chart, a line may not
    charts = {
        shown[kind]: lines(
            frame.filter(pl.col("representation") == kind), "Total correlation (nats)", log=True, domain=(bottom, top)
        )
        for kind in available
    }
    return Figure(frame, charts, f"{rows['id'].n_unique()} runs; {seeds(frame)} behind each point.")


def seeds(frame: pl.DataFrame) -> str:
    """How many seeds a point has, in words."""
    low, high = min(frame["n"]), max(frame["n"])
    return f"{low} seed{'s' if low != 1 else ''}" if low == high else f"{low} to {high} seeds"

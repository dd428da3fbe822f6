"""The median of every setting on two data sets, against each other."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.analysis.scores import supervised
from distaff.analysis.settings import labelled
from distaff.analysis.transfer import paired_medians
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.theme import colour, in_order, label, metric_label, shape


@figure(
    title="Settings on two data sets",
    question="How does a setting score on another data set?",
    reading="One chart a pair of data sets, each mark a setting. Its place is the median "
    "score on both. A rising cloud means that the ranking carries over.",
    interval="Marks are medians over seeds; the intervals are those of the score curves.",
    order=30,
    paper="Figure 18",
    study=True,
    columns=3,
)
def setting_pairs(table: pl.DataFrame, *, metric: str | None = None, first: str | None = None) -> Figure:
    """The medians of settings on `first` (by default dSprites, or the first by name) and on each other data set.

    Figure 18 of the paper. Without `metric`, the first of MIG, or the first score of the table. Raises `DistaffError`
    for one data set.
    """
    names = supervised(table)
    if table["dataset"].n_unique() < 2 or not names:
        raise DistaffError("there is one data set only: transfer needs two")
    chosen = metric or ("mig" if "mig" in names else names[0])
    pairs = paired_medians(table, chosen)
    if pairs.is_empty():
        raise DistaffError(
            "no setting was trained on two data sets: a setting is the same where all but the data set agrees"
        )
    sets = sorted({*pairs["dataset"], *pairs["other"]})
    home = first or ("dsprites" if "dsprites" in sets else sets[0])
    turned = pairs.rename({"dataset": "other", "other": "dataset", "median": "median on other", "n": "n on other",
                           "median on other": "median", "n on other": "n"})  # fmt: skip
    frame = pl.concat([pairs, turned.select(pairs.columns)]).filter(pl.col("dataset") == home)
    frame = labelled(frame, table)
    methods = in_order(frame["method"])
    data = frame.with_columns(pl.col("method").replace_strict({name: label(name) for name in methods}).alias("Method"))
    scale = alt.Scale(zero=False)
    charts = {
        f"{home} and {other}": alt.Chart(data.filter(pl.col("other") == other))
        .mark_point(filled=True, size=60)
        .encode(
            x=alt.X("median:Q", title=f"{metric_label(chosen)} on {home}", scale=scale),
            y=alt.Y("median on other:Q", title=f"on {other}", scale=scale),
            color=colour(methods),
            shape=shape(methods),
            tooltip=["label:N", "median:Q", "median on other:Q"],
        )
        .properties(width="container", height=220)
        for other in sorted(set(frame["other"]))
    }
    return Figure(frame, charts, f"{frame['configuration'].n_unique()} settings on {len(charts) + 1} data sets.")

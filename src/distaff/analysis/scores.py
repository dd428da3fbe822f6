"""Which numbers of the table are meant: one score of every run, and the names of the scores that count."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from distaff.errors import DistaffError, unknown

CELL = ("dataset", "method", "strength_index")  # the runs of one cell differ by their seed alone
UNSUPERVISED = (
    "gaussian_total_correlation",
    "gaussian_wasserstein_correlation",
    "gaussian_wasserstein_correlation_norm",
    "mutual_information_score",
)
PAPER_ORDER = ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap")


def scores(table: pl.DataFrame, metric: str, representation: str = "mean") -> pl.DataFrame:
    """The finite values of one metric on one representation, a row a run.

    Raises `DistaffError` where the table has none, with the nearest name that it has.
    """
    of_kind = table.filter(pl.col("representation") == representation)
    if metric not in (known := of_kind["metric"].unique().to_list()):
        raise unknown(f"score of {representation} codes", metric, known)
    found = of_kind.filter((pl.col("metric") == metric) & pl.col("value").is_finite())
    if found.is_empty():
        raise DistaffError(f"no run has a finite value of {metric} on {representation} codes")
    return found.sort(*CELL, "seed")


def supervised(table: pl.DataFrame) -> list[str]:
    """The disentanglement scores of the table, in the order of the paper: headline values, or parts without one."""
    names = [name for name in table["metric"].unique() if not name.startswith("train.") and name not in UNSUPERVISED]
    headlines = {name for name in names if "." not in name}
    kept = [name for name in names if name in headlines or name.split(".")[0] not in (*headlines, *UNSUPERVISED)]
    return sorted(kept, key=_place)


def wide(table: pl.DataFrame, metrics: Iterable[str]) -> pl.DataFrame:
    """A row a run and a column a metric of its mean codes; null where a run lacks a finite value."""
    rows = table.filter((pl.col("representation") == "mean") & pl.col("metric").is_in(list(metrics)))
    finite = rows.with_columns(pl.when(pl.col("value").is_finite()).then("value").alias("value"))
    return finite.pivot("metric", index=["id", *CELL, "seed"], values="value").sort(*CELL, "seed")


def _place(name: str) -> tuple[int, str]:
    head = name.partition(".")[0]
    return (PAPER_ORDER.index(head) if head in PAPER_ORDER else len(PAPER_ORDER), name)

"""Which numbers of the table are meant: one score of every run, and the names of the scores that count."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from distaff.errors import DistaffError, unknown

CELL = ("dataset", "method", "strength_index")  # the runs of one cell differ by their seed alone
PAPER_ORDER = ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap")
TRAINING = ("train.nll", "train.kl", "train.elbo")
TC = "gaussian_total_correlation"
ACTIVE_TC = "gaussian_total_correlation(dims='active')"
UNSUPERVISED = (TC, "gaussian_wasserstein_correlation", "pairwise_mutual_information", "udr")
TASKS = ("downstream", "statistical_efficiency", "reduced_downstream", "strong_downstream", "fairness")
UNIFIED = "unified_scores"  # unified_scores.<matrix>.<reduction>: what other scores are made of
NOT_SCORES = {"train", UNIFIED, *UNSUPERVISED, *TASKS}
HIGHER_IS_BETTER = ("train.elbo", "udr")  # of those without labels; of the others, less is taken to be better


def head(metric: str) -> str:
    """The plug-in that a column comes from: `mig` of `mig.factor_0`, `mig(bins=10)` and `mig@sampled`."""
    return re.split(r"[.(@]", metric, maxsplit=1)[0]


def is_part(metric: str) -> bool:
    """Whether a column is a part of a score, as `mig.factor_0` is, rather than its headline."""
    return "." in re.sub(r"\(.*?\)", "", metric)


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
    names = [name for name in _names(table) if head(name) not in NOT_SCORES]
    headed = {head(name) for name in names if not is_part(name)}
    return sorted((name for name in names if not is_part(name) or head(name) not in headed), key=_place)


def unsupervised(table: pl.DataFrame) -> list[str]:
    """The scores that need no label, as columns of `wide`: losses, then each score of mean and of sampled codes."""
    losses = [name for name in TRAINING if name in _names(table)]
    kinds = table.select("metric", "representation").unique().rows()
    kept = [(name, kind) for name, kind in kinds if head(name) in UNSUPERVISED and not is_part(name)]
    found = [(UNSUPERVISED.index(head(name)), name, kind != "mean", column(name, kind)) for name, kind in kept]
    return [*losses, *(name for *_, name in sorted(found))]


def column(metric: str, representation: str) -> str:
    """The name of a score in `wide`: the metric's own on mean codes, with `@sampled` on sampled ones."""
    return metric if representation == "mean" else f"{metric}@{representation}"


def sign(selector: str) -> int:
    """1 where more of a score without labels is taken to be better, else -1."""
    return 1 if selector in HIGHER_IS_BETTER or head(selector) in HIGHER_IS_BETTER else -1


def wide(table: pl.DataFrame, metrics: Iterable[str]) -> pl.DataFrame:
    """A row a run and a column a score, `mig` of mean codes and `mig@sampled`; null where a run has no finite value."""
    wanted = list(metrics)
    rows = table.filter(pl.col("metric").is_in([name.split("@")[0] for name in wanted]))
    kind = pl.when(pl.col("representation") == "mean").then(pl.lit("")).otherwise("@" + pl.col("representation"))
    named = rows.with_columns(
        (pl.col("metric") + kind).alias("metric"), pl.when(pl.col("value").is_finite()).then("value").alias("value")
    ).filter(pl.col("metric").is_in(wanted))
    return named.pivot("metric", index=["id", *CELL, "seed"], values="value").sort(*CELL, "seed")


def _names(table: pl.DataFrame) -> list[str]:
    return sorted(table["metric"].unique().to_list())


def _place(name: str) -> tuple[int, str]:
    return (PAPER_ORDER.index(head(name)) if head(name) in PAPER_ORDER else len(PAPER_ORDER), name)

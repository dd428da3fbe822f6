"""Selecting from the table of scores: one score of every run, and the names of the scores of each kind."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from distaff.analysis.marks import head, marks
from distaff.analysis.settings import ASPECTS, IDS, checked, complete
from distaff.errors import DistaffError, unknown
from distaff.plugins.registry import METRICS, TASKS

RUN = ("id", "dataset", "method", "strength", "strength_index", "spec", *IDS, *ASPECTS, "seed")  # columns of `wide`
ORDER = ("dataset", "method", "strength", "strength_index", "spec", "setting", "seed")  # of rows
TRAINING = ("train.nll", "train.kl", "train.elbo")
TC = "gaussian_total_correlation"
ACTIVE_TC = "gaussian_total_correlation(dims='active')"
UNIFIED = "unified_scores"  # unified_scores.<matrix>.<reduction>: what other scores are made of


def _compared_in_2019(about: str) -> tuple[str, ...]:
    known = {name: marks(name) for name in METRICS.packaged()}
    names = (name for name in known if known[name].study_2019 and known[name].about == about)
    return tuple(sorted(names, key=lambda name: known[name].study_2019))


PAPER_ORDER = _compared_in_2019("factors")  # the six metrics of Locatello et al. (2019)
PAPER_LABEL_FREE = _compared_in_2019("codes")


def is_part(metric: str) -> bool:
    """Whether a column is a part of a score, as `mig.factor_0` is, rather than its headline."""
    return "." in re.sub(r"\(.*?\)", "", metric)


def claimed_metrics(table: pl.DataFrame) -> list[str]:
    """The metrics of the table that claims are about: scores without their parts, losses, and downstream tasks."""
    return [name for name in table["metric"].unique().to_list() if is_headline(name)]


def is_headline(metric: str) -> bool:
    """Whether a column is a score, a loss or an accuracy, rather than a part of a score."""
    return not is_part(metric) or head(metric) in ("train", *TASKS.names())


def scores(table: pl.DataFrame, metric: str, representation: str = "mean") -> pl.DataFrame:
    """The finite values of one metric on one representation, a row a run.

    Raises `DistaffError` where the table has none, with the nearest name that it has.
    """
    of_kind = table.filter(pl.col("representation") == representation)
    if metric not in (known := of_kind["metric"].unique().to_list()):
        raise unknown(f"score of {representation} codes", metric, known)
    finite = of_kind.filter((pl.col("metric") == metric) & pl.col("value").is_finite())
    if finite.is_empty():
        raise DistaffError(f"no run has a finite value of {metric} on {representation} codes")
    return checked(_texts(complete(finite))).sort(*ORDER)


def supervised(table: pl.DataFrame) -> list[str]:
    """The disentanglement scores of the table, in the order of the paper: headline values, or parts without one.

    They are the metrics that are about factors, by the table's `about`, or else by their decorators.
    """
    names = _about(table, "factors")
    headed = {head(name) for name in names if not is_part(name)}
    return sorted((name for name in names if not is_part(name) or head(name) not in headed), key=_place)


def paper_six(table: pl.DataFrame) -> list[str]:
    """Those of the 2019 study's six metrics that the table has, in the paper's order, a column each.

    Where one was evaluated with several parameters, it is the column of the plain name, else the first.
    """
    headlines = [name for name in supervised(table) if not is_part(name)]
    columns = {plugin: [name for name in headlines if head(name) == plugin] for plugin in PAPER_ORDER}
    return [plugin if plugin in names else names[0] for plugin, names in columns.items() if names]


def unsupervised(table: pl.DataFrame) -> list[str]:
    """The scores that need no label, as columns of `wide`: losses, then each score of mean and of sampled codes."""
    losses = [name for name in TRAINING if name in _about(table, "training")]
    of_codes = [name for name in _about(table, "codes") if not is_part(name)]
    kinds = table.filter(pl.col("metric").is_in(of_codes)).select("metric", "representation").unique().rows()
    ordered = sorted((head(name), name, kind != "mean", column(name, kind)) for name, kind in kinds)
    return [*losses, *(name for *_, name in ordered)]


def paper_unsupervised(table: pl.DataFrame) -> list[str]:
    """Those of `unsupervised` that the 2019 study compared: losses, total and Wasserstein correlation, information."""
    compared = (*TRAINING, *PAPER_LABEL_FREE)
    return [name for name in unsupervised(table) if name.partition("@")[0] in compared]


def column(metric: str, representation: str) -> str:
    """The name of a score in `wide`: the metric's name on mean codes, with `@sampled` on sampled ones."""
    return metric if representation == "mean" else f"{metric}@{representation}"


def sign(selector: str) -> int:
    """1 where a higher score is better, by its decorator or where none is known, else -1."""
    return 1 if marks(selector).higher_is_better else -1


def wide(table: pl.DataFrame, metrics: Iterable[str]) -> pl.DataFrame:
    """A row a run and a column a score, `mig` of mean codes and `mig@sampled`; null where a run has no finite value."""
    names = list(metrics)
    rows = table.filter(pl.col("metric").is_in([name.split("@")[0] for name in names]))
    kind = pl.when(pl.col("representation") == "mean").then(pl.lit("")).otherwise("@" + pl.col("representation"))
    named = rows.with_columns(
        (pl.col("metric") + kind).alias("metric"), pl.when(pl.col("value").is_finite()).then("value").alias("value")
    ).filter(pl.col("metric").is_in(names))
    rows = checked(_texts(complete(named)), ["metric"])
    runs = rows.pivot("metric", index=list(RUN), values="value")
    return checked(runs).sort(*ORDER)


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their settings as plain text, which joins with any other; a table keeps them as numbers."""
    return rows.cast({pl.Categorical: pl.String})


def _about(table: pl.DataFrame, what: str) -> list[str]:
    """The metrics of the table that are about `what`, by the table's `about`, or else by their decorators."""
    if "about" in table.columns:
        return sorted(table.filter(pl.col("about") == what)["metric"].unique().to_list())
    return sorted(name for name in table["metric"].unique().to_list() if marks(name).about == what)


def _place(name: str) -> tuple[int, str]:
    return (PAPER_ORDER.index(head(name)) if head(name) in PAPER_ORDER else len(PAPER_ORDER), name)

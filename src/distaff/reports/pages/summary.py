"""The study in three computed sentences: what was run, what it findings, and its limits."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from distaff.analysis.scores import paper_six, supervised
from distaff.analysis.settings import SETTING
from distaff.reports.charts.theme import in_order, label, metric_label


class Summary(NamedTuple):
    """Three sentences, and what is missing from the study, a line each."""

    ran: str
    findings: str
    limits: str
    missing: list[str]


def summarise(table: pl.DataFrame, runs: pl.DataFrame, card: pl.DataFrame, planned: int | None = None) -> Summary:
    """The summary of a study from its runs, the table of their scores and the scorecard of its claims."""
    findings = [sentence for sentence in (_correlation(card), _seeds(table, card)) if sentence]
    return Summary(
        _ran(runs, planned), " ".join(findings) or NOTHING, _limits(table, runs), _missing(table, runs, planned)
    )


NOTHING = "There are not yet enough scored runs to compare settings."


def main_dataset(runs: pl.DataFrame) -> str:
    """The data set with most finished runs: the sentences are about this one."""
    done = runs.filter(pl.col("status") == "done")
    counts = (
        (done if done.height else runs)["dataset"].value_counts().sort(["count", "dataset"], descending=[True, False])
    )
    return str(counts["dataset"][0]) if counts.height else ""


def count(n: int, thing: str) -> str:
    """A number with its noun, in the plural where it must be."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def listed(words: list[str]) -> str:
    """Words as prose lists them."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _ran(runs: pl.DataFrame, planned: int | None) -> str:
    done = runs.filter(pl.col("status") == "done")
    if done.is_empty():
        return f"None of {count(planned or runs.height, 'planned run')} has finished."
    of_setting = done.group_by(SETTING).len()["len"]
    low, high = min(of_setting), max(of_setting)
    seeds = f"{low} seeds" if low == high else f"{low} to {high} seeds"
    methods = listed([label(name) for name in in_order(done["method"])])
    hours = done["seconds"].sum() / 3600
    took = f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.0f} minutes"
    where = listed([f"{name}" for name in sorted(done["dataset"].unique())])
    return (
        f"{count(done.height, 'model')} were trained on {where}: {methods}, in {count(len(of_setting), 'setting')} "
        f"of {seeds if high != 1 else '1 seed'} each, {took} of training in all."
    )


def _correlation(card: pl.DataFrame) -> str:
    """Whether total correlation rises or falls with the strength of beta-VAE, as the scorecard has it."""
    names = ("sampled_total_correlation_falls_for_beta_vae", "mean_total_correlation_rises_for_beta_vae")
    parts = []
    for kind, name in zip(("sampled", "mean"), names, strict=True):
        row = _claim(card, name)
        if row["low"] is None:
            return ""
        verb = "rises" if row["low"] > 0 else "falls" if row["high"] < 0 else "does not clearly move"
        parts.append(f"that of {kind} codes {verb} (rank correlation {_with_ends(row)})")
    return f"With the strength of β-VAE {the_total(listed(parts))}."


def the_total(parts: str) -> str:
    """The first "that" of a list spelt out."""
    return parts.replace("that of", "the total correlation of", 1)


def _seeds(table: pl.DataFrame, card: pl.DataFrame) -> str:
    """How the variance of the scores splits, as the scorecard has it."""
    method, seed = (
        _claim(card, name) for name in ("method_explains_about_37_per_cent", "seed_explains_about_41_per_cent")
    )
    if seed["value"] is None:
        return ""
    names = listed([metric_label(name) for name in paper_six(table)])
    parts = [] if method["value"] is None else [f"the choice of method explains {method['value']:.0%}"]
    explained = listed([*parts, f"the seed {'' if parts else 'explains '}{seed['value']:.0%}"])
    return f"Of the variance of {names}, {explained} on average (adjusted for the number of settings)."


def _claim(card: pl.DataFrame, name: str) -> dict[str, Any]:
    return card.row(by_predicate=pl.col("name") == name, named=True)


def _with_ends(row: dict[str, Any]) -> str:
    return f"{row['value']:.2f}, {row['low']:.2f} to {row['high']:.2f}"


def _limits(table: pl.DataFrame, runs: pl.DataFrame) -> str:
    done = runs.filter(pl.col("status") == "done")
    if done.is_empty():
        return "There is nothing to conclude yet."
    seeds = max(done.group_by(SETTING).len()["len"])
    parts = [f"{count(seeds, 'seed')} a setting cannot tell small differences apart"]
    if seeds == 1:
        parts = ["one seed a setting cannot tell a method from its luck"]
    data = done["dataset"].value_counts().filter(pl.col("count") > 2)["dataset"].sort().to_list()
    if len(data) == 1:
        parts.append(f"one data set ({data[0]}) cannot show that a ranking carries over to another")
    if not any("downstream" in name for name in table["metric"].unique()):
        parts.append("no downstream task was run, so nothing here shows what these codes are good for")
    return f"{'; '.join(parts)[0].upper()}{'; '.join(parts)[1:]}."


def _missing(table: pl.DataFrame, runs: pl.DataFrame, planned: int | None) -> list[str]:
    lines = []
    missing = runs.filter(pl.col("status") == "missing").height + max(0, (planned or 0) - runs.height)
    if missing:
        lines.append(f"{count(missing, 'run')} of {max(planned or 0, runs.height):,} are not done yet.")
    if failed := runs.filter(pl.col("status") == "failed").height:
        lines.append(f"{count(failed, 'run')} failed; the table of runs has the reasons.")
    done = runs.filter(pl.col("status") == "done")["id"].to_list()
    for name in supervised(table):
        scored = table.filter((pl.col("metric") == name) & pl.col("value").is_finite() & pl.col("id").is_in(done))
        if short := len(done) - scored["id"].n_unique():
            lines.append(f"{metric_label(name)} has no finite value for {count(short, 'finished run')}.")
    if not supervised(table):
        lines.append("No disentanglement score was computed.")
    return lines

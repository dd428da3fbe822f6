"""evidence/dsprites/README.md, from what is kept: how far the study is, and what it shows beside what was published.

Every number on the page is computed here. With a part of the study the page has that part, and says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from distaff.analysis.agreement import agreement
from distaff.analysis.claims.scorecard import basis_text
from distaff.analysis.scores import TC, paper_six
from distaff.analysis.variance import variance_explained
from distaff.errors import DistaffError
from distaff.reports.claims import claims
from dsprites import published
from dsprites.keep import Kept

LENGTHS = (100_000, 300_000)
SEEDS, SETTINGS = 5, 36
LABELS = {
    "beta_vae": "β-VAE",
    "factor_vae": "FactorVAE",
    "dip_vae_i": "DIP-VAE-I",
    "dip_vae_ii": "DIP-VAE-II",
    "beta_tc_vae": "β-TCVAE",
    "annealed_vae": "AnnealedVAE",
    "beta_vae_score": "BetaVAE",
    "factor_vae_score": "FactorVAE score",
    "mig": "MIG",
    "dci": "DCI",
    "modularity": "Modularity",
    "sap": "SAP",
}
METHODS = tuple(published.TOTAL_CORRELATION)


def write_page(folder: Path, kept: Kept) -> None:
    """Write the page of what `folder` holds."""
    (folder / "README.md").write_text(page(kept), encoding="utf-8")


def page(kept: Kept) -> str:
    """The text of the page."""
    parts = ["# dSprites: the study of 2019 on its first data set", _introduction(), *_how_far(kept)]
    for updates in LENGTHS:
        scores = _of_length(kept, updates)
        if not scores.is_empty():
            parts += [f"## {updates:,} updates", *_sections(scores)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _introduction() -> str:
    return (
        "Six methods, six strengths, five seeds of conv64 in bf16, nine evaluations of mean and of sampled codes:\n"
        "`studies/dsprites_2019.py`. It grows whenever a GPU is there for some minutes.\n\n"
        "    make evidence-dsprites                              # trains and scores what fits, and writes this page\n"
        "    distaff claims evidence/dsprites/scores.parquet\n\n"
        "`scores.parquet` is the table of scores, `curves.parquet` holds the training curves, `runs.parquet` what\n"
        "each run is and what made it, `sittings.json` each sitting. Weights are not kept. This page is written by\n"
        "`benchmarks/evidence_dsprites.py`; each number in it is computed from these files."
    )


def _how_far(kept: Kept) -> list[str]:
    """What was run, and what is missing."""
    scored = kept.runs.filter(pl.col("status") == "scored") if len(kept.runs) else kept.runs
    if not len(scored):
        return [f"**No model is in it yet.** {SETTINGS * SEEDS} of each length are planned."]
    lines = []
    for updates in LENGTHS:
        of_length = scored.filter(pl.col("updates") == updates)
        n, planned = len(of_length), SETTINGS * SEEDS
        whole = f"{of_length['spec'].n_unique()} of {SETTINGS} settings have at least one seed" if n else "not begun"
        lines.append(f"- {updates:,} updates: **{n} of {planned} models**, {planned - n} missing; {whole}.")
    failed = kept.runs.filter(pl.col("status") == "failed")
    lines += [f"- {run['spec']}, seed {run['seed']}: failed, {run['reason']}." for run in failed.to_dicts()]
    return ["## How far it is", "\n".join(lines), _counts(scored), "## What was run", _sittings(kept)]


def _counts(scored: pl.DataFrame) -> str:
    """Seeds of each method, and strengths that have some."""
    method = pl.col("spec").str.extract(r"^(\w+)").alias("method")
    of = scored.with_columns(method).group_by("method", "updates").agg(
        pl.len().alias("models"), pl.col("spec").n_unique().alias("strengths"), pl.col("seed").n_unique().alias("seeds")
    )  # fmt: skip
    rows = [
        [LABELS[row["method"]], f"{row['updates']:,}", row["models"], f"{row['strengths']} of 6", row["seeds"]]
        for row in of.sort("updates", "method").to_dicts()
    ]
    return _table(["method", "updates", "models", "strengths", "seeds"], rows)


def _sittings(kept: Kept) -> str:
    rows = []
    for sitting in kept.sittings:
        of = kept.runs.filter((pl.col("sitting") == sitting["sitting"]) & (pl.col("status") == "scored"))
        rows.append([
            sitting["sitting"][:10], sitting.get("gpu") or "none",
            f"{sitting.get('cores', '')} x {sitting.get('processor', '')}",
            f"{sitting['seconds'] / 60:.1f}" if "seconds" in sitting else f"under {sitting['minutes']:g}", len(of),
            _number(of["milliseconds"].median(), 3), _number(of["score_seconds"].median(), 0),
            str(sitting.get("commit") or "unknown")[:10],
        ])  # fmt: skip
    head = [
        "day", "GPU", "cores", "minutes", "models kept", "ms an update of a model", "s to score one", "commit",
    ]  # fmt: skip
    return _table(head, rows)


def _of_length(kept: Kept, updates: int) -> pl.DataFrame:
    return kept.scores.filter(pl.col("updates") == updates) if len(kept.scores) else pl.DataFrame()


def _sections(scores: pl.DataFrame) -> Iterator[str]:
    """What the models of one length show."""
    seeds = scores["seed"].n_unique()
    if seeds < SEEDS or scores["id"].n_unique() < SETTINGS * SEEDS:
        yield (
            f"{scores['id'].n_unique()} models of {seeds} seed{'s' * (seeds > 1)} stand behind what follows. The paper "
            "has 50 seeds a setting: what one seed says of a setting is mostly that seed."
        )
    yield _scorecard(scores)
    yield _variance(scores)
    yield _ranks(scores)
    yield _total_correlation(scores)
    yield _agreement(scores)
    yield _beside_others(scores)


def _scorecard(scores: pl.DataFrame) -> str:
    try:
        card = claims(scores)
    except DistaffError as error:
        return f"### Claims\n\nThe claims cannot be tested yet: {error}."
    rows = [
        [
            row["statement"], row["published"],
            f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})" if row["low"] is not None else "",
            row["verdict"] + (f": {row['needs']}" if row["needs"] else ""),
        ]
        for row in card.to_dicts()
    ]  # fmt: skip
    counts = ", ".join(f"{n} {name}" for name, n in card["verdict"].value_counts(sort=True).iter_rows())
    table = _table(["claim", "published", "here (95 %)", "verdict"], rows)
    return f"### Claims\n\n{counts[:1].upper()}{counts[1:]}. {basis_text(card)}\n\n{table}"


def _variance(scores: pl.DataFrame) -> str:
    """Table 5 of the paper beside ours."""
    head = f"### Variance explained\n\nPercent of each score's variance, beside Table 5 of {published.ICML} (dSprites, "
    head += "50 seeds, 300,000 updates): in sample, as published, and less its optimism (95 %)."
    found = variance_explained(scores, paper_six(scores))
    rows = []
    for row in found.sort("predictor", "metric").to_dicts():
        theirs = published.VARIANCE[row["predictor"]].get(row["metric"])
        what = "method" if row["predictor"] == "method" else "method x strength"
        rows.append([
            what, LABELS.get(row["metric"], row["metric"]), theirs, _percent(row["r2"]),
            _interval(row["adjusted"], row["low"], row["high"]), row["n"],
        ])  # fmt: skip
    table = _table(["predictor", "metric", "published", "in sample", "less optimism", "models"], rows)
    return f"{head}\n\n{table}"


def _ranks(scores: pl.DataFrame) -> str:
    """Medians of methods, and the order that each metric gives them."""
    names = paper_six(scores)
    medians = _medians(scores.filter(pl.col("metric").is_in(names)), ["method", "metric"])
    order = {
        name: sorted(METHODS, key=lambda method, name=name: -medians.get((method, name), float("-inf")))  # type: ignore[misc]
        for name in names
    }
    rows = [
        [LABELS[method], *(
            f"{medians[method, name]:.3f} ({order[name].index(method) + 1})" if (method, name) in medians else ""
            for name in names
        )]
        for method in METHODS
    ]  # fmt: skip
    text = (
        "### Methods\n\nMedian over all strengths and seeds of each method, and its rank among the methods by it. The "
    )
    text += "paper prints no medians; it says that no method is the best by all metrics."
    return f"{text}\n\n{_table(['method', *(LABELS[name] for name in names)], rows)}"


def _total_correlation(scores: pl.DataFrame) -> str:
    """Figure 1 of the paper as numbers: medians by strength."""
    parts = ["### Total correlation by strength", "Medians over seeds, in nats, from the weakest to the strongest."]
    for representation, place in (("sampled", 0), ("mean", 1)):
        of = scores.filter((pl.col("metric") == TC) & (pl.col("representation") == representation))
        medians = _medians(of, ["method", "strength_index"])
        rows = [
            [LABELS[method], *(_number(medians.get((method, i)), 2) for i in range(6)),
             published.TOTAL_CORRELATION[method][place]]
            for method in METHODS
        ]  # fmt: skip
        name = "Samples" if representation == "sampled" else "Means"
        parts.append(_table([name, *(str(i + 1) for i in range(6)), published.ICML], rows))
    return "\n\n".join(parts)


def _agreement(scores: pl.DataFrame) -> str:
    """Rank correlations of the six metrics over all models."""
    names = paper_six(scores)
    found = {(row["a"], row["b"]): row for row in agreement(scores, names).to_dicts()}
    rows = [[LABELS[a], *(_percent((found.get((a, b)) or {}).get("rho")) for b in names)] for a in names]
    text = (
        "### Agreement of metrics\n\nRank correlations over all models, times 100. The paper finds all but Modularity "
    )
    text += "correlated on dSprites, strongly."
    return f"{text}\n\n{_table(['', *(LABELS[name] for name in names)], rows)}"


def _beside_others(scores: pl.DataFrame) -> str:
    """Rows of others beside ours: the strength with the best mean, and the mean of all those strengths."""
    rows: list[Sequence[Any]] = []
    for row in published.ROWS:
        for metric, (mean, std) in row.scores.items():
            of = scores.filter(
                (pl.col("method") == row.method)
                & pl.col("strength").is_in([float(strength) for strength in row.strengths])
                & (pl.col("metric") == metric)
                & (pl.col("representation") == "mean")
                & pl.col("value").is_finite()
            )
            theirs = f"{mean:g}" + (f" ({std:g})" if std is not None else "")
            rows.append([row.source.split(",")[0], LABELS[row.method], LABELS[metric], theirs, *_ours(of)])
    text = (
        "### Beside the tables of others\n\nMeans over seeds (standard deviations), in percent: of the strength that "
        "is best by the metric, and of all that were compared.\n"
        f"{published.CFASL}; {published.OAT}. Ours have fewer updates and seeds, and the protocol of 2019."
    )
    head = ["source", "method", "metric", "theirs", "ours, best strength", "ours, all", "models"]
    return f"{text}\n\n{_table(head, rows)}"


def _ours(of: pl.DataFrame) -> list[Any]:
    if of.is_empty():
        return ["", "", 0]
    by_strength = of.group_by("strength").agg(pl.col("value").mean().alias("mean"), pl.col("value").std().alias("std"))
    best = by_strength.sort("mean", descending=True).row(0, named=True)
    at = f" at {best['strength']:g}"
    return [_mean(best["mean"], best["std"]) + at, _mean(of["value"].mean(), of["value"].std()), len(of)]


def _medians(rows: pl.DataFrame, by: list[str]) -> dict[Any, float]:
    """The median of finite values of mean codes (or of what the rows are of), by two columns."""
    if "metric" in by:
        rows = rows.filter(pl.col("representation") == "mean")
    found = rows.filter(pl.col("value").is_finite()).group_by(by).agg(pl.col("value").median())
    return {(str(a), b): value for a, b, value in found.select(*by, "value").iter_rows()}


def _mean(mean: Any, std: Any) -> str:
    return f"{100 * mean:.1f}" + (f" ({100 * std:.1f})" if std is not None else "")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f}"


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    return _percent(value) + (f" ({_percent(low)} to {_percent(high)})" if low is not None and high is not None else "")


def _number(value: Any, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table in Markdown; None is an empty field."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join("" if one is None else str(one) for one in line) + " |" for line in lines)

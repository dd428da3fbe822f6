"""The runs of a study as data beside the pages: a table to search, and each run in full, a part of them a file."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from distaff.analysis.scores import supervised
from distaff.analysis.settings import ASPECTS
from distaff.reports.charts import theme
from distaff.reports.pages import page
from distaff.untrusted.markup import address, file_name, json_in_script

TOGETHER = 50  # runs of one file: what a page loads to show one of them
POINTS = 60  # of a curve on the page
COLUMNS = ("id", "setting", "dataset", "seed", "status", "seconds")


class Details(NamedTuple):
    """The content of the page of a run beside its scores: its curve, its pictures by name, and its provenance."""

    curve: pl.DataFrame | None = None
    pictures: Mapping[str, str] = {}
    made: Mapping[str, Any] = {}


def table_rows(table: pl.DataFrame, runs: pl.DataFrame) -> dict[str, Any]:
    """The table of runs as columns and rows, with the scores of mean codes beside each run."""
    names = supervised(table)
    mean = table.filter((pl.col("representation") == "mean") & pl.col("metric").is_in(names))
    scored = mean.pivot("metric", index="id", values="value") if mean.height else pl.DataFrame(schema={"id": pl.String})
    named = runs.drop("setting").rename({"label": "setting"})
    joined = named.join(scored, on="id", how="left", maintain_order="left")
    shown = [name for name in (*COLUMNS, *names, "reason") if name in joined.columns]
    labels = ["run" if name == "id" else theme.metric_label(name) if name in names else name for name in shown]
    values = joined.select(shown).with_columns(pl.col(pl.Float64).round(4).fill_nan(None)).rows()
    return {"columns": labels, "rows": [list(row) for row in values]}


def write_runs(table: pl.DataFrame, runs: pl.DataFrame, details: Callable[[str], Details], out: Path) -> int:
    """Write every run in full to the folder `out`/runs; returns in how many files. `runs` have their labels."""
    parts = max(1, math.ceil(runs.height / TOGETHER))
    scores = _scores(table)
    files: dict[int, dict[str, Any]] = defaultdict(dict)
    for run in runs.iter_rows(named=True):
        shown = details(run["id"]) if run["status"] == "done" else Details()
        record = {
            name: run[name] for name in ("id", "label", "dataset", "method", "seed", "status", "command", "reason")
        }
        record |= {"setting": {name: run[name] for name in ASPECTS if run[name] is not None}}
        record |= {"seconds": run["seconds"], "scores": scores.get(run["id"], []), "made": _known_facts(shown.made)}
        record |= {"curve": _thinned(shown.curve), "method_page": address(f"method-{file_name(run['method'])}.html")}
        record |= {"pictures": [(name, address(place)) for name, place in shown.pictures.items()]}
        files[file_number(run["id"], parts)][run["id"]] = record
    folder = out / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(parts):
        page.write_file(folder / f"{number}.js", f"runsOf({json_in_script(files[number])});\n")
    return parts


def file_number(id: str, parts: int) -> int:
    """The number of the file that holds a run; run.js computes it in the same way."""
    place = 0
    for letter in id:
        place = (place * 31 + ord(letter)) % 65521
    return place % parts


def _scores(table: pl.DataFrame) -> dict[str, list[list[Any]]]:
    """For each run its scores: name, value of mean codes, value of sampled codes."""
    both = table.with_columns(pl.when(pl.col("value").is_finite()).then("value").alias("value"))
    kinds = both.pivot("representation", index=["id", "metric"], values="value", aggregate_function="first")
    for kind in ("mean", "sampled"):
        kinds = kinds if kind in kinds.columns else kinds.with_columns(pl.lit(None, pl.Float64).alias(kind))
    scores: dict[str, list[list[Any]]] = defaultdict(list)
    rounded = kinds.select("id", "metric", pl.col("mean", "sampled").round_sig_figs(5))
    for id, *row in rounded.iter_rows():
        scores[id].append(row)
    return scores


def _thinned(curve: pl.DataFrame | None) -> dict[str, list[float | None]] | None:
    """Every so many points of a curve, the last among them, to four digits."""
    if curve is None or curve.is_empty():
        return None
    step = -(-curve.height // POINTS)
    points = curve.to_numpy()[::-step][::-1].T
    short = [
        [float(f"{value:.4g}") if math.isfinite(value) else None for value in column] for column in points.tolist()
    ]
    return dict(zip(curve.columns, short, strict=True))


def _known_facts(made: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a provenance that a page shows: no checksums, and nothing that is unknown."""
    return {name: value for name, value in made.items() if name != "sha256" and isinstance(value, (str, int, float))}

"""The index of a store that the explorer shows: its runs with their scores, all of them inside the store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from distaff.errors import DistaffError
from distaff.reports.charts import theme
from distaff.runs import Run, Study
from distaff.scoring.notices import notices_of_store
from distaff.scoring.table import table
from distaff.store.formats import readable
from distaff.store.store import Store
from distaff.untrusted.names import check_own

ID = re.compile(r"[0-9a-f]{16}")
REPRESENTATIONS = {"mean": "Scores of mean codes", "sampled": "Scores of sampled codes", "train": "Training"}


@dataclass(frozen=True)
class StoreIndex:
    """The runs of a store by id, the numbers that can be axes, and what had to be left out, with the reason."""

    store: Store
    runs: dict[str, Run]
    rows: list[dict[str, Any]]  # a run: id, dataset, method, label, spec, strength, seed, and m0, m1, ... its numbers
    measures: list[dict[str, str]]  # key (m0), group, label of each number
    left_out: list[str]


def inside(path: Path, folder: Path) -> bool:
    """Whether `path` lies in `folder` after every link is followed."""
    return path.resolve().is_relative_to(folder.resolve())


def index_store(folder: Path) -> StoreIndex:
    """Read the store `folder`; raises `DistaffError` if there is no run in it.

    A run that cannot be read, or whose files are links to elsewhere, is left out and named.
    """
    check_own(folder / "cache")
    store, runs, left_out = readable(Store(folder)), {}, []
    for path in sorted((folder / "runs").glob("[!.]*")):
        if not ID.fullmatch(path.name) or not all(inside(part, folder) for part in (path, *path.glob("*"))):
            left_out.append(f"{path.name}: not a run of this store")
            continue
        try:
            runs[path.name] = store.run(path.name)
        except DistaffError as error:
            left_out.append(f"{path.name}: {error}")
    if not runs:
        raise DistaffError(f"{folder} holds no run to explore: name a store, such as out/quick")
    left_out += notices_of_store(store, list(runs.values()))
    numbers = _scores_of(store, runs, left_out)
    rows, measures = _wide(numbers)
    facts = {row["id"]: row for row in rows}
    return StoreIndex(store, runs, [_row(id, run, facts.get(id, {})) for id, run in runs.items()], measures, left_out)


def _scores_of(store: Store, runs: dict[str, Run], left_out: list[str]) -> pl.DataFrame:
    """The scores of `runs`; those whose scores cannot be read are taken out of them, and named."""
    try:
        return table(Study(store.folder.name, tuple(runs.values()), ()), store)
    except DistaffError:
        for id, run in list(runs.items()):
            try:
                table(Study(store.folder.name, (run,), ()), store)
            except DistaffError as error:
                left_out.append(f"{id}: {error}")
                del runs[id]
    if not runs:
        raise DistaffError(f"{store.folder} holds no run that can be explored: {'; '.join(left_out)}")
    return table(Study(store.folder.name, tuple(runs.values()), ()), store)


def _row(id: str, run: Run, numbers: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id,
        "dataset": str(run.dataset),
        "method": run.method.name,
        "label": theme.label(run.method.name),
        "spec": str(run.method),
        "strength": run.strength[1] if run.strength else None,
        "seed": run.seed,
        **{key: value for key, value in numbers.items() if key != "id"},
    }


def _wide(numbers: pl.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """A row a run and a column a headline score or training result; names of columns that Vega need not escape."""
    training = pl.col("metric").str.starts_with("train.")
    headline = ~pl.col("metric").str.replace_all(r"\(.*\)", "").str.contains(".", literal=True)  # options may hold dots
    headlines = numbers.filter(headline | training)
    kinds = pl.when(training).then(pl.lit("train")).otherwise("representation")
    keyed = headlines.with_columns(kinds.alias("kind"))
    pairs = keyed.select("kind", "metric").unique().sort("kind", "metric").rows()
    keys = {pair: f"m{number}" for number, pair in enumerate(pairs)}
    rows: dict[str, dict[str, Any]] = {}
    for id, kind, metric, value in keyed.select("id", "kind", "metric", "value").iter_rows():
        rows.setdefault(id, {"id": id})[keys[kind, metric]] = value
    measures = [
        {"key": key, "group": REPRESENTATIONS.get(kind, f"Scores of {kind} codes"), "label": theme.metric_label(metric)}
        for (kind, metric), key in keys.items()
    ]
    return list(rows.values()), measures

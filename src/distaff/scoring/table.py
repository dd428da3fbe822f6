"""The tidy table of a study: one row a number, read from the store, which stays the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from distaff.errors import DistaffError
from distaff.runs import Run, Study
from distaff.scoring.columns import read_every, read_scores
from distaff.scoring.names import naming
from distaff.scoring.protocol import scoring
from distaff.store.command import command
from distaff.store.store import Store, read_json

SCORES = {
    "id": pl.String,
    "dataset": pl.String,
    "method": pl.String,
    "strength": pl.Float64,
    "strength_index": pl.Int64,
    "spec": pl.String,
    "seed": pl.Int64,
    "representation": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
}
RUNS = {**{k: v for k, v in SCORES.items() if k not in ("representation", "metric", "value")}, "status": pl.String,
        "seconds": pl.Float64, "command": pl.String, "reason": pl.String}  # fmt: skip
NUMBER = ("representation", "metric", "value")
ABOUT = {name: kind for name, kind in SCORES.items() if name not in NUMBER}


def table(study: Study, store: Store) -> pl.DataFrame:
    """Every score of every run of `study` that is in `store`, with its last losses as `train.nll`, `.kl`, `.elbo`.

    The scores are those that the study asks for, kept as parquet until the store has more; of a study that asks for
    none, all that there are.
    """
    if not study.metrics:
        return _told(read_every(store, [run.id for run in study.runs if store.has(run.id)]), study.runs)
    return _told(read_scores(study, store), study.runs)


def _told(numbers: pl.DataFrame, planned: Sequence[Run]) -> pl.DataFrame:
    """What there is to say of the run of each of `numbers`, beside it; a text is kept once, not once a row."""
    told = {row["id"]: row for row in _facts(planned)}
    of_run = pl.DataFrame([told[id] for id in _texts(numbers["id"])], schema=ABOUT)
    place = numbers["id"].to_physical()
    about = [of_run[name].gather(place) for name in ABOUT]
    kinds = [_texts(numbers[name]).gather(numbers[name].to_physical()) for name in ("representation", "metric")]
    return pl.DataFrame([*about, *kinds, numbers["value"]])


def _texts(column: pl.Series) -> pl.Series:
    """The texts of an enumeration, in the order of their codes."""
    assert isinstance(column.dtype, pl.Enum)
    return pl.Series(column.name, column.dtype.categories)


def with_udr(
    numbers: pl.DataFrame, runs: Sequence[Run], store: Store, tell: Callable[[str], None] = lambda _: None
) -> pl.DataFrame:
    """The table of scores with `udr` of mean codes of each of `runs` that has another seed to be compared with.

    `tell` hears of each setting whose codes are compared now, as the store does not hold the answer yet.
    """
    from distaff.scoring.udr import agreements  # it needs torch, which a table does not

    found = agreements(runs, store, tell)
    scores = pl.DataFrame(list(found.items()), schema={"id": pl.String, "value": pl.Float64}, orient="row")
    of_run = numbers.unique("id", maintain_order=True).drop("representation", "metric", "value")
    named = of_run.join(scores, "id", maintain_order="left").with_columns(
        representation=pl.lit("mean"), metric=pl.lit("udr")
    )
    return pl.concat([numbers, named.select(numbers.columns)])


def read(path: str | Path) -> pl.DataFrame:
    """The table of scores of all runs of a store, or one that was written as CSV or parquet.

    The columns are `SCORES`; `.to_pandas()` is one call away. Raises `DistaffError` where there is neither.
    """
    path = Path(path)
    if path.is_file():
        found = pl.read_csv(path, schema_overrides=SCORES) if path.suffix == ".csv" else pl.read_parquet(path)
        if lacking := SCORES.keys() - set(found.columns):
            raise DistaffError(f"{path} is no table of scores: it lacks {', '.join(sorted(lacking))}")
        return found.select(SCORES.keys())
    if not (path / "runs").is_dir():
        raise DistaffError(f"{path} is neither a store, with a folder runs, nor a table of scores")
    store = Store(path)
    known = every_run(store)
    return _told(read_every(store, [run.id for run in known]), known)


def every_run(store: Store) -> list[Run]:
    """The runs that are in `store`, of whatever study."""
    return [store.run(folder.name) for folder in sorted((store.folder / "runs").glob("[!.]*"))]


def runs(study: Study, store: Store) -> pl.DataFrame:
    """Every run of `study`: done, failed with its reason, or missing, and the command that makes it."""
    rows = []
    for run, facts in zip(study.runs, _facts(study.runs), strict=True):
        reason = store.failure(run.id)
        done = store.has(run.id)
        seconds = read_json(store.run_folder(run.id) / "provenance.json")["seconds"] if done else None
        status = "done" if done else "failed" if reason else "missing"
        rows.append({**facts, "status": status, "seconds": seconds, "command": command(run), "reason": reason})
    return pl.DataFrame(rows, schema=RUNS)


def _facts(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """What the table says of each run beside its numbers; strengths are ranked within a data set and a method."""
    strengths: dict[tuple[str, str], set[float]] = defaultdict(set)
    for run in runs:
        strengths[str(run.dataset), run.method.name].add(_strength(run))
    ranks = {cell: {value: rank for rank, value in enumerate(sorted(values))} for cell, values in strengths.items()}
    return [
        {
            "id": run.id,
            "dataset": str(run.dataset),
            "method": run.method.name,
            "strength": _strength(run),
            "strength_index": ranks[str(run.dataset), run.method.name][_strength(run)],
            "spec": str(run.method),
            "seed": run.seed,
        }
        for run in runs
    ]


def _strength(run: Run) -> float:
    return run.strength[1] if run.strength else 0.0


def floor(study: Study, store: Store, tell: Callable[[str], None] = lambda _: None) -> pl.DataFrame:
    """The scores of `untrained` networks, of `noise` and of a `perfect` code (the method), in the columns of `table`.

    A set for each data set of `study` that has settings to compare; `tell` hears of what is not in the store yet.
    """
    from distaff.scoring.baselines import floors  # it needs torch, which a table does not

    facts = {"strength": 0.0, "strength_index": 0}
    rows = []
    for dataset in dict.fromkeys(str(run.dataset) for run in study.runs):
        of_set = [run for run in study.runs if str(run.dataset) == dataset]
        if len({str(run.method) for run in of_set}) > 1:  # one setting alone has no figure
            for row in floors(store, of_set[0], scoring(study), tell=tell):
                of = row.get("of", "untrained")
                told = {"id": f"{of}-{row['seed']}", "dataset": dataset, "method": of, "spec": of}
                rows.append({**row, **facts, **told, "asked": row.get("spec")})
    name = naming((row["metric"], row["asked"]) for row in rows)
    return pl.DataFrame([{**row, "metric": name(row["metric"], row["asked"])} for row in rows], schema=SCORES)

"""What is kept of a study: scores, curves and provenance of the runs that are scored, as parquet; and merging two.

No weights: a study of 180 models is some megabytes. What came of a run once is never replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from distaff.atomic import write
from distaff.runs import Run, Study
from distaff.scoring.table import table
from distaff.store.files import read_json
from distaff.store.listing import listing
from distaff.store.records import run_record
from distaff.store.store import Store
from distaff.study.plan import plan

SITTINGS = "sittings.json"
OF_RUN = ("seconds", "milliseconds", "engine", "models", "pack", "precision")
OF_PLACE = ("distaff", "torch", "numpy", "python", "commit", "dirty")  # and no names of machines, no paths
RUNS: Mapping[str, Any] = {
    "id": pl.String,
    "spec": pl.String,
    "seed": pl.Int64,
    "updates": pl.Int64,
    "status": pl.String,  # scored, or failed
    "reason": pl.String,
    "sitting": pl.String,
    "gpu": pl.String,
    "processor": pl.String,
    "encoded_on": pl.String,
    "score_seconds": pl.Float64,
    **dict.fromkeys(("seconds", "milliseconds"), pl.Float64),
    "models": pl.Int64,
    **dict.fromkeys(("engine", "pack", "precision", "distaff", "torch", "numpy", "python", "commit"), pl.String),
    "dirty": pl.Boolean,
    "record": pl.String,  # the run as JSON, all that its id hashes
}
PLACES = ("scores", "curves", "runs")


class Kept(NamedTuple):
    """Tables of the runs of a study: a row a score, a row a point of a curve, a row a run; and records of sittings."""

    scores: pl.DataFrame
    curves: pl.DataFrame
    runs: pl.DataFrame
    sittings: list[dict[str, Any]]

    def write(self, folder: Path) -> None:
        """Write everything to `folder`, each file whole or not at all."""
        for name in PLACES:
            frame: pl.DataFrame = getattr(self, name)
            write(folder / f"{name}.parquet", _parquet(frame))
        write(folder / SITTINGS, (json.dumps(self.sittings, indent=1) + "\n").encode())


def read_kept(folder: Path) -> Kept:
    """What `Kept.write` wrote; empty where there is nothing."""
    frames = [
        pl.read_parquet(path) if (path := folder / f"{name}.parquet").exists() else pl.DataFrame() for name in PLACES
    ]
    sittings = json.loads((folder / SITTINGS).read_bytes()) if (folder / SITTINGS).exists() else []
    return Kept(*frames, sittings)


def known(folder: Path) -> frozenset[str]:
    """The runs of which there is a result, or a failure, in `folder`."""
    runs = read_kept(folder).runs
    return frozenset(runs["id"].to_list()) if len(runs) else frozenset()


def kept_of(store: Store, study: Study, sitting: Mapping[str, Any]) -> Kept:
    """All runs of `study` that are trained and scored in `store`, and those that failed."""
    stored, unscored = listing(store), {job.run.id for job in plan(study, store).unscored}
    scored = [run for run in study.runs if run.id in stored.runs and run.id not in unscored]
    failed = [run for run in study.runs if run.id in stored.failed]
    scores = table(study, store).filter(pl.col("id").is_in([run.id for run in scored]))
    curves = [store.curve(run.id).select(pl.lit(run.id).alias("id"), pl.all().cast(pl.Float32)) for run in scored]
    runs = [_of_run(store, run, sitting) for run in scored] + [_of_failure(store, run, sitting) for run in failed]
    return Kept(
        scores.with_columns(pl.col("value").cast(pl.Float32)),
        pl.concat(curves, how="diagonal") if curves else pl.DataFrame(),
        pl.DataFrame(runs, schema=RUNS),
        [{**sitting, "runs": len(scored), "failed": len(failed), "updates": sum(run.updates for run in scored)}],
    )


def merged(old: Kept, new: Kept) -> tuple[Kept, list[str]]:
    """`old` with the runs that it lacks, and the ids of those that both have with different scores."""
    have = old.runs["id"].to_list() if len(old.runs) else []
    frames = [_without(getattr(new, name), have) for name in PLACES]
    together = [_joined(getattr(old, name), frame) for name, frame in zip(PLACES, frames, strict=True)]
    known_sittings = {sitting["sitting"] for sitting in old.sittings}
    sittings = [*old.sittings, *(sitting for sitting in new.sittings if sitting["sitting"] not in known_sittings)]
    return Kept(*together, sittings), _different(old.scores, new.scores)


def _of_run(store: Store, run: Run, sitting: Mapping[str, Any]) -> dict[str, Any]:
    record = store.provenance(run.id)
    made = [read_json(path).get("made", {}) for path in sorted(store.run_folder(run.id).glob("scores-*.json"))]
    took = [sum(one["seconds"].values()) for one in made if "seconds" in one]
    return {
        **_named(run, sitting),
        "status": "scored",
        "gpu": record.get("device") if record.get("device") != sitting.get("processor") else "",
        "processor": sitting.get("processor"),
        "encoded_on": next((one["encoded_on"] for one in made if "encoded_on" in one), "cpu"),
        "score_seconds": sum(took) if took else None,
        **{name: record.get(name) for name in (*OF_RUN, *OF_PLACE)},
    }


def _of_failure(store: Store, run: Run, sitting: Mapping[str, Any]) -> dict[str, Any]:
    return {**_named(run, sitting), "status": "failed", "reason": store.failure(run.id)}


def _named(run: Run, sitting: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": run.id,
        "spec": str(run.method),
        "seed": run.seed,
        "updates": run.updates,
        "sitting": sitting["sitting"],
        "record": json.dumps(run_record(run)),
    }


def _without(frame: pl.DataFrame, ids: Sequence[str]) -> pl.DataFrame:
    return frame.filter(~pl.col("id").is_in(ids)) if len(frame) else frame


def _joined(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame for frame in (old, new) if len(frame)] or [new], how="diagonal_relaxed")


def _different(old: pl.DataFrame, new: pl.DataFrame) -> list[str]:
    """Runs of both whose scores are not the same, in single precision."""
    if not len(old) or not len(new):
        return []
    on = ["id", "representation", "metric"]
    both = old.join(new, on=on, suffix="_new")
    apart = both.filter((pl.col("value") - pl.col("value_new")).abs() > 1e-6)
    return sorted(set(apart["id"].to_list()))


def _parquet(frame: pl.DataFrame) -> bytes:
    import io

    content = io.BytesIO()
    frame.write_parquet(content, compression="zstd", compression_level=19)
    return content.getvalue()

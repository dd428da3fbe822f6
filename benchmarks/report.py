"""What a report of a whole study costs: a store of simulated scores, its table, and its pages.

    python benchmarks/report.py [--seeds 50] [--folder /tmp/report]

By default 7 data sets x 6 methods x 6 strengths x 50 seeds = 12,600 runs, each with 21 scores, a curve of 300 points
and no weights. Seconds of wall and of CPU, children included; pictures are not drawn.

Last measured on 2 cores without other work: table 15.7 s, runs 2.7 s, report 64 s of wall (96 s of CPU), 82 s in all;
0.5 s to see that there is nothing to do; 332 MB on disk, 1.24 GB of memory. In Chromium the first page and the table of
all runs stood after 0.2 s each; a search took 3 ms, a sort 18 ms, a run's page 0.3 s.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from distaff.reports.origin import origin
from distaff.reports.pages.runs import Details
from distaff.reports.pages.site import build
from distaff.reports.pages.study_facts import StudyFacts
from distaff.reports.report_folder import replacing, unchanged
from distaff.runs import Run, Study, cross, sweep
from distaff.scoring.grids import factor_sizes
from distaff.scoring.protocol import protocol_of
from distaff.scoring.table import runs, table
from distaff.seal import sealed
from distaff.store.records import run_record
from distaff.store.store import Store
from distaff.testing.simulated_study import METHODS, METRICS, simulated_study

SETS = ("toy", "toy_color", "dsprites", "color_dsprites", "noisy_dsprites", "scream_dsprites", "shapes3d_lookalike")
TASKS = tuple(f"downstream(labels={n}, learner='{by}')" for n in (10, 100, 1000, 10000) for by in ("logistic", "trees"))
TC = ("gaussian_total_correlation", "gaussian_total_correlation(dims='active')")
ASKED = (*METRICS, *TC, *TASKS, "statistical_efficiency")


def fill(folder: Path, seeds: int) -> Study:
    """A store in the documented format, with scores of the simulated study."""
    methods = [text for name, (parameter, values) in METHODS.items() for text in sweep(name, parameter, values)]
    listed = cross(SETS, methods, range(seeds))
    study = Study("benchmark", listed, ASKED)
    numbers, _ = simulated_study(seeds=seeds)
    protocol = protocol_of(study)
    parts = numbers.sort("dataset", "method", "strength_index", "seed").partition_by("id", maintain_order=True)
    steps = np.arange(1, 301) * 1000.0
    names = ["objective", "term.nll", "term.kl", *(f"kl.{i}" for i in range(10))]
    draw = np.random.default_rng(0)
    for run, part in zip(sorted(listed, key=_place), parts, strict=True):
        place = folder / "runs" / run.id
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps({"format": 1, **run_record(run)}))
        (place / "provenance.json").write_text(json.dumps({"seconds": 3600.0, "torch": "2"}))
        pl.DataFrame({"step": steps, **{name: draw.random(300) for name in names}}).write_parquet(
            place / "curve.parquet"
        )
        scores = part.filter(~pl.col("metric").str.starts_with("train.")).select("representation", "metric", "value")
        rows = [{**row, "metric": row["metric"].split("(")[0], "spec": row["metric"]} for row in scores.to_dicts()]
        record = {"format": 2, "run": run.id, "asked": protocol.record(), "scores": rows}
        (place / protocol.file).write_bytes(sealed(record))
    return study


def _place(run: Run) -> tuple[str, str, float, int]:
    return str(run.dataset), run.method.name, run.strength[1] if run.strength else 0.0, run.seed


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Run it and print what it took."""

    def cpu() -> float:
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    wall, before = time.monotonic(), cpu()
    found = work()
    print(f"{what:24s} {time.monotonic() - wall:7.1f} s wall {cpu() - before:7.1f} s CPU")
    return found


def main() -> None:
    """Fill a store, and time the table and the report of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="report"))
    study = timed("filling the store", lambda: fill(folder, given.seeds))
    store = Store(folder)
    numbers = timed("table", lambda: table(study, store))
    planned = timed("runs", lambda: runs(study, store))
    facts = StudyFacts(study.name, grids=factor_sizes({str(run.dataset) for run in study.runs}))
    details = lambda id: Details(store.curve(id), {}, {"torch": "2"})  # noqa: E731
    pages = folder / "report"

    def sources() -> dict[str, Any]:
        return origin(study, store, __file__, ())

    def report() -> None:
        with replacing(pages, sources()) as aside:
            build(facts, numbers, planned, aside, details=details, workers=os.cpu_count() or 1)

    timed("report", report)
    assert timed("the report, up to date", lambda: unchanged(pages, sources()))
    size = sum(path.stat().st_size for path in pages.rglob("*") if path.is_file())
    count = numbers["id"].n_unique()
    print(f"{count:,} runs, {numbers.height:,} numbers, report of {size / 1e6:.0f} MB in {pages}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()

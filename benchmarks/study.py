"""The study engine at full size, without training: a fake trainer draws scores from a known model.

    python benchmarks/study.py FOLDER              12,600 runs, 2 representations, nine evaluations (1 GB on the disk)
    python benchmarks/study.py FOLDER --seeds 500  ten times that (10 GB)

Files, plan, status and table are those of a real study; curves and weights are left out, as after `store prune`. Each
figure is of a process of its own, best of three, CPU seconds and peak memory.

Last measured (CPU seconds, best of two, other work on both cores): 12,600 runs, eighteen evaluations, 5.9 million
numbers; 1.0 s of each but the last is the loading of the study:

    plan             1.2 s   0.05 GB
    status           1.2 s   0.05 GB
    table, cold      9.3 s   0.32 GB
    table, cached    1.5 s   0.18 GB
    table, as text   2.0 s   0.91 GB    what the report reads: the cached table with texts for its enumerations
    whole store      2.9 s   0.92 GB    `distaff.table`, which knows no study: 9.6 s at first, then cached

With `--seeds 500`, 126,000 runs and 59 million numbers, beside other work on both cores (CPU seconds): plan 14.8 s and
0.11 GB, status 6.6 s, table cold 153 s and 2.24 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from distaff.plugins.registry import METRICS
from distaff.runs import Study, cross
from distaff.scoring.protocol import protocol_of
from distaff.seal import FORMAT
from distaff.store.files import sealed
from distaff.store.records import run_record
from distaff.store.studies import load_study, save_study

DATASETS = ("dsprites", "color_dsprites", "noisy_dsprites", "scream_dsprites", "shapes3d_lookalike", "toy_color", "toy")
PUBLISHED = load_study(Path(__file__).parent.parent / "studies" / "unsupervised_2019.py")
METHODS = tuple(dict.fromkeys(str(run.method) for run in PUBLISHED.runs))
EVALUATIONS = PUBLISHED.metrics
PARTS = [f"{name}_{factor}" for name in ("train", "test") for factor in range(5)] + ["mean_train", "min_test"]


def design(seeds: int) -> Study:
    """The study of 2019 with so many seeds; a specification is read once, not once a seed."""
    settings = cross(DATASETS, METHODS, [0])
    return Study(
        "simulated", tuple(replace(setting, seed=seed) for setting in settings for seed in range(seeds)), EVALUATIONS
    )


ACTIONS = {
    "plan": "from distaff.study.plan import plan; assert plan(study, store).done == len(study.runs)",
    "status": "from distaff.study.watch import Watch; assert Watch(study, store).progress().scored == len(study.runs)",
    "table, cold": "from distaff.scoring.score_columns import read_scores as r; rows = r(study, store, False).height",
    "table, cached": "from distaff.scoring.score_columns import read_scores as r; rows = r(study, store).height",
    "table, as text": "from distaff.scoring.table import table; rows = table(study, store).height",
    "whole store": "import distaff; rows = distaff.table(store.folder).height",
}
MEASURE = """
import json, resource, sys, time
from pathlib import Path
wall, began = time.perf_counter(), time.process_time()
from distaff.store.studies import load_study
from distaff.store.store import Store
study, store, rows = load_study(Path(sys.argv[1])), Store(Path(sys.argv[2])), None
loaded = time.process_time()
exec(sys.argv[3])
figures = {"loading": loaded - began} if rows is None else {"rows": rows, "loading": loaded - began}
figures["cpu"] = time.process_time() - began
figures["wall"] = time.perf_counter() - wall
figures["GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps(figures))
"""


def simulate(folder: Path, seeds: int) -> Study:
    """A finished study: a method's effect, a strength's and a seed's on every score."""
    study = design(seeds)
    protocol, rng = protocol_of(study), np.random.default_rng(0)
    names = [(r, spec, part) for spec in protocol.metrics for r in ("mean", "sampled") for part in ("", *PARTS)]
    effects = {method: 0.06 * rng.standard_normal() for method in METHODS}
    made = {"distaff": "simulated", "seconds": {str(spec): 1.0 for spec in protocol.metrics}}
    for run in study.runs:
        values = 0.25 + effects[str(run.method)] + 0.06 * rng.standard_normal() + 0.02 * rng.standard_normal(len(names))
        rows = []
        for (representation, spec, part), value in zip(names, values.tolist(), strict=True):
            metric = f"{spec.name}.{part}" if part else spec.name
            more = {"spec": str(spec)} if str(spec) != spec.name else {}
            rows.append({"representation": representation, "metric": metric, "value": value, **more})
        record = {"format": FORMAT, "run": run.id, "asked": protocol.record(), "made": made, "scores": rows}
        run_folder = folder / "runs" / run.id
        run_folder.mkdir(parents=True)
        ended = {"nll": 30.0, "kl": 10.0, "elbo": -40.0}
        (run_folder / "run.json").write_bytes(sealed({"format": FORMAT, **run_record(run), "ended": ended}))
        (run_folder / "provenance.json").write_bytes(sealed({"distaff": "simulated", "seconds": 3600.0}))
        (run_folder / protocol.file).write_bytes(sealed(record))
    save_study(folder, study)
    return study


def measure(file: Path, folder: Path, action: str) -> dict[str, float]:
    """What one action costs a fresh process."""
    words = [sys.executable, "-c", MEASURE, str(file), str(folder), action]
    done = subprocess.run(
        words, capture_output=True, text=True, check=True, env={**os.environ, "POLARS_MAX_THREADS": "2"}
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Make the store if it is not there, and time each action."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    file = given.folder / "simulated.py"
    if not (given.folder / "studies").exists():
        given.folder.mkdir(parents=True, exist_ok=True)
        simulate(given.folder, given.seeds)
        design_call = f"run_path({str(Path(__file__).absolute())!r})['design']({given.seeds})"
        file.write_text(f"from runpy import run_path\n\nstudy = {design_call}\n", encoding="utf-8")
    runs = len(list((given.folder / "runs").iterdir()))
    print(f"{runs:,} runs; {len(METRICS.names())} metrics are known, {len(EVALUATIONS)} evaluations a run")
    for name, action in ACTIONS.items():
        figures = (measure(file, given.folder, action) for _ in range(given.times))
        best = min(figures, key=lambda figures: figures["cpu"])
        print(f"{name:14s}" + "  ".join(f"{key} {value:,.2f}" for key, value in best.items()), flush=True)


if __name__ == "__main__":
    main()

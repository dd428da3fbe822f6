"""The laptop study's table of scores, small enough to keep, with what made it.

    make evidence-laptop      trains and scores 1,800 models in about two hours on 2 cores, then writes evidence/laptop/

scores.parquet has the columns of `distaff.table`, UDR among the metrics, with values in float32: `distaff claims` reads
it. made.json says the command, the commit, the machine and the seconds that all workers together took.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from distaff.scoring.table import table, with_udr
from distaff.store.files import read_json
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.plan import plan

STUDY = Path("studies/laptop.py")
FOLDER = Path(__file__).parent.parent / "evidence" / "laptop"
WHERE = re.compile(r" --out \S+")  # the place of a store is not part of what made it
ONCE = ("distaff", "torch", "numpy", "python", "device", "precision", "commit", "dirty", "command")


def made(store: Store, ids: list[str]) -> dict[str, Any]:
    """What all runs have in common, how many runs each other value has, and seconds of work."""
    training, scoring = 0.0, 0.0
    values: dict[str, Counter[str]] = {name: Counter() for name in ONCE}
    for id in ids:
        record = read_json(store.run_folder(id) / "provenance.json")
        training += record["seconds"]
        for name in ONCE:
            values[name][WHERE.sub("", str(record.get(name)))] += 1
        for path in store.run_folder(id).glob("scores-*.json"):
            scoring += sum(read_json(path)["made"]["seconds"].values())
    common = {name: next(iter(found)) if len(found) == 1 else dict(found) for name, found in values.items()}
    return {**common, "runs": len(ids), "training_seconds": round(training), "scoring_seconds": round(scoring)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/laptop"), help="the store")
    given = parser.parse_args()
    study, store = load_study(STUDY), Store(given.out)
    if not (todo := plan(study, store)).empty:
        raise SystemExit(f"{todo.done} of {todo.runs} runs are done: first distaff study run {STUDY}")
    found = with_udr(table(study, store), study.runs, store, print).with_columns(pl.col("value").cast(pl.Float32))
    FOLDER.mkdir(parents=True, exist_ok=True)
    found.write_parquet(FOLDER / "scores.parquet", compression="zstd", compression_level=19)
    facts = made(store, [run.id for run in study.runs if store.has(run.id)])
    (FOLDER / "made.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    size = (FOLDER / "scores.parquet").stat().st_size / 1e6
    print(f"{FOLDER}: {len(found):,} numbers in {size:.1f} MB\n{json.dumps(facts, indent=1)}")


if __name__ == "__main__":
    main()

"""`distaff report`: the pages of a study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import tyro


def report(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    out: Path | None = None,
    format: tuple[Literal["svg", "pdf", "png", "latex"], ...] = ("svg", "pdf"),
) -> None:
    """Write the report of a study, finished or not: pages that open from disk, with every figure and its numbers.

    Example: distaff report studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        out: the store; by default out/NAME. The report is its folder `report`.
        format: what figures are written as, beside their numbers as CSV and parquet; latex is a table of the numbers.
    """
    from distaff.analysis.table import floor, runs, table
    from distaff.commands.claims import factor_sizes
    from distaff.commands.gallery import illustrate
    from distaff.report.facts import StudyFacts
    from distaff.report.runs import Details
    from distaff.report.site import build
    from distaff.study.plan import load_study
    from distaff.study.store import Store, provenance, read_json

    study = load_study(file)
    store = Store(out or Path("out") / study.name)
    pages = store.folder / "report"

    def details(id: str) -> Details:
        folder = store.run_folder(id)
        found = sorted(path for pattern in ("picture-*.png", "*.gif") for path in folder.glob(pattern))
        pictures = {path.stem.removeprefix("picture-"): os.path.relpath(path, pages) for path in found}
        return Details(store.curve(id), pictures, read_json(folder / "provenance.json"))

    made = {name: str(value) for name, value in provenance().items()}
    grids = factor_sizes({str(run.dataset) for run in study.runs})
    facts = StudyFacts(study.name, study.purpose, f"distaff study run {file}", len(study.runs), made, grids)
    found, untrained = table(study, store), floor(study, store)
    illustrate(found, store)
    index = build(
        facts,
        found,
        runs(study, store),
        pages,
        untrained=untrained,
        details=details,
        formats=format,
        workers=os.cpu_count() or 1,
    )
    print(index)

"""`distaff report`: the page of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def report(file: Annotated[Path, tyro.conf.Positional], /, out: Path | None = None) -> None:
    """Write the report of a study, finished or not: one page that opens from disk, with its figures and numbers.

    Example: distaff report studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        out: the store; by default out/NAME. The report is its folder `report`.
    """
    from distaff.analysis.table import floor, runs, table
    from distaff.report.site import StudyFacts, build
    from distaff.study.plan import load_study
    from distaff.study.store import Store, provenance

    study = load_study(file)
    store = Store(out or Path("out") / study.name)
    made = {name: str(value) for name, value in provenance().items()}
    facts = StudyFacts(study.name, study.purpose, f"distaff study run {file}", len(study.runs), made)
    numbers = table(study, store)
    print(build(facts, numbers, runs(study, store), {}, store.folder / "report", floor(study, store)))

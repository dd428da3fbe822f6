"""A study as a file of its store, so that workers elsewhere, and people later, need no other file to know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.runs import Study
from distaff.sampling import sampling_in
from distaff.store.files import read_json, sealed
from distaff.store.store import FORMAT, run_from_record, run_record
from distaff.untrusted.reading import reading
from distaff.untrusted.records import check_study
from distaff.untrusted.regular import read_bytes

LARGEST = 2**24  # bytes of a Python file
SIZES = {"rows": "rows", "test_rows": "test_rows", "cells": "grid_rows", "pack": "pack"}  # keys of the file, fields


def load_study(path: Path) -> Study:
    """The `study` that a Python file defines, or another of its studies, as in `file.py:full_budget`.

    Raises `DistaffError` if there is none.
    """
    stem, colon, name = str(path).partition(".py:")
    path, name = (Path(f"{stem}.py"), name) if colon else (path, "study")
    if not path.exists():
        raise DistaffError(f"there is no study {path}: name a Python file that defines `study = Study(...)`")
    source = read_bytes(path, LARGEST)
    names: dict[str, object] = {"__name__": path.stem, "__file__": str(path)}
    try:
        code = compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:  # the latter: a null character
        raise DistaffError(f"{path} is not a Python file: {error}") from error
    exec(code, names)
    study = names.get(name)
    if not isinstance(study, Study):
        raise DistaffError(f"{path} must define `{name} = Study(...)`")
    return study


def save_study(folder: Path, study: Study, command: str = "") -> Path:
    """Write `study` to studies/<name>.json of the store, unless that file holds it already."""
    path = folder / "studies" / f"{study.name}.json"
    record: dict[str, Any] = {
        "format": FORMAT,
        "name": study.name,
        "purpose": study.purpose,
        "command": command,
        "metrics": list(study.metrics),
        **{key: getattr(study, field) for key, field in SIZES.items()},
        "sampling": study.sampling,
        "runs": [run_record(run) for run in study.runs],
    }
    content = sealed(record)
    if not path.exists() or path.read_bytes() != content:
        write(path, content)
    return path


def read_study(path: Path) -> Study:
    """The study that `save_study` wrote."""
    record = read_json(path)
    with reading(path, "is no record of a study"):
        check_study(record)
        runs = tuple(run_from_record(run) for run in record["runs"])
        sizes = {field: int(record[key]) for key, field in SIZES.items()}
        return Study(
            record["name"], runs, tuple(record["metrics"]), record["purpose"], **sizes, sampling=sampling_in(record)
        )


def studies_of(folder: Path) -> list[Path]:
    """The studies that a store holds runs of."""
    return sorted((folder / "studies").glob("*.json"))

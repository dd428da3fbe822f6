"""A study as a file of its store, so that workers elsewhere, and people later, need no other file to know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.runs import Study
from distaff.store.files import read_json, sealed, write
from distaff.store.store import FORMAT, describe, recognise

SIZES = ("rows", "test_rows", "cells", "pack")


def load_study(path: Path) -> Study:
    """The `study` that a Python file defines, or another of its studies, as in `file.py:full_budget`.

    Raises `DistaffError` if there is none.
    """
    place, colon, wanted = str(path).partition(".py:")
    path, wanted = (Path(f"{place}.py"), wanted) if colon else (path, "study")
    if not path.exists():
        raise DistaffError(f"there is no study {path}: name a Python file that defines `study = Study(...)`")
    names: dict[str, object] = {"__name__": path.stem, "__file__": str(path)}
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise DistaffError(f"{path} is no Python file: {error}") from error
    study = names.get(wanted)
    if not isinstance(study, Study):
        raise DistaffError(f"{path} must define `{wanted} = Study(...)`")
    return study


def keep_study(folder: Path, study: Study, command: str = "") -> Path:
    """Write `study` to studies/<name>.json of the store, unless that file says the same already."""
    path = folder / "studies" / f"{study.name}.json"
    told: dict[str, Any] = {
        "format": FORMAT,
        "name": study.name,
        "purpose": study.purpose,
        "command": command,
        "metrics": list(study.metrics),
        **{name: getattr(study, name) for name in SIZES},
        "runs": [describe(run) for run in study.runs],
    }
    content = sealed(told)
    if not path.exists() or path.read_bytes() != content:
        write(path, content)
    return path


def kept_study(path: Path) -> Study:
    """The study that `keep_study` wrote."""
    told = read_json(path)
    runs = tuple(recognise(run) for run in told["runs"])
    sizes = {name: told[name] for name in SIZES}
    return Study(told["name"], runs, tuple(told["metrics"]), told["purpose"], **sizes)


def studies_of(folder: Path) -> list[Path]:
    """The studies that a store holds runs of."""
    return sorted((folder / "studies").glob("*.json"))

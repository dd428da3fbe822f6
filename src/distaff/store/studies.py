"""A study as a file of its store, so that workers elsewhere, and people later, need no other file to know it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.plugins.registry import metric_or_task
from distaff.runs import Study
from distaff.sampling import sampling_in
from distaff.seal import FORMAT, sealed
from distaff.store.files import read_json
from distaff.store.records import PLUGINS, run_from_record, run_record
from distaff.untrusted.reading import reading
from distaff.untrusted.records import check_study
from distaff.untrusted.regular import read_bytes

LARGEST = 2**24  # bytes of a Python file
SIZES = {"rows": "rows", "test_rows": "test_rows", "cells": "grid_rows", "pack": "pack"}  # keys of the file, fields
METRICS = "metric"  # among the identities of a study's plug-ins: metrics and tasks


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


def load_or_read_study(path: Path, folder: Path | None = None, *, stored: bool = True) -> tuple[Study, str]:
    """The study that a file defines; where a plug-in of it is not here, as its store has it, with a note that says so.

    `folder` is the store, by default out/NAME. With `stored=False` the study must be as its file has it. Raises
    `DistaffError` where there is no such study.
    """
    try:
        return load_study(path), ""
    except DistaffError as error:
        name = _literal_name(path)
        kept = name and (folder or Path("out") / name) / "studies" / f"{name}.json"
        if not stored or not kept or not kept.exists():
            raise
        return read_study(kept), f"{path} cannot be loaded here ({error}): the study is shown as {kept} has it"


def _literal_name(path: Path) -> str | None:
    """The name of the study that a file defines, where it is written in it as a text."""
    file, colon, variable = str(path).partition(".py:")
    try:
        tree = ast.parse(Path(f"{file}.py" if colon else path).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            values = [one.value for one in node.value.keywords if one.arg == "name"] or node.value.args[:1]
            if (variable or "study") in names and values and isinstance(values[0], ast.Constant):
                return str(values[0].value)
    return None


def save_study(folder: Path, study: Study, command: str = "") -> Path:
    """Write `study` to studies/<name>.json of the store, unless that file holds it already."""
    path = folder / "studies" / f"{study.name}.json"
    records = [run_record(run) for run in study.runs]
    identities: dict[str, dict[str, str]] = {name: {} for name in (*PLUGINS, METRICS)}
    for record in records:  # thousands of runs share a few texts: their identities stand in the file once
        for name, identity in record.pop("identities").items():
            identities[name][record[name]] = identity
    identities[METRICS] = {str(spec): spec.identity for spec in map(metric_or_task, study.metrics)}
    content = sealed(
        {
            "format": FORMAT,
            "name": study.name,
            "purpose": study.purpose,
            "command": command,
            "metrics": list(study.metrics),
            **{key: getattr(study, field) for key, field in SIZES.items()},
            "sampling": study.sampling,
            "identities": identities,
            "runs": records,
        }
    )
    if not path.exists() or path.read_bytes() != content:
        write(path, content)
    return path


def read_study(path: Path) -> Study:
    """The study that `save_study` wrote, whether or not its plug-ins are here."""
    record = read_json(path)
    with reading(path, "is no record of a study"):
        check_study(record)
        known = record.get("identities", {})
        runs = tuple(run_from_record(run, _of_run(run, known)) for run in record["runs"])
        sizes = {field: int(record[key]) for key, field in SIZES.items()}
        return Study(
            record["name"], runs, tuple(record["metrics"]), record["purpose"], **sizes, sampling=sampling_in(record)
        )


def recorded_metric(folder: Path, study: str, text: str) -> str | None:
    """The identity that a metric had when the study of this name was last run; None where that is not recorded."""
    path = folder / "studies" / f"{study}.json"
    if not path.exists():
        return None
    identity = read_json(path).get("identities", {}).get(METRICS, {}).get(text)
    return str(identity) if identity else None


def _of_run(run: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What the id of a run hashes of its plug-ins, from the identities of the study's texts."""
    return {name: known[name][run[name]] for name in PLUGINS if run[name] in known.get(name, ())}


def studies_of(folder: Path) -> list[Path]:
    """The studies that a store holds runs of."""
    return sorted((folder / "studies").glob("[!.]*.json"))

"""`--only "method=beta_vae,dataset=dsprites,seed<5"`: the runs of a study that satisfy conditions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from distaff.errors import DistaffError, unknown
from distaff.plugins.registry import DATASETS, METHODS, NETWORKS, Registry
from distaff.runs import Run, Study
from distaff.store.records import parse_cached

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
PLUGINS = {"dataset": DATASETS, "method": METHODS, "network": NETWORKS}
NUMBERS = ("seed", "updates", "batch")
CONDITION = re.compile(r"\s*(\w+)\s*(<=|>=|!=|=|<|>)\s*(.+?)\s*")


def select(study: Study, text: str) -> frozenset[str]:
    """The ids of the runs for which every condition of `text` holds; all of them if it is empty.

    Conditions stand between commas: dataset, method and network by name or with parameters (`|` between several), seed,
    updates and batch by number, and a method's parameter by its name, as in beta>=4. Raises `DistaffError` for a
    condition that cannot be read or that names nothing of the study.
    """
    runs = list(study.runs)
    for part in _parts(text):
        match = CONDITION.fullmatch(part)
        if match is None:
            raise DistaffError(f"--only {part!r} is not a condition: write it as method=beta_vae, seed<5 or beta>=4")
        runs = _satisfying(study, runs, *match.groups())
    if not runs:
        raise DistaffError(f"no run of study {study.name} satisfies --only {text!r}")
    return frozenset(run.id for run in runs)


def _satisfying(study: Study, runs: list[Run], field: str, sign: str, value: str) -> list[Run]:
    compare = OPERATORS[sign]
    if field in PLUGINS:
        named = {_spec_text(PLUGINS[field], option.strip()) for option in value.split("|")}
        if sign not in ("=", "!="):
            raise DistaffError(f"--only: {field} is compared with = or !=, not {sign}")
        return [run for run in runs if compare(bool(named & _names(getattr(run, field))), True)]
    try:
        number = float(value)
    except ValueError as error:
        raise DistaffError(f"--only: {field} is compared with a number, not {value!r}") from error
    if field in NUMBERS:
        return [run for run in runs if compare(getattr(run, field), number)]
    parameters = {name for run in study.runs for name, _ in run.method.values}
    if field not in parameters:
        raise unknown("condition of --only", field, [*PLUGINS, *NUMBERS, *parameters])
    return [run for run in runs if field in dict(run.method.values) and compare(run.method[field], number)]


def _spec_text(kind: Registry, text: str) -> str:
    """The text as a specification writes it; a bare name stays one, and means it with any parameters."""
    spec = kind.plugin(text) if text.isidentifier() else parse_cached(kind, text)
    return spec.name if text.isidentifier() else str(spec)


def _names(spec: Any) -> set[str]:
    return {spec.name, str(spec)}


def _parts(text: str) -> list[str]:
    """The conditions between the commas that stand in no parentheses."""
    return [part for part in re.split(r",(?![^()]*\))", text) if part.strip()]

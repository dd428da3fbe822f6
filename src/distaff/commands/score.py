"""`distaff score`: codes of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import tyro

from distaff.errors import DistaffError


def score(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    metrics: tuple[str, ...] = ("all",),
    json: Path | None = None,
) -> None:
    """Score codes that you already have: an npz file with `codes` [n d] and `factors` [n f].

    Example: distaff score codes.npz --metrics mig dci

    Args:
        file: the npz file; nothing in it may be a Python object.
        metrics: metrics with their parameters, such as "mig(bins=30)", or all.
        json: a file to write the numbers to.
    """
    from json import dumps

    from rich.console import Console
    from rich.table import Table

    from distaff.registry import METRICS

    codes, factors = _read_codes(file)
    specs = [METRICS.parse(text) for text in (METRICS.names() if metrics == ("all",) else metrics)]
    table, numbers = Table("metric", "score", "", box=None), {}
    for spec in specs:
        found = METRICS.bind(spec)(codes, factors)
        numbers[str(spec)] = {"value": float(found) if found.reason is None else None, "reason": found.reason}
        table.add_row(str(spec), f"{float(found):.4f}", found.reason or "")
    Console().print(table)
    if json is not None:
        json.write_text(dumps(numbers, indent=2), encoding="utf-8")


def _read_codes(file: Path) -> tuple[Any, Any]:
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("codes", "factors") if name in arrays}
    except (OSError, ValueError) as error:
        raise DistaffError(f"{file} cannot be read as an npz file without objects: {error}") from error
    if len(found) < 2 or len(found["codes"]) != len(found["factors"]):
        raise DistaffError(f"{file} must hold `codes` [n d] and `factors` [n f] with the same n")
    return found["codes"], found["factors"]

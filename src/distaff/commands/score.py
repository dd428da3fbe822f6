"""`distaff score`: codes of your own, or a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import tyro

from distaff.errors import DistaffError


def score(
    target: Annotated[Path, tyro.conf.Positional],
    /,
    metrics: tuple[str, ...] = ("all",),
    json: Path | None = None,
    rows: int = 10_000,
    test_rows: int = 5_000,
    draws: int = 10,
    jobs: int = 1,
    quick: bool = False,
) -> None:
    """Score codes that you already have (an npz file), or a trained run (its folder).

    The file holds `codes` [n d], `factors` [n f] and, if you like, `names` [f]. A score is shown with its interval, its
    share of the way from noise to a perfect code on these factors, and both ends of that way. The scores of a run are
    those of its mean and of its sampled codes.

    Example: distaff score codes.npz --metrics mig dci

    Args:
        target: the npz file, in which nothing may be a Python object, or a folder such as results/runs/<id>.
        metrics: metrics and tasks with their parameters, such as "mig(bins=30)" "downstream(labels=100)"; all metrics.
        json: a file to write the numbers to.
        rows: how many rows a metric is given at most.
        test_rows: how many more it is tested on, where it learns.
        draws: how many draws an interval is made of; 0 for none.
        jobs: threads for boosted trees and logistic regression.
        quick: the scores alone.
    """
    from json import dumps

    from distaff.metrics.reliability.asking import specification
    from distaff.plugins.registry import METRICS

    specs = [specification(text) for text in (METRICS.names() if metrics == ("all",) else metrics)]
    limits = {"rows": rows, "test_rows": test_rows}
    if target.is_dir():
        numbers = _of_a_run(target, specs, limits)
    else:
        numbers = _of_a_file(target, specs, {**limits, "jobs": jobs}, 0 if quick else draws, not quick)
    if json is not None:
        json.write_text(dumps(numbers, indent=2, allow_nan=False), encoding="utf-8")


def _of_a_file(file: Path, specs: list[Any], limits: dict[str, int], draws: int, meaning: bool) -> dict[str, Any]:
    from math import isfinite

    from rich.console import Console

    from distaff.metrics.reliability.asking import table
    from distaff.metrics.reliability.reading import reading_of

    told = table(*_read_codes(file), **limits)
    found = []
    with Console(stderr=True).status("") as status:
        for number, spec in enumerate(specs, 1):
            status.update(f"{number} of {len(specs)}: {spec}")
            found.append(reading_of(spec, told, draws, meaning))
    columns = ["metric", "score", *(["interval", "share", "noise", "perfect"] if meaning else []), ""]
    lines = []
    for one in found:
        low, high = one.interval
        ends = [_short(one.reach.noise), _short(one.reach.perfect)] if one.reach else []
        told_of = [f"{low:.3f} to {high:.3f}" if isfinite(low) else "", _short(one.share), *ends] if meaning else []
        lines.append([one.metric, _short(float(one.score)), *told_of, one.score.reason or ""])
    _show(columns, lines)
    return {
        one.metric: {
            "value": _plain(float(one.score)),
            "reason": one.score.reason,
            "parts": {name: _plain(value) for name, value in one.score.parts.items()},
            "share": _plain(one.share),
            "interval": [_plain(side) for side in one.interval],
            "noise": _plain(one.reach.noise) if one.reach else None,
            "perfect": _plain(one.reach.perfect) if one.reach else None,
            "higher_is_better": one.higher_is_better,
        }
        for one in found
    }


def _of_a_run(folder: Path, specs: list[Any], limits: dict[str, int]) -> dict[str, Any]:
    from distaff.scoring.protocol import Scoring
    from distaff.scoring.score import answers
    from distaff.store.store import Store

    folder = folder.resolve()
    store = Store(folder.parent.parent)
    if not (folder / "run.json").is_file() or folder.parent.name != "runs":
        raise DistaffError(f"{folder} is no run: that is a folder runs/<id> with a run.json in it")
    found = answers(store.run(folder.name), store.params(folder.name), Scoring(tuple(specs), **limits))
    numbers: dict[str, Any] = {}
    for row in found:
        head, dot, part = row["metric"].partition(".")
        numbers.setdefault(row.get("spec", head) + dot + part, {})[row["representation"]] = {
            "value": row["value"],
            "reason": row.get("reason"),
        }
    lines = [
        [name, *(_short(both[kind]["value"]) for kind in ("mean", "sampled")), both["mean"]["reason"] or ""]
        for name, both in numbers.items()
        if name in {str(spec) for spec in specs}
    ]
    _show(["metric", "mean codes", "sampled codes", ""], lines)
    return numbers


def _read_codes(file: Path) -> tuple[Any, Any]:
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("codes", "factors", "names") if name in arrays}
    except (OSError, ValueError) as error:
        raise DistaffError(f"{file} cannot be read as an npz file without objects: {error}") from error
    if not {"codes", "factors"} <= set(found) or len(found["codes"]) != len(found["factors"]):
        raise DistaffError(f"{file} must hold `codes` [n d] and `factors` [n f] with the same n")
    if "names" not in found:
        return found["codes"], found["factors"]
    import polars

    factors, names = np.atleast_2d(found["factors"].T).T, [str(name) for name in found["names"].ravel()]
    if len(names) != factors.shape[1] or len(set(names)) < len(names):
        raise DistaffError(f"{file}: `names` are {names}; they want to be one for each of {factors.shape[1]} factors")
    return found["codes"], polars.DataFrame({name: factors[:, j] for j, name in enumerate(names)})


def _show(columns: list[str], lines: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for column in columns:
        table.add_column(column, no_wrap=column != "", justify="left" if column in ("metric", "") else "right")
    for line in lines:
        table.add_row(*line)
    Console().print(table)


def _plain(value: float) -> float | None:
    from math import isfinite

    return value if isfinite(value) else None


def _short(value: float | None) -> str:
    from math import isnan

    return "" if value is None or isnan(value) else f"{round(value, 3) + 0:.3f}"  # no minus before zero

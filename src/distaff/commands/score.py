"""`distaff score`: given codes, or a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from distaff.errors import DistaffError

if TYPE_CHECKING:
    from distaff.metrics.evaluate import EvaluationTable


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
    sampling: Literal["disjoint", "2019"] = "disjoint",
    grid_rows: int = 100_000,
) -> None:
    """Score codes that you already have (an npz file), or a trained run (its folder).

    The file holds `codes` [n d], `factors` [n f] and, if you like, `names` [f]. A score is shown with its interval, its
    share of the way from noise to a perfect code on these factors, and both ends of that way. Where rows repeat an
    image, `images` [n] numbers the images, so that none is both trained on and tested on. With `logvar` [n d] sampled
    codes are scored as well. The scores of a run are those of its mean and of its sampled codes, and so are those of
    the file that `distaff export --to codes` writes of it.

    Example: distaff score codes.npz --metrics mig dci

    Args:
        target: the npz file, in which nothing may be a Python object, or a folder such as results/runs/<id>.
        metrics: metrics and tasks with their parameters, such as "mig(bins=30)" "downstream(labels=100)"; all metrics.
        json: a file to write the numbers to.
        rows: how many rows a metric is given at most.
        test_rows: how many further rows it is tested on, where it predicts; of fewer rows both shrink in proportion.
        draws: how many draws an interval is made of; 0 for none.
        jobs: threads for boosted trees and logistic regression.
        quick: the scores alone.
        sampling: how rows are drawn: "disjoint", without replacement and no test row of an image that was trained on,
            or "2019", each with replacement, as in the study of that year.
        grid_rows: of a run, how many rows of a larger grid are encoded.
    """
    from json import dumps

    from distaff.atomic import write
    from distaff.metrics.evaluate import specification
    from distaff.plugins.registry import METRICS

    every = [name for name in METRICS.names() if METRICS.known(name)]  # `distaff list metrics` names broken ones
    specs = [specification(text) for text in (every if metrics == ("all",) else metrics)]
    limits = {"rows": rows, "test_rows": test_rows, "sampling": sampling}
    if target.is_dir():
        numbers = _score_run(target, specs, {**limits, "grid_rows": grid_rows}, jobs)
    else:
        numbers = _score_file(target, specs, {**limits, "jobs": jobs}, 0 if quick else draws, not quick)
    if json is not None:
        write(json, dumps(numbers, indent=2, allow_nan=False).encode())


def _score_file(file: Path, specs: list[Any], limits: dict[str, Any], draws: int, meaning: bool) -> dict[str, Any]:
    from math import isfinite

    from rich.console import Console

    from distaff.metrics.evaluate import evaluate_table, split_record, split_text
    from distaff.metrics.reliability.assessment import assess_table

    mean, sampled = _tables(_read_codes(file), limits)
    readings, of_sampled = [], {}
    with Console(stderr=True).status("") as status:
        for number, spec in enumerate(specs, 1):
            status.update(f"{number} of {len(specs)}: {spec}")
            readings.append(assess_table(spec, mean, draws, meaning))
            if sampled is not None:
                of_sampled[str(spec)] = evaluate_table(spec, sampled)
    columns = ["metric", "score", *(["sampled codes"] if of_sampled else [])]
    columns += [*(["interval", "share", "noise", "perfect"] if meaning else []), ""]
    lines = []
    for one in readings:
        low, high = one.interval
        ends = [_short(one.baselines.noise), _short(one.baselines.perfect)] if one.baselines else []
        with_baselines = (
            [f"{low:.3f} to {high:.3f}" if isfinite(low) else "", _short(one.share), *ends] if meaning else []
        )
        beside = [_short(float(of_sampled[one.metric]))] if of_sampled else []
        lines.append([one.metric, _short(float(one.score)), *beside, *with_baselines, one.score.reason or ""])
    _show(columns, lines)
    print(split_text(split_record(specs, mean)))
    return {
        one.metric: {
            **_numbers(one.score),
            **({"sampled": _numbers(of_sampled[one.metric])} if of_sampled else {}),
            "share": _plain(one.share),
            "interval": [_plain(side) for side in one.interval],
            "noise": _plain(one.baselines.noise) if one.baselines else None,
            "perfect": _plain(one.baselines.perfect) if one.baselines else None,
            "higher_is_better": one.higher_is_better,
        }
        for one in readings
    }


def _numbers(score: Any) -> dict[str, Any]:
    parts = {name: _plain(value) for name, value in score.parts.items()}
    return {"value": _plain(float(score)), "reason": score.reason, "parts": parts}


def _score_run(folder: Path, specs: list[Any], limits: dict[str, Any], jobs: int) -> dict[str, Any]:
    from distaff.metrics.evaluate import split_record, split_text
    from distaff.scoring.grid_codes import encode_grid
    from distaff.scoring.protocol import EvaluationProtocol
    from distaff.scoring.score import evaluate_codes
    from distaff.store.store import Store

    folder = folder.resolve()
    store = Store(folder.parent.parent)
    if not (folder / "run.json").is_file() or folder.parent.name != "runs":
        raise DistaffError(f"{folder} is not a run: a run is a folder runs/<id> that holds a run.json")
    protocol = EvaluationProtocol(tuple(specs), **limits)
    codes = encode_grid(store.model(folder.name), protocol.grid_rows, specs)
    numbers: dict[str, Any] = {}
    for row in evaluate_codes(codes, protocol, jobs=jobs):
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
    print(split_text(split_record(specs, codes.table("mean", protocol))))
    return numbers


ARRAYS = ("codes", "factors", "names", "images", "logvar", "line_codes", "line_factors", "line_logvar")


def _read_codes(file: Path) -> dict[str, Any]:
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as arrays:
            given = {name: arrays[name] for name in ARRAYS if name in arrays}
    except (OSError, ValueError) as error:
        raise DistaffError(f"{file} cannot be read as an npz file without objects: {error}") from error
    if not {"codes", "factors"} <= set(given) or len(given["codes"]) != len(given["factors"]):
        raise DistaffError(f"{file} must hold `codes` [n d] and `factors` [n f] with the same n")
    if ("line_codes" in given) != ("line_factors" in given) or ("line_logvar" in given) > ("line_codes" in given):
        raise DistaffError(
            f"{file}: `line_codes` [m d] and `line_factors` [m f] must come together, and `line_logvar` with both"
        )
    if "names" in given:
        factors, names = np.atleast_2d(given["factors"].T).T, [str(name) for name in given["names"].ravel()]
        if len(names) != factors.shape[1] or len(set(names)) < len(names):
            raise DistaffError(f"{file}: `names` are {names}; there must be one for each of {factors.shape[1]} factors")
        given["factors"] = _named(factors, names)
        if "line_factors" in given:
            given["line_factors"] = _named(given["line_factors"], names)
    return given


def _named(factors: Any, names: list[str]) -> Any:
    import polars

    if factors.ndim != 2 or factors.shape[1] != len(names):
        raise DistaffError(f"factors of shape {factors.shape} do not fit the names {names}")
    return polars.DataFrame({name: factors[:, j] for j, name in enumerate(names)})


def _tables(given: dict[str, Any], limits: dict[str, Any]) -> tuple[EvaluationTable, EvaluationTable | None]:
    """The table of mean codes, and that of sampled codes where the file has log-variances."""
    from distaff.metrics.evaluate import Sampled, evaluation_table
    from distaff.metrics.latents import not_passive

    codes, factors, logvar = given["codes"], given["factors"], given.get("logvar")
    lines = (given["line_codes"], given["line_factors"]) if "line_codes" in given else None
    shared = {"images": given.get("images"), **limits}
    if logvar is None:
        return evaluation_table(codes, factors, lines=lines, **shared), None
    shared["active"] = not_passive(codes, logvar)
    sampled_lines = None
    if lines is not None and "line_logvar" in given:
        sampled_lines = Sampled(given["line_codes"], given["line_logvar"]), given["line_factors"]
    sampled = evaluation_table(Sampled(codes, logvar), factors, lines=sampled_lines, **shared)
    return evaluation_table(codes, factors, lines=lines, **shared), sampled


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

"""What a metric or a task gives: a `Score`, whose numbers are Python floats in the range that its decorator names."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics import Score
from distaff.plugins.boundary import Origin, Violation
from distaff.plugins.file import REQUIRED, Plugin
from distaff.plugins.kinds import PACKAGE
from distaff.plugins.registry import METRICS, TASKS

ROUNDING = 1e-6  # how far beyond its range a score may lie
SIZES = (3, 4, 5)  # of the factors of the trial, whose rows are a complete grid, several times
REPEATS = 8


def received(origin: Origin, score: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The score of one call."""
    del arguments, keywords
    _check_score(score)
    if not origin.path.startswith(str(PACKAGE)):
        registry = METRICS if origin.kind == METRICS.kind else TASKS
        _check_range(score, registry.plugin(origin.name).marks["range"])
    return score


def trial(function: Callable[..., Any], plugin: Plugin) -> None:
    """The score of codes that hold the factors, with noise, on a few hundred rows of a complete grid."""
    if any(p.default is REQUIRED for p in plugin.parameters):
        return
    grid = plugin.marks["rows"] == "grid"
    factors = np.stack(np.unravel_index(np.arange(math.prod(SIZES)), SIZES), axis=1)
    factors = factors if grid else np.repeat(factors, REPEATS, axis=0)
    codes = factors + 0.1 * generator("the trial of a metric", 0).standard_normal(factors.shape)
    options = {} if grid or not plugin.marks.get("test_rows") else {"test": (codes, factors)}
    given = (codes, factors) if "factors" in plugin.positional else (codes,)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own mathematics, on data that are not its user's
            score = function(*given, **options)
    except DistaffError:  # it refuses these rows in its own words: whether it keeps its contract shows in use
        return
    _check_score(score)
    _check_range(score, plugin.marks["range"])


def _check_score(score: Any) -> None:
    if not isinstance(score, Score):
        raise Violation(f"it returned a {type(score).__name__}, not a Score: write Score({_written(score)})")
    _check_float("its value", score.value)
    if math.isinf(score.value) and not score.reason:
        raise Violation(f"its value is {score.value}: a score is finite, or has a reason")
    if not isinstance(score.parts, Mapping):
        raise Violation(f"its parts are a {type(score.parts).__name__}, not numbers by name")
    for name, part in score.parts.items():
        if not isinstance(name, str):
            raise Violation(f"it has a part named {name!r}: names are texts")
        _check_float(f"its part {name}", part)
    if score.reason is not None and not isinstance(score.reason, str):
        raise Violation(f"its reason is a {type(score.reason).__name__}, not a text")


def _check_float(what: str, value: Any) -> None:
    if not isinstance(value, float):
        raise Violation(f"{what} is a {type(value).__name__}, not a float: write float(...)")


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "float(...)"


def _check_range(score: Score, ends: tuple[float, float]) -> None:
    (least, most), value = ends, score.value
    if math.isfinite(value) and not least - ROUNDING <= value <= most + ROUNDING:
        raise Violation(f"its value is {value:.6g}, outside the range=({least}, {most}) that its decorator declares")

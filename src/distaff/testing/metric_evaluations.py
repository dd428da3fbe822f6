"""A metric or a task under check, and the small arrays that it is evaluated on."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.analysis.marks import about_of
from distaff.metrics import Score
from distaff.plugins.file import Plugin
from distaff.plugins.registry import registry_of
from distaff.plugins.spec import Spec
from distaff.testing.check import expect

Array = NDArray[Any]
SIZES = (2, 3, 5)  # values of the three factors
EXACT, TRAINED, DRAWN_ROWS = 1e-9, 5e-3, 0.05  # how near two numbers of one score are that are to be the same


class Rows(NamedTuple):
    """Codes [n d] and factors [n f] to evaluate on, and others of the same kind for metrics that are tested on some."""

    codes: Array
    factors: Array
    test_codes: Array
    test_factors: Array

    def with_codes(self, change: Callable[[Array], Array]) -> Rows:
        """The same rows with all codes changed alike."""
        return self._replace(codes=change(self.codes), test_codes=change(self.test_codes))

    def with_factors(self, change: Callable[[Array], Array]) -> Rows:
        """The same rows with all factors changed alike."""
        return self._replace(factors=change(self.factors), test_factors=change(self.test_factors))


def _drawn(n: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, SIZES, size=(n, 3))
    mixed = factors @ [[1, 0.1, 0, 0.3], [0.2, 1, 0, 0], [0, 0.1, 1, 0.3]]
    return mixed + 0.4 * rng.normal(size=(n, 4)), factors


def noisy(factors: Array, seed: int) -> Array:
    """Codes [n 3] of which each knows most of one factor and a little of another."""
    mixed = factors @ [[1, 0, 0.2], [0.3, 1, 0], [0, 0.2, 1]]
    return np.asarray(mixed + 0.3 * np.random.default_rng(seed).normal(size=factors.shape))


def tied(factors: Array, seed: int) -> Array:
    """Codes [n 15] of which several know a factor equally well, by copies, by noise that hides nothing; three dead."""
    exact = factors.astype(float)
    wide = factors + 0.1 * np.random.default_rng(seed).random(factors.shape)
    coarse = np.minimum(factors[:, [2]], 2)
    dead = np.tile([0.25, 0.25, -1.0], (len(factors), 1))
    both = factors[:, [0]] * 5 + factors[:, [2]]
    return np.hstack([wide, exact, coarse, dead, exact[:, :1], both, 2.0 * exact])


_GRID = np.stack(np.meshgrid(*map(np.arange, SIZES), indexing="ij"), -1).reshape(-1, 3)
_WHOLE, _WHOLE_TEST = np.tile(_GRID, (12, 1)), np.tile(_GRID, (6, 1))
DRAWN = Rows(*_drawn(600, 0), *_drawn(300, 1))
GRID = Rows(noisy(_WHOLE, 1), _WHOLE, noisy(_WHOLE_TEST, 2), _WHOLE_TEST)  # every value with every other, 12 times
TIED = Rows(tied(_WHOLE, 3), _WHOLE, tied(_WHOLE_TEST, 4), _WHOLE_TEST)
PERFECT = GRID._replace(codes=_WHOLE.astype(float), test_codes=_WHOLE_TEST.astype(float))


@dataclass(frozen=True, eq=False)
class MetricEvaluations:
    """The metric or task of a specification, with what its decorator declares, and its scores of rows."""

    spec: Spec
    plugin: Plugin
    function: Callable[..., Score]

    @property
    def marks(self) -> Mapping[str, Any]:
        """What its decorator line declares, as literals."""
        return self.plugin.marks

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest value that it declares."""
        least, most = self.marks["range"]
        return least, most

    @property
    def labelled(self) -> bool:
        """Whether its numbers are about factors."""
        return about_of(self.plugin) != "codes"

    @property
    def learns(self) -> bool:
        """Whether it is trained on rows and tested on others."""
        return bool(self.marks.get("test_rows"))

    @property
    def seeded(self) -> bool:
        """Whether it takes a seed."""
        return "seed" in inspect.signature(self.function).parameters

    @property
    def tolerance(self) -> float:
        """How far it may move with what does not matter: as declared, or by what kind of rows it sees."""
        return float(self.marks.get("tolerance", DRAWN_ROWS if self.marks["rows"] == "grid" else TRAINED))

    def depends_on(self, what: str) -> bool:
        """Whether it declares that its numbers change with `what`."""
        return what in self.marks.get("depends_on", ())

    def score(self, rows: Rows, **options: Any) -> Score:
        """Its score of these rows, with the options by which it is quick unless `options` has others."""
        test = {"test": (rows.test_codes, rows.test_factors)} if self.learns else {}
        # what codes alone are scored by need not take factors
        factors = (rows.factors,) if "factors" in inspect.signature(self.function).parameters else ()
        written = {name: value for name, value in self.spec.values if value != self._default(name)}
        score = self.function(rows.codes, *factors, **test, **(self.quick | written | options))
        expect(isinstance(score, Score), f"it returns {type(score).__name__}; return Score(value) of distaff.metrics")
        return score

    def in_earnest(self, rows: Rows) -> Score:
        """Its score of these rows with its own defaults, however long that takes."""
        return self.score(rows, **{name: self._default(name) for name in self.quick})

    @property
    def quick(self) -> dict[str, Any]:
        """The options with which it declares to take little time on few rows."""
        return dict(self.marks.get("quick", {}))

    def _default(self, name: str) -> Any:
        return next(parameter.default for parameter in self.plugin.parameters if parameter.name == name)

    @functools.cached_property
    def of_drawn(self) -> Score:
        """Its score of drawn rows, which many checks compare with."""
        return self.score(DRAWN)

    @functools.cached_property
    def of_grid(self) -> Score:
        """Its score of noisy codes of a grid."""
        return self.score(GRID)

    def expect_defined(self, score: Score, what: str, *, infinite: bool = True) -> None:
        """Raise unless a score lies in the declared range, or is not finite and says why."""
        least, most = self.range
        if math.isnan(score.value):
            expect(score.reason, f"{what}: the score is NaN without a reason; return Score(math.nan, reason=...)")
        elif math.isinf(score.value) and infinite:
            expect(score.reason, f"{what}: the score is infinite without a reason")
        else:
            expect(
                least <= score.value <= most,
                f"{what}: the score is {score.value:g}, outside the declared range of {least:g} to {most:g}",
            )


def evaluations(spec: Spec) -> MetricEvaluations:
    """The metric or task of `spec`, ready to be evaluated; its file is imported."""
    registry = registry_of(spec)
    return MetricEvaluations(spec, registry.plugin(spec.name), registry.unguarded(spec.name))


def quick_text(plugin: Plugin) -> str:
    """The text of a metric or task with the options by which it takes little time on few rows."""
    options = ", ".join(f"{name}={value!r}" for name, value in plugin.marks.get("quick", {}).items())
    return f"{plugin.name}({options})" if options else plugin.name

"""Learning factors from codes: rows to learn on and rows to be tested on, and the trees that learn."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import DistaffError, unknown
from distaff.metrics.core.arrays import as_codes, as_factors, as_values

TREES = ("exact", "sklearn", "lightgbm")
LEFT_OUT = 1 / 3  # of the rows, where the caller gives none to test on


@dataclass(frozen=True)
class Lesson:
    """What is learnt from and what is asked afterwards; a factor is a column of targets, alike in both."""

    train: NDArray[np.floating[Any]]  # [n d]
    test: NDArray[np.floating[Any]]  # [m d]
    train_targets: list[NDArray[Any]]  # f times [n]: classes from 0, or numbers where the factor is continuous
    test_targets: list[NDArray[Any]]  # f times [m]
    continuous: tuple[bool, ...]
    sizes: tuple[int, ...]  # values that each factor takes in the rows of training
    names: tuple[str, ...]

    @property
    def varying(self) -> list[int]:
        """The factors that take more than one value in training: of the others nothing can be learnt."""
        return [j for j, size in enumerate(self.sizes) if size > 1]

    @property
    def broken(self) -> str | None:
        """Why nothing can be learnt from these codes, or None."""
        for part, codes in (("", self.train), ("test ", self.test)):
            bad = np.flatnonzero(~np.isfinite(codes).all(axis=0))
            if len(bad):
                return f"{part}codes {', '.join(map(str, bad))} hold values that are not finite"
        return None if self.varying else "no factor takes two values in the rows of training"


def lesson(metric: str, codes: Any, factors: Any, test: Any, seed: int, classes: bool = False) -> Lesson:
    """Codes and factors to learn from and to be tested on: `test=(codes, factors)`, or a third of the rows, drawn.

    `classes=True` cuts continuous factors into 20 equal widths, for what only knows classes. Raises `DistaffError` for
    arrays that do not fit together, or fewer than three rows where some are to be held out.
    """
    first = as_codes(codes)
    values = as_values(factors)
    _same_length(first, values)
    if test is None:
        if len(first) < 3:
            raise DistaffError(f"{metric} wants at least three rows to hold a third of them out, not {len(first)}")
        order = generator(f"{metric} split", seed).permutation(len(first))
        held, kept = np.sort(order[: round(len(first) * LEFT_OUT)]), np.sort(order[round(len(first) * LEFT_OUT) :])
        table = as_factors(factors)
        train, second = first[kept], first[held]
    else:
        if not isinstance(test, (tuple, list)) or len(test) != 2:
            raise DistaffError(f"{metric}: test is a pair, test=(codes, factors)")
        train, second, asked = first, as_codes(test[0]), as_values(test[1])
        _same_length(second, asked)
        if second.shape[1] != first.shape[1] or asked.shape[1] != values.shape[1]:
            raise DistaffError(
                f"{metric}: {first.shape[1]} codes and {values.shape[1]} factors to learn from, "
                f"but {second.shape[1]} and {asked.shape[1]} to be tested on"
            )
        table = as_factors(np.concatenate([values, asked]))
        kept, held = np.arange(len(first)), np.arange(len(first), len(first) + len(second))
    numbers = [table.continuous[j] and not classes for j in range(len(table.sizes))]
    columns = [
        table.values[:, j].astype(np.float64) if number else table.classes[:, j] for j, number in enumerate(numbers)
    ]
    names = as_factors(factors).names
    sizes = tuple(len(np.unique(column[kept])) for column in columns)
    return Lesson(train, second, [c[kept] for c in columns], [c[held] for c in columns], tuple(numbers), sizes, names)


def _same_length(codes: NDArray[Any], factors: NDArray[Any]) -> None:
    if len(codes) != len(factors):
        raise DistaffError(f"{len(codes)} rows of codes for {len(factors)} rows of factors: give one for each")


def hit(target: NDArray[Any], predicted: NDArray[Any], continuous: bool) -> float:
    """How well `target` was predicted: the share of right classes, or of the variance explained (0 at the least)."""
    if not continuous:
        return float((target == predicted).mean())
    variance = float(((target - target.mean()) ** 2).mean())
    return max(0.0, 1.0 - float(((target - predicted) ** 2).mean()) / variance) if variance > 0 else 0.0


@dataclass(frozen=True)
class Learnt:
    """What trees made of one factor."""

    importances: NDArray[np.float64]  # [d]
    train: float
    test: float


def learn_trees(taught: Lesson, j: int, trees: str, seed: int, jobs: int = 1) -> Learnt:
    """Boosted trees that predict factor `j`, which must take two values in training."""
    x, y, continuous = taught.train, taught.train_targets[j], taught.continuous[j]
    if trees == "exact":
        from distaff.metrics.core.trees import classify, regress

        model = regress(x, y, seed=seed) if continuous else classify(x, y, seed=seed, jobs=jobs)
        importances, fitted = model.importances, model.fitted
    else:
        model = _foreign(trees, continuous, seed).fit(x, y)
        importances, fitted = np.abs(np.asarray(model.feature_importances_, dtype=np.float64)), model.predict(x)
        importances = importances / (importances.sum() or 1.0)
    tested = model.predict(taught.test)
    return Learnt(importances, hit(y, fitted, continuous), hit(taught.test_targets[j], tested, continuous))


def _foreign(trees: str, continuous: bool, seed: int) -> Any:
    """The trees of another library, with the settings of the study as far as that library has them."""
    if trees == "sklearn":
        from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

        return (GradientBoostingRegressor if continuous else GradientBoostingClassifier)(random_state=seed % 2**32)
    if trees != "lightgbm":
        raise unknown("trees", trees, TREES)
    try:
        lightgbm = importlib.import_module("lightgbm")
    except ImportError as error:
        raise DistaffError('trees="lightgbm" needs LightGBM: pip install lightgbm') from error
    settings = {"n_estimators": 100, "learning_rate": 0.1, "max_depth": 3, "num_leaves": 8, "min_child_samples": 1}
    return (lightgbm.LGBMRegressor if continuous else lightgbm.LGBMClassifier)(
        **settings, importance_type="gain", random_state=seed % 2**31, n_jobs=1, verbose=-1, deterministic=True
    )

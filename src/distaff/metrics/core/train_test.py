"""Predicting factors from codes: the rows that a predictor is trained on, and those that it is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.core.arrays import as_codes, as_factors, as_values, moderate, scaled

HELD_OUT = 1 / 3  # of the rows, where the caller gives no test rows


@dataclass(frozen=True)
class TrainTest:
    """Codes and factors of train and of test rows. A factor is one column of targets, encoded alike in both."""

    train: NDArray[np.floating[Any]]  # [n d]
    test: NDArray[np.floating[Any]]  # [m d]
    train_targets: list[NDArray[Any]]  # f times [n]: classes from 0, or numbers where the factor is continuous
    test_targets: list[NDArray[Any]]  # f times [m]
    continuous: tuple[bool, ...]
    sizes: tuple[int, ...]  # values that each factor takes in the rows of training
    names: tuple[str, ...]
    numbers: list[NDArray[np.float64]]  # f times [n]: the values of training as numbers, classes only of words

    @property
    def moderate(self) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
        """The codes of training and of the test, divided by the powers of two that bring training to moderate size."""
        train, exponents = moderate(self.train)
        return train, scaled(self.test, exponents)

    @property
    def varying(self) -> list[int]:
        """The factors that take more than one value in training: no predictor can be trained on the others."""
        return [j for j, size in enumerate(self.sizes) if size > 1]

    def seeds(self, metric: str, seed: int, below: int) -> dict[int, int]:
        """A seed for each factor that varies, whatever factors with one value stand between them."""
        drawn = generator(metric, seed).integers(below, size=len(self.varying))
        return dict(zip(self.varying, drawn.tolist(), strict=True))

    @property
    def untrainable(self) -> str | None:
        """The reason why no predictor can be trained on these rows, or None."""
        for side, codes in (("", self.train), ("test ", self.test)):
            columns = np.flatnonzero(~np.isfinite(codes).all(axis=0))
            if len(columns):
                return f"{side}codes {', '.join(map(str, columns))} hold values that are not finite"
        return None if self.varying else "no factor takes two values in the rows of training"


def train_test(metric: str, codes: Any, factors: Any, test: Any, seed: int, classes: bool = False) -> TrainTest:
    """Train and test rows: `codes, factors` and `test=(codes, factors)`, or two thirds and a third of the former.

    `classes=True` cuts continuous factors into 20 equal widths, for predictors of classes. Raises `DistaffError` for
    arrays that do not fit together, or fewer than three rows where some are to be held out.
    """
    first = as_codes(codes)
    values = as_values(factors)
    _same_length(first, values)
    if test is None:
        if len(first) < 3:
            raise DistaffError(f"{metric} needs at least three rows to hold a third of them out, not {len(first)}")
        order = generator(f"{metric} split", seed).permutation(len(first))
        held, rest = np.sort(order[: round(len(first) * HELD_OUT)]), np.sort(order[round(len(first) * HELD_OUT) :])
        table = as_factors(factors)
        train, second = first[rest], first[held]
    else:
        if not isinstance(test, (tuple, list)) or len(test) != 2:
            raise DistaffError(f"{metric}: test is a pair, test=(codes, factors)")
        train, second, test_values = first, as_codes(test[0]), as_values(test[1])
        _same_length(second, test_values)
        if second.shape[1] != first.shape[1] or test_values.shape[1] != values.shape[1]:
            raise DistaffError(
                f"{metric}: {first.shape[1]} codes and {values.shape[1]} factors to train on, "
                f"but {second.shape[1]} and {test_values.shape[1]} to test on; give the same columns in both"
            )
        table = as_factors(np.concatenate([values, test_values]))
        rest, held = np.arange(len(first)), np.arange(len(first), len(first) + len(second))
    continuous = tuple(table.continuous[j] and not classes for j in range(len(table.sizes)))
    numbers = [table.numbers(j) for j in range(len(table.sizes))]
    columns = [numbers[j] if regressed else table.classes[:, j] for j, regressed in enumerate(continuous)]
    names = as_factors(factors).names
    sizes = tuple(len(np.unique(column[rest])) for column in columns)
    train_targets, test_targets = [c[rest] for c in columns], [c[held] for c in columns]
    train_numbers = [c[rest] for c in numbers]
    return TrainTest(train, second, train_targets, test_targets, continuous, sizes, names, train_numbers)


def _same_length(codes: NDArray[Any], factors: NDArray[Any]) -> None:
    if len(codes) != len(factors):
        raise DistaffError(f"{len(codes)} rows of codes for {len(factors)} rows of factors: give one for each")


def prediction_score(target: NDArray[Any], predicted: NDArray[Any], continuous: bool) -> float:
    """The accuracy of predicted classes, or the share of variance that predicted numbers explain (0 at the least)."""
    if not continuous:
        return float((target == predicted).mean())
    variance = float(((target - target.mean()) ** 2).mean())
    return max(0.0, 1.0 - float(((target - predicted) ** 2).mean()) / variance) if variance > 0 else 0.0

"""Strong downstream accuracy: does a classifier survive when another factor takes values that training did not hold?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.metrics.core.code_lookup import look_up
from distaff.metrics.core.grid_rows import GridRows
from distaff.metrics.core.train_test import prediction_score
from distaff.tasks import Score, task
from distaff.tasks._classifiers import check_options, fit_classifier


@task(
    paper="https://github.com/google-research/disentanglement_lib",
    label="Accuracy under a shift",
    rows="grid",
    range=(0, 1),
    quick={"labels": 100, "test": 50},
    ranges={"labels": "[1, inf)", "test": "[1, inf)", "experiments": "[1, inf)", "learner": ("logistic", "trees")},
    version=2,
)
def strong_downstream(
    codes: Any,
    factors: Any,
    jobs: int = 1,
    split: tuple[Any, Any] | None = None,
    *,
    seed: int = 0,
    labels: int = 10_000,
    test: int = 5_000,
    experiments: int = 1,
    learner: str = "trees",
) -> Score:
    r"""Strong downstream accuracy (disentanglement_lib 1.3): of a factor, with another shifted between train and test.

    For each of the factors [n f] and each of `experiments`: another factor is drawn; in `labels` rows of training it is
    set to one value, in `test` rows to any of its other values; a classifier of the first factor is trained on codes [n
    d]. The score is the mean accuracy on those tests. Parts: `train` and `test`, the same without a shift;
    `strong_train` and `strong_test` (the score); `gap` = 1 - strong_test / test; `strong_test_<factor>`.

    `codes` is a table, an object with `codes[rows]`, or a function `sample(factors)` of factor values;
    `factors` are the rows. A row whose shifted cell is missing, in a table that is not a complete grid, is replaced
    by any row that holds the value: of a sample of a grid that is the same distribution. `split=(train, test)` are the
    row numbers to draw from for either, so that a small grid's test rows are not trained on; without it both are drawn
    from all. From 0 to 1, higher is better. Only factors with at least two values are shifted; with none to shift, or
    codes that are not finite, NaN with a reason. No configuration of the old library states sizes.

    Raises `DistaffError` for an unknown `learner` or counts below one.
    """
    check_options("strong_downstream", learner, labels=labels, test=test, experiments=experiments)
    rows, rng = GridRows(factors), generator("strong_downstream", seed)
    movable = np.flatnonzero(rows.sizes > 1)
    pairs = [(j, movable[movable != j]) for j in range(len(rows.sizes))]
    pairs = [(j, others) for j, others in pairs if len(others)]
    if not pairs:
        return Score(math.nan, reason="no other factor takes two values, so that none can be shifted")
    train_rows, test_rows = _drawn(rows, split, labels, test, rng)
    codes_of = look_up(codes, rows)
    x, x_test = codes_of(train_rows), codes_of(test_rows)
    if not (np.isfinite(x).all() and np.isfinite(x_test).all()):
        return Score(math.nan, reason="codes hold values that are not finite")
    plain, strong, parts = [], [], {}
    for j, others in pairs:
        y = rows.classes[:, j]
        plain.append(_accuracies(learner, (x, y[train_rows]), (x_test, y[test_rows]), rng, jobs))
        shifted = []
        for _ in range(experiments):
            shifted_train, shifted_test = _shifted(rows, train_rows, test_rows, int(rng.choice(others)), rng)
            train, tested = (codes_of(shifted_train), y[shifted_train]), (codes_of(shifted_test), y[shifted_test])
            if not (np.isfinite(train[0]).all() and np.isfinite(tested[0]).all()):
                return Score(math.nan, reason="codes hold values that are not finite")
            shifted.append(_accuracies(learner, train, tested, rng, jobs))
        strong += shifted
        parts[f"strong_test_{rows.names[j]}"] = float(np.mean(shifted, axis=0)[1])
    train, tested = np.mean(plain, axis=0).tolist()
    strong_train, strong_test = np.mean(strong, axis=0).tolist()
    gap = 1 - strong_test / tested if tested > 0 else math.nan
    whole = {"train": train, "test": tested, "strong_train": strong_train, "strong_test": strong_test, "gap": gap}
    return Score(strong_test, whole | parts)


def _shifted(
    rows: GridRows, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64], factor: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows like `train_rows` with `factor` at one drawn value, and like `test_rows` with it at any of the others."""
    values = np.unique(rows.values[:, factor])
    value = rng.choice(values)
    shifted_train, shifted_test = rows.values[train_rows].copy(), rows.values[test_rows].copy()
    shifted_train[:, factor] = value
    shifted_test[:, factor] = rng.choice(values[values != value], size=len(test_rows))
    return _nearest(rows, shifted_train, factor, rng), _nearest(rows, shifted_test, factor, rng)


def _nearest(rows: GridRows, values: NDArray[Any], factor: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The rows that hold `values` [m f]; of a missing combination, any row with its value of `factor`."""
    found = rows.find(values, rng)
    missing = np.flatnonzero(found < 0)
    if len(missing):
        found[missing] = rows.sharing(np.full(len(missing), factor), values[missing, factor], 1, rng)[:, 0]
    return found


def _drawn(
    rows: GridRows, split: tuple[Any, Any] | None, labels: int, test: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The train and test rows, drawn with replacement: from either part of a split, else from all."""
    if split is None:
        return rows.anywhere(labels, rng), rows.anywhere(test, rng)
    train_side, test_side = (np.asarray(part) for part in split)
    return train_side[rng.integers(len(train_side), size=labels)], test_side[rng.integers(len(test_side), size=test)]


def _accuracies(
    learner: str,
    train: tuple[NDArray[Any], NDArray[Any]],
    test: tuple[NDArray[Any], NDArray[Any]],
    rng: np.random.Generator,
    jobs: int,
) -> tuple[float, float]:
    model = fit_classifier(learner, *train, int(rng.integers(2**63)), jobs)
    first, second = (prediction_score(y, model.predict(x), continuous=False) for x, y in (train, test))
    return first, second

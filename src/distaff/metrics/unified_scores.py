"""Unified scores: three matrices of codes and factors, each reduced in the five ways of the field."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics import Score, metric
from distaff.metrics.core.factor_trees import fit_trees
from distaff.metrics.core.information import discretise, entropies, mutual_information
from distaff.metrics.core.linear.one_code_svm import accuracies
from distaff.metrics.core.top_two_gap import top_two_gap
from distaff.metrics.core.train_test import TrainTest, train_test
from distaff.metrics.dci import concentration, disentanglement
from distaff.metrics.groups.curve import independent_groups
from distaff.metrics.modularity import modularity_of_codes

Matrix = NDArray[np.float64]


@metric(
    paper="https://arxiv.org/abs/2010.14766",
    about="views",
    label="Unified scores",
    rows=10_000,
    test_rows=5_000,
    range=(0, 1),
    tolerance=0.03,
    version=2,
)
def unified_scores(codes: Any, factors: Any, test: Any = None, jobs: int = 1, *, seed: int = 0) -> Score:
    r"""What a score measures and how it aggregates, taken apart (Locatello et al., 2020).

    Three matrices [d f] state how strongly code i of [n d] is linked to factor j of [n f]: `importance` to boosted
    trees (as `dci`), `information` in nats (as `mig`), `accuracy` of an SVM of one code (as `sap`). Each is reduced to
    `disentanglement`, `completeness`, `mig` (gap over H(v_j)), `sap` (gap), `modularity`, and to the curve of
    independent groups: `groups_area` (by trapezia, as the study has it) and `groups_max`. The score is the area under
    the curve of `importance` over f: near 1 where each factor has codes of its own down to small links, and near 0
    where all is linked to all.

    From 0 to 1, higher is better; parts of other matrices have other scales. Parts are named `<matrix>.<reduction>`,
    and per code or factor `<matrix>.<reduction>.code_i` or `.<factor>`. Factors with one value in training are left
    out, and continuous ones cut into 20; all constant, or codes that are not finite: NaN with a reason. Without
    `test=(codes, factors)` a third of the rows is held out by a draw from `seed`. Matrix: `importance`.

    Raises `DistaffError` for arrays that do not fit together.
    """
    data = train_test("unified_scores", codes, factors, test, seed, classes=True)
    if reason := data.untrainable:
        return Score(math.nan, reason=reason)
    names = [data.names[j] for j in data.varying]
    whole = entropies(np.stack([data.train_targets[j] for j in data.varying], axis=1))
    parts: dict[str, float] = {}
    by_measure = matrices(data, seed, jobs)
    for name, matrix in by_measure.items():
        parts |= {f"{name}.{key}": value for key, value in reductions(matrix, whole, names).items()}
    area = min(independent_groups(by_measure["importance"]).area / len(names), 1.0)
    return Score(area, parts, by_measure["importance"])


def matrices(data: TrainTest, seed: int = 0, jobs: int = 1) -> dict[str, Matrix]:
    """The three matrices [d f], for the factors that vary in training."""
    seeds = data.seeds("unified_scores", seed, 2**31)
    trees = [fit_trees(data, j, "exact", int(seeds[j]), jobs).importances for j in data.varying]
    y, y_test = ([targets[j] for j in data.varying] for targets in (data.train_targets, data.test_targets))
    return {
        "importance": np.stack(trees, axis=1),
        "information": mutual_information(discretise(data.train), np.stack(y, axis=1)),
        "accuracy": accuracies(data.train, y, data.test, y_test),
    }


def reductions(matrix: Matrix, whole: Matrix, names: list[str]) -> dict[str, float]:
    """The five reductions and the two of the curve, for the matrix [d f] of factors with entropies `whole` [f]."""
    gaps, curve = top_two_gap(matrix), independent_groups(matrix)
    shares, modular = gaps / whole, modularity_of_codes(matrix)
    reduced = {
        "disentanglement": disentanglement(matrix),
        "completeness": disentanglement(matrix.T),
        "mig": float(shares.mean()),
        "sap": float(gaps.mean()),
        "modularity": float(modular.mean()),
        "groups_area": curve.trapezia,
        "groups_max": float(curve.counts.max()),
    }
    for reduction, values in (("disentanglement", concentration(matrix)), ("modularity", modular)):
        reduced |= {f"{reduction}.code_{i}": float(value) for i, value in enumerate(values)}
    for reduction, values in (("completeness", concentration(matrix.T)), ("mig", shares), ("sap", gaps)):
        reduced |= {f"{reduction}.{name}": float(value) for name, value in zip(names, values, strict=True)}
    return reduced

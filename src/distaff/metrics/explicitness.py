"""Explicitness: can a linear classifier read every value of every factor from all codes?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import canonical
from distaff.metrics.core.linear.logistic import fit_strength
from distaff.metrics.core.train_test import train_test

SCALES = ("auc", "unit")


@metric(
    paper="https://arxiv.org/abs/1802.05312",
    about="factors",
    label="Explicitness",
    rows=10_000,
    test_rows=5_000,
    range=(0, 1),
    version=3,
    ranges={"scale": ("auc", "unit")},
)
def explicitness(codes: Any, factors: Any, test: Any = None, *, seed: int = 0, scale: str = "auc") -> Score:
    r"""Explicitness (Ridgeway & Mozer, 2018, Sec. 3): how well a linear classifier separates the values.

    mean_j mean_c AUC(p(v_j = c | z), v_j = c): one multinomial logistic regression (L2, C = 1) for each of the factors
    [n f] on codes [n d] standardised by the rows of training, and the area under its ROC curve for each value, on
    `test=(codes, factors)`, or on a third of the rows held out by a draw from `seed`.

    From 0 to 1, higher is better, chance is 0.5. `scale="unit"` is 2 AUC - 1, the paper's, with chance at 0; `"auc"` is
    the 2019 study's. A constant code carries nothing. The mean is over the values that occur in training and in some,
    not all, of the test rows; a factor without any is left out; if none is left, or codes are not finite,
    the score is NaN with a reason. Continuous factors are cut into 20 equal widths.

    Parts: `train`, `test` (the score), and the test value of each factor. The 10,000 and 5,000 rows are the study's.

    Raises `DistaffError` for arrays that do not fit together and for an unknown `scale`.
    """
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    data = train_test("explicitness", codes, factors, test, seed, classes=True)
    if reason := data.untrainable:
        return Score(math.nan, reason=reason)
    order = canonical(data.train)
    train_codes, test_codes = (part[:, order] for part in data.moderate)
    centre, spread = train_codes.mean(axis=0), train_codes.std(axis=0)
    constant = np.ptp(train_codes, axis=0) == 0
    spread = np.where(constant | (spread == 0), 1, spread)
    x, x_test = (
        np.where(constant, 0, (part - centre) / spread).astype(part.dtype) for part in (train_codes, test_codes)
    )
    train, parts = [], {}
    for j in data.varying:
        y, model = data.train_targets[j], fit_strength(x, data.train_targets[j], 1.0)
        train.append(mean_area(model.probabilities(x), y, model.classes))
        parts[data.names[j]] = mean_area(model.probabilities(x_test), data.test_targets[j], model.classes)
    parts = {name: value for name, value in parts.items() if not math.isnan(value)}
    if not parts:
        return Score(math.nan, reason="the test rows hold no two values of any factor of which one occurs in training")
    both = np.array([np.mean(train), np.mean(list(parts.values()))])
    if scale == "unit":
        both, parts = 2 * both - 1, {name: 2 * value - 1 for name, value in parts.items()}
    return Score(float(both[1]), {"train": float(both[0]), "test": float(both[1])} | parts)


def mean_area(p: NDArray[Any], y: NDArray[Any], classes: NDArray[Any]) -> float:
    """Mean over classes of the area under the ROC curve of its column of `p` [n k]; NaN if `y` [n] allows none."""
    areas = [area(p[:, k], y == c) for k, c in enumerate(classes) if 0 < np.count_nonzero(y == c) < len(y)]
    return float(np.mean(areas)) if areas else math.nan


def area(score: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """The share of pairs, one positive and one not, that `score` puts in the right order; a tie counts one half."""
    _, rank, counts = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    hits, misses = int(positive.sum()), int((~positive).sum())
    return float((middle[rank[positive]].sum() - hits * (hits + 1) / 2) / (hits * misses))

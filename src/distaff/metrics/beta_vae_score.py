"""BetaVAE score: can a linear classifier predict which factor a set of pairs shares?"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import canonical
from distaff.metrics.core.blas_threads import one_blas_thread
from distaff.metrics.core.code_lookup import IN_BULK, LookUp, look_up, numbers_at_once
from distaff.metrics.core.grid_rows import GridRows
from distaff.metrics.core.information_matrix import NO_FACTOR
from distaff.metrics.core.moments import mean_differences

AT_ONCE = 256  # points that are put in another order at once
LARGEST = 2.0**64  # difference of codes from which on the classifier, which does not scale them, does not converge


@metric(
    paper="https://openreview.net/forum?id=Sy2fzU9gl",
    about="factors",
    label="BetaVAE score",
    study_2019=1,
    rows="grid",
    range=(0, 1),
    depends_on=("scale",),
    version=2,
    quick={"train": 600, "test": 600},
    ranges={"train": "[1, inf)", "test": "[1, inf)", "batch": "[1, inf)"},
)
def beta_vae_score(
    codes: Any, factors: Any, *, seed: int = 0, train: int = 10_000, test: int = 5_000, batch: int = 64
) -> Score:
    r"""BetaVAE score (Higgins et al., 2017, Sec. 3): accuracy of a linear classifier of the factor that pairs share.

    A point: draw a factor k evenly, and `batch` pairs of rows of which both hold the same value of k, which may differ
    from pair to pair; the features are mean_b |z_b - z'_b| [d]. Multinomial logistic regression (L2, C = 1) is trained
    to predict k on `train` points; the score is its accuracy on `test` others. Part: `train_accuracy`.

    `codes` is a table [n d], an object with `codes[rows]`, or a function `sample(factors)` of factor values
    [m f]; `factors` [n f] are the rows. One look-up serves all points, unless it would exceed 2^26 numbers.
    On a table that is not a complete grid the rows are drawn among the existing ones, which is conditioning on the
    factor rather than intervening; a continuous factor is held within one of 20 equal widths.

    From 0 to 1, higher is better; chance is 1/f, which constant codes and a single factor (1) score. A factor with one
    value is not drawn, since all pairs share it; if all have one, or codes are not finite or differ by more than 2^64,
    the score is NaN with a reason. 10,000 and 5,000 points of 64 pairs, features that are not scaled and a
    classifier that is not tuned are the 2019 study's.

    Raises `DistaffError` for a table of another length than the factors, or less than one point or pair.
    """
    if min(train, test, batch) < 1:
        raise DistaffError(f"beta_vae_score: train={train}, test={test}, batch={batch}; each must be at least 1")
    rows, rng = GridRows(factors, bins=20), generator("beta_vae_score", seed)
    codes_of = look_up(codes, rows)
    counted = np.flatnonzero(rows.sizes > 1)
    if not len(counted):
        return Score(math.nan, reason=NO_FACTOR)
    shared = counted[rng.integers(len(counted), size=train + test)]
    first = rows.anywhere((train + test) * batch, rng)
    factor = np.repeat(shared, batch)
    second = rows.sharing_class(factor, rows.classes[first, factor], 1, rng)[:, 0]
    points = features(codes_of, first.reshape(-1, batch), second.reshape(-1, batch), numbers_at_once(codes))
    if not np.isfinite(points).all():
        return Score(math.nan, reason="codes hold values, or differences, that are not finite")
    if points.max() > LARGEST:
        return Score(math.nan, reason=f"codes differ by {points.max():.1g}; the classifier takes up to {LARGEST:.1g}")
    order = canonical(points)
    for at in range(0, len(points), AT_ONCE):  # in place: the points are larger than the codes
        points[at : at + AT_ONCE] = points[at : at + AT_ONCE, order]
    correct = classify(points[:train], shared[:train], points, seed=int(rng.integers(2**31))) == shared
    return Score(float(correct[train:].mean()), {"train_accuracy": float(correct[:train].mean())})


def features(
    codes_of: LookUp, first: NDArray[np.int64], second: NDArray[np.int64], at_once: int = IN_BULK
) -> NDArray[np.float64]:
    """The mean absolute difference [m d] of codes over the pairs of rows `first` and `second` [m b] of each point."""
    m, batch = first.shape
    width = codes_of(first[:1, 0]).shape[1]
    step = max(at_once // (2 * batch * width), 1)
    points = np.empty((m, width))
    for start in range(0, m, step):
        one, two = first[start : start + step], second[start : start + step]
        looked_up = codes_of(np.concatenate([one.reshape(-1), two.reshape(-1)]))
        pairs = looked_up.reshape(2, len(one), batch, width)
        points[start : start + step] = mean_differences(pairs[0], pairs[1])  # the caller reports infinities
    return points


@one_blas_thread()
def classify(x: NDArray[Any], y: NDArray[Any], x_test: NDArray[Any], seed: int) -> NDArray[Any]:
    """The classes that logistic regression, fitted to `x` [n d] and `y` [n], predicts for `x_test` [m d].

    A single class is always predicted.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if (y == y[0]).all():
        return np.full(len(x_test), y[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the study's score is where its solver stopped
        predicted: NDArray[Any] = LogisticRegression(random_state=seed).fit(x, y).predict(x_test)
    return predicted

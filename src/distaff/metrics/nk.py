"""NK: how much of a factor is lost without the code matched to it?"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import canonical
from distaff.metrics.core.blas_threads import one_blas_thread
from distaff.metrics.core.matching import match_codes
from distaff.metrics.core.train_test import prediction_score, train_test


@metric(
    paper="https://arxiv.org/abs/2304.02335",
    about="factors",
    label="NK",
    rows=10_000,
    test_rows=5_000,
    range=(-1, 1),
    quick={"steps": 120, "width": 32},
    tolerance=0.05,
    ranges={"width": "[1, inf)", "steps": "[1, inf)"},
)
def nk(codes: Any, factors: Any, test: Any = None, *, seed: int = 0, width: int = 256, steps: int = 1_500) -> Score:
    r"""Neuron knockout (Mahon et al., 2023): accuracy with all codes less accuracy without a factor's code.

    Codes [n d] and factors [n f] are matched one to one by their mutual information. For each factor a network with one
    hidden layer of `width` is trained on all standardised codes, another from all but the factor's; the score is the
    mean difference of their accuracies on `test=(codes, factors)`, or on a third of the rows held out by a draw from
    `seed`.

    Higher is better: the factor was in that code and nowhere else; noise scores about 0, and a little less is possible.
    A factor without a code left counts 0; with one code, the rest is the most frequent value. A factor with one value
    in training is left out; if all have one, or codes are not finite, NaN with a reason. 256 units are the paper's;
    `steps=1_500` of Adam on 200 rows, fewer where the loss stands still, are ours. Continuous factors are cut into 20
    equal widths. Parts: one difference per factor, and `accuracy_<factor>` with all codes.

    Raises `DistaffError` for arrays that do not fit together, or a width or steps below 1.
    """
    if min(width, steps) < 1:
        raise DistaffError(f"nk: width={width} and steps={steps}; both must be at least 1")
    data = train_test("nk", codes, factors, test, seed, classes=True)
    if reason := data.untrainable:
        return Score(math.nan, reason=reason)
    match, _ = match_codes(data)
    order = canonical(data.train)
    train, test_codes = (part[:, order] for part in data.moderate)
    centre, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where((np.ptp(train, axis=0) > 0) & (spread > 0), spread, 1)
    x, x_test = ((part - centre) / spread for part in (train, test_codes))
    seeds = data.seeds("nk", seed, 2**31)
    lost: list[float] = []
    parts: dict[str, float] = {}
    for j in data.varying:
        y, y_test, name = data.train_targets[j], data.test_targets[j], data.names[j]
        others, settings = order != match.get(j, -1), (width, steps, int(seeds[j]))
        whole = _accuracy(x, y, x_test, y_test, *settings)
        lost.append(whole - _accuracy(x[:, others], y, x_test[:, others], y_test, *settings) if j in match else 0.0)
        parts |= {name: lost[-1], f"accuracy_{name}": whole}
    return Score(float(np.mean(lost)), parts)


@one_blas_thread()
def _accuracy(
    x: NDArray[Any], y: NDArray[Any], x_test: NDArray[Any], y_test: NDArray[Any], width: int, steps: int, seed: int
) -> float:
    """Test accuracy of a network trained on `x` [n d] and `y` [n]; without codes, of the most frequent class."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    if x.shape[1] == 0:
        return prediction_score(y_test, np.full(len(y_test), np.bincount(y).argmax()), continuous=False)
    epochs = max(steps // -(-len(x) // 200), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are given
        model = MLPClassifier((width,), max_iter=epochs, random_state=seed).fit(x, y)
    return prediction_score(y_test, model.predict(x_test), continuous=False)

"""NK: how much of a factor is lost without its own code?"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics import Score, metric
from distaff.metrics.core.matching import matched
from distaff.metrics.core.predict import hit, lesson
from distaff.metrics.core.threads import one_blas_thread


@metric(paper="https://arxiv.org/abs/2304.02335", rows=10_000, test_rows=5_000, range=(-1, 1))
def nk(codes: Any, factors: Any, test: Any = None, *, seed: int = 0, width: int = 256, steps: int = 1_500) -> Score:
    r"""Neuron knockout (Mahon et al., 2023): accuracy with all codes less accuracy without a factor's own.

    Codes [n d] and factors [n f] are matched one to one by their mutual information. For each factor a network with
    one hidden layer of `width` learns from all standardised codes, another from all but the factor's; the score is the
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
        raise DistaffError(f"nk: width={width} and steps={steps} want at least 1")
    taught = lesson("nk", codes, factors, test, seed, classes=True)
    if reason := taught.broken:
        return Score(math.nan, reason=reason)
    match, _ = matched(taught)
    centre, spread = taught.train.mean(axis=0), taught.train.std(axis=0)
    spread = np.where((np.ptp(taught.train, axis=0) > 0) & (spread > 0), spread, 1)
    x, asked = ((part - centre) / spread for part in (taught.train, taught.test))
    seeds = generator("nk", seed).integers(2**31, size=len(taught.sizes))
    lost: list[float] = []
    parts: dict[str, float] = {}
    for j in taught.varying:
        y, truth, name = taught.train_targets[j], taught.test_targets[j], taught.names[j]
        others, settings = np.arange(x.shape[1]) != match.get(j, -1), (width, steps, int(seeds[j]))
        whole = _accuracy(x, y, asked, truth, *settings)
        lost.append(whole - _accuracy(x[:, others], y, asked[:, others], truth, *settings) if j in match else 0.0)
        parts |= {name: lost[-1], f"accuracy_{name}": whole}
    return Score(float(np.mean(lost)), parts)


@one_blas_thread()
def _accuracy(
    x: NDArray[Any], y: NDArray[Any], asked: NDArray[Any], truth: NDArray[Any], width: int, steps: int, seed: int
) -> float:
    """Of a network that `x` [n d] taught `y` [n], on `asked` [m d]; without codes, of the most frequent class."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    if x.shape[1] == 0:
        return hit(truth, np.full(len(truth), np.bincount(y).argmax()), continuous=False)
    epochs = max(steps // -(-len(x) // 200), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are given
        model = MLPClassifier((width,), max_iter=epochs, random_state=seed).fit(x, y)
    return hit(truth, model.predict(asked), continuous=False)

"""SNC: can one code alone, cut into equal counts, classify each factor?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics import Score, metric
from distaff.metrics.core.matching import equal_count_edges, match_codes, match_labels
from distaff.metrics.core.train_test import train_test


@metric(
    paper="https://arxiv.org/abs/2304.02335", about="factors", label="SNC", rows=10_000, test_rows=5_000, range=(0, 1)
)
def snc(codes: Any, factors: Any, test: Any = None, *, seed: int = 0) -> Score:
    r"""Single-neuron classification (Mahon et al., 2023): mean accuracy of the code matched to each factor.

    Codes [n d] and factors [n f] are matched one to one by their mutual information. The code of a factor is cut into
    as many equal counts as the factor has values, and cuts and values are matched one to one by the rows they share;
    the score is the accuracy on `test=(codes, factors)`, or on a third of the rows held out by a draw from `seed`.

    From 0 to 1, higher is better; chance is about mean_j 1/|v_j|, which a factor without a code left scores, as does a
    constant code. A class that training lacks is a mistake; a factor with one value in training is left out; if all
    have one, or codes are not finite, NaN with a reason. Continuous factors are cut into 20 equal widths.
    Parts: one accuracy per factor, and `code_of_<factor>`, -1 for none. Matrix: the information in nats [d f].

    Raises `DistaffError` for arrays that do not fit together.
    """
    data = train_test("snc", codes, factors, test, seed, classes=True)
    if reason := data.untrainable:
        return Score(math.nan, reason=reason)
    match, matrix = match_codes(data)
    accuracies = {}
    for j in data.varying:
        if j in match:
            predicted = _predict(data.train[:, match[j]], data.train_targets[j], data.test[:, match[j]])
            accuracies[data.names[j]] = float((predicted == data.test_targets[j]).mean())
        else:
            accuracies[data.names[j]] = 1 / data.sizes[j]
    value = float(np.mean(list(accuracies.values())))
    return Score(
        value, accuracies | {f"code_of_{data.names[j]}": float(match.get(j, -1)) for j in data.varying}, matrix
    )


def _predict(x: NDArray[Any], y: NDArray[np.int64], x_test: NDArray[Any]) -> NDArray[np.int64]:
    """The classes of `x_test` [m], once the cuts of a code `x` [n] are matched to the classes `y` [n]."""
    classes, index = np.unique(y, return_inverse=True)
    edges = equal_count_edges(x, len(classes))
    match, _ = match_labels(np.searchsorted(edges, x, side="right"), index, len(classes))
    class_of_label: NDArray[np.int64] = classes[match]
    return class_of_label[np.searchsorted(edges, x_test, side="right")]

"""SNC: can one code alone, cut into equal counts, classify each factor?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics import Score, metric
from distaff.metrics.core.matching import cuts, matched
from distaff.metrics.core.predict import lesson


@metric(paper="https://arxiv.org/abs/2304.02335", rows=10_000, test_rows=5_000, range=(0, 1))
def snc(codes: Any, factors: Any, test: Any = None, *, seed: int = 0) -> Score:
    r"""Single-neuron classification (Mahon et al., 2023): mean accuracy of each factor's own code.

    Codes [n d] and factors [n f] are matched one to one by their mutual information. The code of a factor is cut into
    as many equal counts as the factor has values, and cuts and values are matched one to one by the rows they share;
    the score is the accuracy on `test=(codes, factors)`, or on a third of the rows held out by a draw from `seed`.

    From 0 to 1, higher is better; chance is about mean_j 1/|v_j|, which a factor without a code left scores, as does a
    constant code. A class that training lacks is a mistake; a factor with one value in training is left out; if all
    have one, or codes are not finite, NaN with a reason. Continuous factors are cut into 20 equal widths.
    Parts: one accuracy per factor, and `code_of_<factor>`, -1 for none. Matrix: the information in nats [d f].

    Raises `DistaffError` for arrays that do not fit together.
    """
    taught = lesson("snc", codes, factors, test, seed, classes=True)
    if reason := taught.broken:
        return Score(math.nan, reason=reason)
    match, matrix = matched(taught)
    accuracies = {}
    for j in taught.varying:
        if j in match:
            said = _told(taught.train[:, match[j]], taught.train_targets[j], taught.test[:, match[j]])
            accuracies[taught.names[j]] = float((said == taught.test_targets[j]).mean())
        else:
            accuracies[taught.names[j]] = 1 / taught.sizes[j]
    value = float(np.mean(list(accuracies.values())))
    return Score(
        value, accuracies | {f"code_of_{taught.names[j]}": float(match.get(j, -1)) for j in taught.varying}, matrix
    )


def _told(x: NDArray[Any], y: NDArray[np.int64], asked: NDArray[Any]) -> NDArray[np.int64]:
    """What a code says of rows `asked` [m] after its cuts were matched to the classes `y` [n] of `x` [n]."""
    from scipy.optimize import linear_sum_assignment

    classes, index = np.unique(y, return_inverse=True)
    edges = cuts(x, len(classes))
    shared = np.zeros((len(classes), len(classes)))
    np.add.at(shared, (np.searchsorted(edges, x, side="right"), index), 1)
    said: NDArray[np.int64] = classes[linear_sum_assignment(-shared)[1]]
    return said[np.searchsorted(edges, asked, side="right")]

"""InfoMEC: is the information of each code about one factor, of each factor in one code, and easy to read?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import FactorTable, as_pair, moderate
from distaff.metrics.core.information import entropies
from distaff.metrics.core.information_matrix import NO_FACTOR, information_matrix
from distaff.metrics.core.linear.logistic import log_losses

LEAST_RANGE = 1 / 20  # of the widest code's


@metric(
    paper="https://arxiv.org/abs/2305.18378",
    about="factors",
    label="InfoMEC",
    rows=10_000,
    range=(0, 1),
    depends_on=("scale",),
    ranges={"bins": "[1, inf)", "estimator": ("histogram", "ksg")},
    version=2,
)
def infomec(codes: Any, factors: Any, *, estimator: str = "ksg", bins: int = 20) -> Score:
    r"""InfoMEC (Hsu et al., 2023): modularity, compactness and explicitness in one scale of information.

    N_ij = I(z_i; v_j) / H(v_j) for codes [n d] and factors [n f]. With f and d the factors and codes that count,
    InfoM = (mean_i max_j N_ij / sum_j N_ij - 1/f) / (1 - 1/f), InfoC the same of the transpose with d, and
    InfoE = mean_j (H(v_j) - L_j) / H(v_j), L_j being the log-loss of an unpenalised linear classifier of factor j of
    all codes. Of a continuous factor it is the share of variance that a line explains.

    All from 0 to 1, higher is better; the score is InfoM. Codes whose range is below 1/20 of the widest are left out,
    as are factors with one value; without any code all three are 0. A code or factor with no information at all counts
    1/f or 1/d, chance; with one factor InfoM is 1, with one code InfoC. All factors constant, or codes that are not
    finite: NaN with a reason. `estimator="ksg"` counts 10 neighbours (Ross, 2014), as the paper does, and counts
    values of codes that take few; `"histogram"` cuts codes into `bins` equal widths.

    Parts: `modularity`, `compactness`, `explicitness`, `active`, and `explicitness_<factor>`. Matrix: N [d f], 0 for
    codes left out.

    Raises `DistaffError` for arrays that do not fit together and for an unknown `estimator`.
    """
    information = information_matrix(codes, factors, bins, "none", estimator)
    if isinstance(information, str):
        return Score(math.nan, reason=information)
    if not information.varying.any():
        return Score(math.nan, reason=NO_FACTOR)
    checked, table = as_pair(codes, factors, bins)
    checked, exponents = moderate(checked)
    spans = np.ldexp(checked.max(axis=0).astype(np.float64) - checked.min(axis=0), exponents - exponents.max())
    active, counted = (spans > 0) & (spans > LEAST_RANGE * spans.max()), np.flatnonzero(information.varying)
    matrix = np.zeros(information.matrix.shape)
    parts = {"modularity": 0.0, "compactness": 0.0, "explicitness": 0.0, "active": float(active.sum())}
    if not active.any():
        return Score(0.0, parts, matrix)
    shares = information.matrix[np.ix_(active, counted)] / information.factors[counted]
    matrix[np.ix_(active, counted)] = shares
    each = _explained(checked if active.all() else checked[:, active], table, counted.tolist())
    parts["modularity"], parts["compactness"] = _concentrated(shares), _concentrated(shares.T)
    parts["explicitness"] = float(each.mean())
    parts |= {f"explicitness_{name}": value for name, value in information.named(each).items()}
    return Score(parts["modularity"], parts, matrix)


def _concentrated(matrix: NDArray[np.float64]) -> float:
    """The mean share of the largest entry of each row, 0 where it is chance and 1 where there is one column."""
    if matrix.shape[1] == 1:
        return 1.0
    totals, chance = matrix.sum(axis=1), 1 / matrix.shape[1]
    shares = np.where(totals > 0, matrix.max(axis=1) / np.where(totals > 0, totals, 1), chance)
    return float(np.clip((shares.mean() - chance) / (1 - chance), 0.0, 1.0))


def _explained(codes: NDArray[Any], table: FactorTable, factors: list[int]) -> NDArray[np.float64]:
    """The share of each of the factors that a linear predictor from all codes explains, from 0 to 1."""
    shares = {j: _on_a_line(codes, table.numbers(j)) for j in factors if table.continuous[j]}
    classes = {j: table.classes[:, j] for j in factors if not table.continuous[j]}
    losses = log_losses(codes, list(classes.values())) if classes else []
    for (j, values), loss in zip(classes.items(), losses, strict=True):
        shares[j] = max(0.0, 1 - loss / float(entropies(values[:, None])[0]))
    return np.array([shares[j] for j in factors])


def _on_a_line(codes: NDArray[Any], y: NDArray[np.float64]) -> float:
    x = codes.astype(np.float64)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = y - y.mean()
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(1 - (residual @ residual) / (y @ y))

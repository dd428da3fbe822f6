"""Mutual information of codes and factors, in nats: the one matrix from which many scores are reduced."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError, unknown
from distaff.metrics.core.arrays import as_pair, non_finite
from distaff.metrics.core.information import discretise, entropies, mutual_information
from distaff.metrics.core.neighbour_information import neighbour_information

ESTIMATORS = ("histogram", "ksg")


class InformationMatrix(NamedTuple):
    """I(z_i; v_j), and the entropies of both sides."""

    matrix: NDArray[np.float64]  # [d f]
    codes: NDArray[np.float64]  # [d]: H of the code cut into bins
    factors: NDArray[np.float64]  # [f]
    varying: NDArray[np.bool_]  # [f]: the factors that take two values
    names: tuple[str, ...]

    def named(self, values: NDArray[np.float64]) -> dict[str, float]:
        """One value for each varying factor, under its name."""
        names = [name for name, varies in zip(self.names, self.varying, strict=True) if varies]
        return dict(zip(names, values.tolist(), strict=True))


def information_matrix(
    codes: Any, factors: Any, bins: int, bias: str, estimator: str = "histogram"
) -> InformationMatrix | str:
    """The matrix of codes [n d] and factors [n f], or the reason why it cannot be computed.

    `estimator="histogram"` cuts codes into `bins` equal widths; `"ksg"` counts neighbours of codes as they are, and has
    no correction of its bias. Continuous factors are classes of `bins` equal widths in both, so that their entropy is
    finite. Raises `DistaffError` for arrays that do not fit together and for unknown options.
    """
    if estimator not in ESTIMATORS:
        raise unknown("estimator", estimator, ESTIMATORS)
    if estimator == "ksg" and bias != "none":
        raise DistaffError('bias corrects counts in bins and must be "none" with estimator="ksg"')
    checked, table = as_pair(codes, factors, bins)
    if reason := non_finite(checked):
        return reason
    labels = discretise(checked, bins)
    if estimator == "ksg":
        matrix = neighbour_information(checked, table.classes)
    else:
        matrix = mutual_information(labels, table.classes, bias)
    varying, whole = table.sizes > 1, entropies(table.classes, bias)
    # I(z; v) <= H(v); a sum in another order exceeds it by its last digit, an estimate from neighbours by its bias
    matrix = np.minimum(matrix, np.where(varying, whole, 0.0))
    return InformationMatrix(matrix, entropies(labels, bias), whole, varying, table.names)


NO_FACTOR = "every factor has one value in these rows"

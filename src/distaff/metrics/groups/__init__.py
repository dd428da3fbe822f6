"""Independent groups of codes and factors: the curves of the 2020 study, from arrays or from a matrix."""

from __future__ import annotations

from typing import Any

from distaff.errors import DistaffError
from distaff.metrics.groups.curve import Groups, independent_groups

__all__ = ["Groups", "curves", "independent_groups"]


def curves(codes: Any, factors: Any, test: Any = None, jobs: int = 1, *, seed: int = 0) -> dict[str, Groups]:
    """The curve of each of the three matrices of `unified_scores`: importance, information, accuracy.

    Arguments are those of `unified_scores`, and so are the numbers. Raises `DistaffError` where that has a reason not
    to give any.
    """
    from distaff.metrics._predict import lesson
    from distaff.metrics.unified_scores import matrices

    taught = lesson("unified_scores", codes, factors, test, seed, classes=True)
    if reason := taught.broken:
        raise DistaffError(f"there is no curve: {reason}")
    return {name: independent_groups(matrix) for name, matrix in matrices(taught, seed, jobs).items()}

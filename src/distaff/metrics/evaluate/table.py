"""The input of an evaluation: codes and factors of the same rows, and how many of them a metric is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics.core.arrays import as_array, as_codes
from distaff.metrics.evaluate.sampled import Sampled
from distaff.sampling import DISJOINT, ROWS, TEST_ROWS, check_sampling


@dataclass(frozen=True)
class EvaluationTable:
    """Codes [n d] and factors [n f] of the same rows, and the sizes and the sampling by which metrics are given them.

    `images` [n] numbers the image that each row shows: rows that show one image are never divided between train and
    test. `lines` are codes and factors of further rows, whole lines of the grid along each factor, for the tasks that
    intervene, where the table is a sample of a grid. `active` [d] is the mask of latents that the encoder uses.
    """

    codes: NDArray[Any] | Sampled
    factors: Any  # an array, or a frame whose column names the parts of scores carry
    images: NDArray[np.int64]
    rows: int = ROWS
    test_rows: int = TEST_ROWS
    sampling: str = DISJOINT
    active: NDArray[np.bool_] | None = None
    lines: tuple[Any, Any] | None = None
    jobs: int = 1

    def __len__(self) -> int:
        return len(self.images)

    def with_codes(self, codes: NDArray[Any], line_codes: NDArray[Any] | None = None) -> EvaluationTable:
        """The same rows with other codes, of which all are active."""
        lines = None if self.lines is None or line_codes is None else (line_codes, self.lines[1])
        return replace(self, codes=codes, active=np.ones(codes.shape[1], dtype=bool), lines=lines)


def evaluation_table(
    codes: Any,
    factors: Any,
    *,
    images: Any = None,
    rows: int = ROWS,
    test_rows: int = TEST_ROWS,
    sampling: str = DISJOINT,
    active: Any = None,
    lines: tuple[Any, Any] | None = None,
    jobs: int = 1,
) -> EvaluationTable:
    """Checked arrays. Raises `DistaffError` where they do not fit together, or for sizes below one row."""
    check_sampling(rows, test_rows, sampling)
    checked = codes if isinstance(codes, Sampled) else as_codes(codes)
    n = len(as_array(factors))
    if len(checked) != n:
        raise DistaffError(f"{len(checked)} rows of codes for {n} rows of factors: give one for each")
    shown = np.arange(n) if images is None else np.asarray(images)
    if shown.shape != (n,) or shown.dtype.kind not in "iu":
        raise DistaffError(f"images are {shown.dtype} {shown.shape}: give one whole number for each of {n} rows")
    if lines is not None:
        lines = (lines[0] if isinstance(lines[0], Sampled) else as_codes(lines[0]), _by_row(lines[1]))
    mask = None if active is None else np.asarray(active)
    return EvaluationTable(checked, _by_row(factors), shown, rows, test_rows, sampling, mask, lines, jobs)


def _by_row(factors: Any) -> Any:
    """Factors that are indexed by row and keep their names: a frame of polars, or an array."""
    names = getattr(factors, "columns", None)
    if names is None:
        return as_array(factors)
    import polars

    if isinstance(factors, polars.DataFrame):
        return factors
    return polars.DataFrame({str(name): np.asarray(factors[name].to_numpy()) for name in names})

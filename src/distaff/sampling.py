"""How many rows an evaluation takes and how they are drawn: names and sizes, which studies and metrics share.

`distaff.metrics.evaluate` documents their meaning and draws the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distaff.errors import DistaffError, unknown

ROWS, TEST_ROWS = 10_000, 5_000  # the 2019 study's
DISJOINT, OF_2019 = "disjoint", "2019"
SAMPLINGS = (DISJOINT, OF_2019)


def check_sampling(rows: int, test_rows: int, sampling: str) -> None:
    """Refuse a sampling that does not exist, and fewer than one row."""
    if sampling not in SAMPLINGS:
        raise unknown("sampling", sampling, SAMPLINGS)
    if min(rows, test_rows) < 1:
        raise DistaffError(f"rows={rows} and test_rows={test_rows}: both must be at least 1")


def sampling_in(sizes: Mapping[str, Any] | None) -> str:
    """How the rows of a file of scores were drawn; those that do not say are older, and of 2019's way."""
    return OF_2019 if sizes is None else str(sizes.get("sampling", OF_2019))

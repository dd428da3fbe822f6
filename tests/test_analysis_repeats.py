"""The interval of a standard deviation is that of chi^2 with one degree of freedom less than there are answers."""

import polars as pl
import pytest

from distaff.analysis.repeats import spread


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(2, 0.446, 31.91), (5, 0.599, 2.874), (10, 0.688, 1.826)],  # factors of a deviation at 95 %, as tabulated
)
def test_the_ends_of_a_deviation_are_the_tabulated_ones(n, low, high):
    rows = pl.DataFrame({"metric": "mig", "rows": 100, "draw": range(n), "value": [float(k) for k in range(n)]})
    found = spread(rows).row(0, named=True)
    assert found["n"] == n
    assert found["deviation"] == pytest.approx((n * (n + 1) / 12) ** 0.5)
    assert found["low"] / found["deviation"] == pytest.approx(low, rel=2e-3)
    assert found["high"] / found["deviation"] == pytest.approx(high, rel=2e-3)

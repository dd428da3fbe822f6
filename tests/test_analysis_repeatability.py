"""The spread of repeated evaluations falls with their rows; its interval is that of chi^2 with n - 1 degrees."""

import numpy as np
import polars as pl
import pytest

from distaff.analysis.repeatability import spread
from distaff.errors import DistaffError
from distaff.metrics import mig
from distaff.reports.charts.repeatability import repeatability_chart


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(2, 0.446, 31.91), (5, 0.599, 2.874), (10, 0.688, 1.826)],  # factors of a deviation at 95 %, as tabulated
)
def test_the_ends_of_a_deviation_are_the_tabulated_ones(n, low, high):
    rows = pl.DataFrame({"metric": "mig", "rows": 100, "draw": range(n), "value": [float(k) for k in range(n)]})
    row = spread(rows).row(0, named=True)
    assert row["n"] == n
    assert row["deviation"] == pytest.approx((n * (n + 1) / 12) ** 0.5)
    assert row["low"] / row["deviation"] == pytest.approx(low, rel=2e-3)
    assert row["high"] / row["deviation"] == pytest.approx(high, rel=2e-3)


def evaluations(draws: int = 60) -> pl.DataFrame:
    """Real MIG of one code, evaluated repeatedly with other rows."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 5, (50_000, 3))
    codes = factors + 0.8 * rng.standard_normal(factors.shape)
    rows = []
    for n in (200, 800, 3200):
        for draw in range(draws):
            picked = rng.integers(len(factors), size=n)
            rows.append({"metric": "mig", "rows": n, "draw": draw, "value": float(mig(codes[picked], factors[picked]))})
    return pl.DataFrame(rows)


def test_four_times_the_rows_halve_the_spread_of_mig_and_shrink_its_bias():
    table = spread(evaluations())
    small, middle, large = table["deviation"]
    assert small / middle == pytest.approx(2, rel=0.35)
    assert middle / large == pytest.approx(2, rel=0.35)
    assert abs(table["bias"][0]) > abs(table["bias"][1])
    assert (table["low"] < table["deviation"]).all()
    assert (table["deviation"] < table["high"]).all()
    assert repeatability_chart(evaluations(5)).frame["n"].to_list() == [5, 5, 5]


def test_the_interval_of_a_spread_covers_it():
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        values = rng.standard_normal(8)
        row = spread(pl.DataFrame({"metric": "m", "rows": 1, "draw": range(8), "value": values})).row(0, named=True)
        held += row["low"] <= 1 <= row["high"]
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_one_evaluation_has_no_spread_and_a_missing_column_is_named():
    one = pl.DataFrame({"metric": ["m"], "rows": [1], "draw": [0], "value": [0.1]})
    with pytest.raises(DistaffError, match="two evaluations"):
        spread(one)
    with pytest.raises(DistaffError, match="missing: draw"):
        spread(one.drop("draw"))

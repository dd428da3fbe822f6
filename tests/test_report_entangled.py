"""Dendrograms join what is entangled, and the spread of a metric falls as statistics says it must."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.cluster.hierarchy import linkage

from distaff.analysis.agreement import agreement
from distaff.analysis.repeats import spread
from distaff.analysis.scores import supervised
from distaff.errors import DistaffError
from distaff.metrics import mig
from distaff.reports import metric_tree
from distaff.reports.charts.entangled import dendrogram, metric_spread
from simulated_study import simulated


def answers(draws: int = 60) -> pl.DataFrame:
    """Real MIG of one code, asked again and again with other rows."""
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
    found = spread(answers())
    small, middle, large = found["deviation"]
    assert small / middle == pytest.approx(2, rel=0.35)
    assert middle / large == pytest.approx(2, rel=0.35)
    assert abs(found["bias"][0]) > abs(found["bias"][1])
    assert (found["low"] < found["deviation"]).all()
    assert (found["deviation"] < found["high"]).all()
    assert metric_spread(answers(5)).frame["n"].to_list() == [5, 5, 5]


def test_the_interval_of_a_spread_covers_it():
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        values = rng.standard_normal(8)
        row = spread(pl.DataFrame({"metric": "m", "rows": 1, "draw": range(8), "value": values})).row(0, named=True)
        held += row["low"] <= 1 <= row["high"]
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_one_answer_has_no_spread_and_a_missing_column_is_named():
    one = pl.DataFrame({"metric": ["m"], "rows": [1], "draw": [0], "value": [0.1]})
    with pytest.raises(DistaffError, match="two answers"):
        spread(one)
    with pytest.raises(DistaffError, match="missing: draw"):
        spread(one.drop("draw"))


def test_a_dendrogram_has_three_lines_a_merge_and_one_for_a_factor_of_its_own():
    matrix = np.array([[0.9, 0.8, 0.0], [0.1, 0.7, 0.0], [0.0, 0.0, 0.6]])
    figure = dendrogram(matrix, ["shape", "scale", "x"])
    assert figure.frame.height == 3 + 1
    level = figure.frame.filter(pl.col("x") != pl.col("x2"))
    assert level.select("y").rows() == [(0.8,)]
    assert "1 merges of 3 factors" in figure.n
    assert figure.chart.to_dict()["encoding"]["x"]["axis"]["labelExpr"].startswith("['x', 'shape', 'scale']")


def test_the_tree_of_the_metrics_leaves_the_odd_one_alone_and_is_single_linkage():
    table, _ = simulated(20)
    lines = metric_tree(table).frame
    rho = {frozenset((a, b)): r for a, b, r in agreement(table, supervised(table)).select("a", "b", "rho").rows()}
    level = sorted(lines.filter((pl.col("y") == pl.col("y2")) & (pl.col("x") != pl.col("x2")))["y"].to_list())
    names = supervised(table)
    distances = [1 - max(rho[frozenset(pair)], 0) for pair in combinations(names, 2)]
    joined = [1 - height for height in linkage(distances, "single")[:, 2] if height < 1]
    assert level == pytest.approx(sorted(joined))
    assert min(level) < 0.3 < sorted(level)[1]
    with pytest.raises(DistaffError, match="three"):
        metric_tree(simulated(3, metrics=("mig", "dci"))[0])

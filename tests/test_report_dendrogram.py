"""Dendrograms join what is entangled."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.cluster.hierarchy import linkage

from distaff.analysis.agreement import agreement
from distaff.analysis.scores import supervised
from distaff.errors import DistaffError
from distaff.reports import metric_tree
from distaff.reports.charts.dendrogram import dendrogram
from distaff.testing.simulated_study import simulated


def test_a_dendrogram_has_three_lines_a_merge_and_one_for_a_factor_of_its_own():
    matrix = np.array([[0.9, 0.8, 0.0], [0.1, 0.7, 0.0], [0.0, 0.0, 0.6]])
    figure = dendrogram(matrix, ["shape", "scale", "x"])
    assert figure.frame.height == 3 + 1
    level = figure.frame.filter(pl.col("x") != pl.col("x2"))
    assert level.select("y").rows() == [(0.8,)]
    assert "1 merges of 3 factors" in figure.n
    assert figure.chart.to_dict()["encoding"]["x"]["axis"]["labelExpr"].startswith('["x","shape","scale"]')


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

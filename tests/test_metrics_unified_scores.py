"""The unified scores and their curves against the reference."""

import math

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from distaff.errors import DistaffError
from distaff.metrics import dci, mig, modularity, sap, unified_scores
from distaff.metrics.core.train_test import train_test
from distaff.metrics.groups import curves, independent_groups
from distaff.metrics.unified_scores import matrices, reductions
from golden_cases import CASES, arrays, case, read

MATRICES = read("functions")["matrix_functions"]
NAMES = {
    "importance": "importance_gbt_matrix",
    "information": "mutual_information_matrix",
    "accuracy": "accuracy_svm_matrix",
}
REDUCTIONS = {
    "disentanglement": "dci_disentanglement",
    "completeness": "dci_completeness",
    "groups_area": "area_precision",
    "groups_max": "max_precision",
} | {name: name for name in ("mig", "sap", "modularity")}
TINY = [name for name in CASES if name.startswith("tiny")]


@pytest.mark.parametrize("name", MATRICES)
def test_the_reductions_of_a_given_matrix_are_the_references(name):
    entry, matrix = MATRICES[name], np.array(MATRICES[name]["matrix_codes_by_factors"])
    found = reductions(matrix, np.ones(matrix.shape[1]), [str(j) for j in range(matrix.shape[1])])
    for ours, theirs in {
        "disentanglement": entry["dci.disentanglement"],
        "completeness": entry["dci.completeness"],
        "modularity": entry["modularity"],
        "sap": entry["sap.avg_diff_top_two"],
        "groups_area": entry["pr_curves_values"]["area_precision"],
        "groups_max": entry["pr_curves_values"]["max_precision"],
    }.items():
        assert found[ours] == pytest.approx(theirs, abs=1e-9), ours
    np.testing.assert_array_equal(independent_groups(matrix).counts, entry["precision_by_descending_threshold"])


@pytest.mark.parametrize("name", TINY)
def test_all_fifteen_and_the_curves_of_the_references_matrices_are_its_own(name):
    _, factors, stored, scores = case(name)
    names = [f"factor_{j}" for j in range(factors.shape[1])]
    stored_names = {"importance": "gbt_importance", "information": "mi_matrix", "accuracy": "sap_matrix"}
    for matrix, theirs in NAMES.items():
        found = reductions(stored[stored_names[matrix]].astype(np.float64), stored["factor_entropy"], names)
        for ours, reduction in REDUCTIONS.items():
            expected = scores["unified"][f"{theirs}.{reduction}"]
            assert found[ours] == pytest.approx(expected, abs=1e-6), (matrix, ours)


@pytest.mark.parametrize("name", TINY)
def test_the_three_matrices_are_the_references(name):
    codes, factors, stored, _ = case(name)
    test = arrays(name)
    found = matrices(train_test("unified_scores", codes, factors, (test["mus_test"].T, test["ys_test"].T), 0, True))
    np.testing.assert_allclose(found["information"], stored["mi_matrix"], atol=1e-9)
    informed = stored["sap_continuous_matrix"] > 0.1  # ties decide what a code without information says
    np.testing.assert_allclose(found["accuracy"][informed], stored["sap_matrix"][informed], atol=1.5 / 500)
    if not name.endswith("duplicated"):  # exact copies share importance by draws
        np.testing.assert_allclose(found["importance"], stored["gbt_importance"], atol=0.03)


def test_each_metric_is_one_cell_of_the_table():
    stored = arrays("tiny__mlp")
    codes, factors, test = *case("tiny__mlp")[:2], (stored["mus_test"].T, stored["ys_test"].T)
    score = unified_scores(codes, factors, test)
    assert score.parts["information.mig"] == pytest.approx(float(mig(codes, factors)))
    assert score.parts["information.modularity"] == pytest.approx(float(modularity(codes, factors)))
    assert score.parts["importance.disentanglement"] == pytest.approx(float(dci(codes, factors, test)), abs=0.02)
    assert score.parts["accuracy.sap"] == pytest.approx(float(sap(codes, factors, test)), abs=0.01)


def test_groups_are_the_connected_components_at_every_threshold():
    rng = np.random.default_rng(0)
    for _ in range(20):
        matrix = np.round(rng.random((6, 4)) * (rng.random((6, 4)) < 0.7), 1)
        curve = independent_groups(matrix)
        for threshold, count in zip(curve.thresholds, curve.counts, strict=True):
            rows, columns = np.nonzero((matrix >= threshold) & (matrix > 0))
            graph = coo_matrix((np.ones(len(rows)), (rows, columns + 6)), shape=(10, 10))
            labels = connected_components(graph, directed=False)[1]
            assert count == (np.bincount(labels) > 1).sum()


def test_a_perfect_code_scores_1_and_degenerate_rows_have_a_value():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [2, 3, 4], size=(600, 3))
    codes = factors + 0.01 * rng.normal(size=factors.shape)
    assert float(unified_scores(codes, factors)) > 0.95
    assert float(unified_scores(codes @ np.linalg.qr(rng.normal(size=(3, 3)))[0], factors)) < 0.8
    for few in (codes[:, :1], np.zeros_like(codes), np.hstack([codes, codes])):
        assert 0 <= float(unified_scores(few, factors)) <= 1
    assert float(unified_scores(codes, np.insert(factors, 1, 4, axis=1))) > 0.95
    assert math.isnan(float(unified_scores(codes, np.ones_like(factors))))
    assert math.isnan(float(unified_scores(codes * np.nan, factors)))


def test_curves_are_those_behind_the_score():
    codes, factors = case("tiny__mlp", "small")[:2]
    score, found = unified_scores(codes, factors, seed=2), curves(codes, factors, seed=2)
    assert list(found) == ["importance", "information", "accuracy"]
    for name, curve in found.items():
        assert curve.trapezia == score.parts[f"{name}.groups_area"]
        assert curve.counts.max() == score.parts[f"{name}.groups_max"]
        assert (np.diff(curve.thresholds) <= 0).all()
    assert found["importance"].area / 3 == float(score)
    with pytest.raises(DistaffError, match="no matrix"):
        curves(codes * np.nan, factors)

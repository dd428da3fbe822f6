"""Transfer between data sets, usefulness downstream and the graph of a matrix: right on what is known."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from distaff.analysis.claims.evidence import evidence
from distaff.analysis.claims.measures import strongest_with_task, with_tasks
from distaff.analysis.factor_merges import merges
from distaff.analysis.score_array import score_array
from distaff.analysis.transfer import between_datasets, paired_medians
from distaff.analysis.usefulness import accuracies, by_thirds, efficiencies, task_label, with_efficiency
from distaff.errors import DistaffError
from distaff.metrics import mig
from distaff.metrics.groups import independent_groups
from distaff.testing.simulated_study import Truth, simulated, simulated_study
from golden_cases import case


def test_settings_that_are_good_everywhere_carry_over_and_others_do_not():
    for effects, low, high in (((5, 5), 0.75, 1.0), (None, -0.6, 0.6)):
        table = simulated_study(("a", "b"), 20, strengths=3, effects=effects, seed=0.02)[0]
        found = between_datasets(table, ["mig"], resamples=100)
        pair = found.row(by_predicate=(pl.col("a") == "a") & (pl.col("b") == "b"), named=True)
        assert low < pair["rho"] < high
        assert pair["low"] <= pair["rho"] + 0.05
        assert pair["n"] == 17  # beta-TCVAE with beta = 1 is beta-VAE with beta = 1


@pytest.mark.parametrize(("settings", "seeds", "enough"), [(2, 2, True), (1, 2, False), (2, 1, False)])
def test_two_settings_of_two_seeds_are_enough_for_a_game(settings, seeds, enough):
    table = simulated_study(("a",), seeds, strengths=3)[0]
    few = table.filter(pl.col("setting").is_in(table["setting"].unique(maintain_order=True).to_list()[:settings]))
    if enough:
        assert score_array(few, ["mig"]).values.shape == (1, 1, 2, 2)
    else:
        with pytest.raises(DistaffError, match="at least two settings with two seeds"):
            score_array(few, ["mig"])


def test_the_correlation_between_data_sets_is_that_of_the_medians():
    table = simulated_study(("a", "b"), 7, strengths=3, effects=(1, 1))[0]
    rows = paired_medians(table, "dci")
    found = between_datasets(table, ["dci"], resamples=5)
    rho = spearmanr(rows["median"], rows["median on other"]).statistic
    assert found.filter((pl.col("a") == "a") & (pl.col("b") == "b"))["rho"].item() == pytest.approx(rho)


def test_one_data_set_cannot_show_transfer():
    with pytest.raises(DistaffError, match="one data set"):
        between_datasets(simulated()[0], ["mig"])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("downstream", "LR10000"),
        ("downstream.trees_100", "GBT100"),
        ("downstream(labels=100, learner='trees')", "GBT100"),
        ("downstream.lr_1000", "LR1000"),
        ("statistical_efficiency", "Efficiency (GBT)"),
        ("statistical_efficiency(learner='logistic')", "Efficiency (LR)"),
    ],
)
def test_columns_of_tasks_are_known_by_their_names(name, label):
    table = simulated(1)[0].head(1).with_columns(pl.lit(name).alias("metric"))
    assert [task_label(task) for task in (*accuracies(table), *efficiencies(table))] == [label]


def test_parts_of_a_task_are_no_columns_of_their_own():
    parts = ("downstream.test_factor_0", "downstream.mean_train", "statistical_efficiency.few")
    table = pl.concat(simulated(1)[0].head(1).with_columns(pl.lit(name).alias("metric")) for name in parts)
    assert not accuracies(table)
    assert not efficiencies(table)


def test_efficiency_is_the_ratio_of_accuracies_where_no_run_was_asked_for_it():
    of = simulated(2, truth=Truth(tasks=True))[0]
    without = of.filter(~pl.col("metric").str.starts_with("statistical_efficiency"))
    assert with_efficiency(of) is of
    found = with_efficiency(without)
    assert [(one.learner, one.column) for one in efficiencies(found)] == [
        (short, f"statistical_efficiency(few=100, many=10000, learner='{name}')")
        for short, name in (("LR", "logistic"), ("GBT", "trees"))
    ]
    few, many, ratio = (
        found.filter(pl.col("metric") == name).sort("id")["value"].to_numpy()
        for name in ("downstream(labels=100, learner='trees')", "downstream(labels=10000, learner='trees')",
                     "statistical_efficiency(few=100, many=10000, learner='trees')")
    )  # fmt: skip
    np.testing.assert_allclose(ratio, few / many)


def test_contrary_links_with_efficiency_do_not_cancel():
    table = simulated(20, truth=Truth(tasks=True, efficient=1))[0]
    task = pl.col("metric") == "statistical_efficiency"
    mirrored = table.filter(task).with_columns(
        metric=pl.lit("statistical_efficiency(learner='logistic')"), value=1.4 - pl.col("value")
    )
    study, names = (
        evidence(pl.concat([table, mirrored]), resamples=10),
        ("statistical_efficiency", mirrored["metric"][0]),
    )
    assert abs(with_tasks(study, names, "")[0]) < 0.01
    assert abs(strongest_with_task(study, names, "")[0]) > 0.5


def test_thirds_rise_where_a_score_is_useful_and_not_where_it_is_not():
    for useful in (1.0, 0.0):
        table = simulated(20, truth=Truth(tasks=True, useful=useful))[0]
        found = by_thirds(table, "mig", resamples=100).filter((pl.col("learner") == "GBT") & (pl.col("labels") == 100))
        lowest, _, highest = (found.filter(pl.col("group") == f"{name} third").row(0, named=True)
                              for name in ("lowest", "middle", "highest"))  # fmt: skip
        assert (highest["low"] > lowest["high"]) == (useful > 0)
        assert found["n"].sum() == 360


@pytest.mark.parametrize(("matrix", "groups"), [(np.eye(5), 5), (np.triu(np.ones((5, 5))), 1), (np.ones((5, 5)), 1)])
def test_groups_of_known_matrices(matrix, groups):
    assert independent_groups(matrix).counts[0] == groups


@pytest.mark.parametrize("name", ["tiny__vae_like", "tiny__rotation", "tiny__merged", "tiny__noise"])
def test_the_area_and_the_most_groups_are_those_of_the_reference(name):
    codes, factors, _, scores = case(name)
    matrix = mig(codes, factors).matrix
    assert matrix is not None
    golden = {key: scores["unified"][f"mutual_information_matrix.{key}"] for key in ("area_precision", "max_precision")}
    curve = independent_groups(matrix)
    assert curve.trapezia == pytest.approx(golden["area_precision"], abs=1e-6)
    assert curve.counts.max() == golden["max_precision"]


def test_entangled_factors_merge_first_and_a_factor_of_its_own_never():
    matrix = np.array([[0.9, 0.8, 0.0], [0.1, 0.7, 0.0], [0.0, 0.0, 0.6]])
    assert merges(matrix) == [(0.8, (0,), (1,))]
    assert merges(np.eye(3)) == []


@given(arrays(np.float64, (4, 3), elements=st.floats(0, 1, width=16)), st.permutations(range(4)))
def test_the_dendrogram_does_not_mind_the_order_of_codes_and_never_has_too_many_merges(matrix, order):
    found = merges(matrix)
    assert len(found) <= 2
    assert [m.threshold for m in found] == sorted((m.threshold for m in found), reverse=True)
    assert [m.threshold for m in merges(matrix[list(order)])] == [m.threshold for m in found]


def test_a_disentangled_code_has_no_merges_and_its_rotation_has():
    factors = np.random.default_rng(0).integers(0, 5, (2000, 3))
    spin = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    pure, mixed = (mig(codes, factors).matrix for codes in (factors, factors @ spin))
    assert pure is not None
    assert mixed is not None
    strongest = [found[0].threshold / np.log(5) for found in (merges(pure), merges(mixed))]
    assert strongest[0] < 0.02
    assert strongest[1] > 0.1


def test_a_matrix_that_is_none_is_refused():
    with pytest.raises(DistaffError, match=r"\[d f\]"):
        merges(np.ones(3))

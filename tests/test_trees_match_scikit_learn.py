"""The boosted trees against scikit-learn's, split by split, and what they promise by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from distaff.metrics.core.trees import classify, regress


def drawn(seed: int, n: int, d: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.Generator(np.random.Philox(seed))
    x = rng.standard_normal((n, d)).astype(np.float32)
    return x, np.clip(np.rint(x[:, 0] + 0.5 * x[:, -1] ** 2 + 0.4 * rng.standard_normal(n)), 0, classes - 1).astype(int)


def gain(g: np.ndarray, left: np.ndarray) -> float:
    return sum(part.sum() ** 2 / len(part) for part in (g[left], g[~left])) - g.sum() ** 2 / len(g)


def best_gain(x: np.ndarray, g: np.ndarray) -> float:
    splits = [column <= value for column in x.T for value in np.unique(column)[:-1]]
    return max((gain(g, left) for left in splits), default=0.0)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 1000), st.integers(3, 60), st.integers(1, 5), st.integers(2, 5), st.sampled_from([None, 0.5, 1.0])
)
def test_no_node_can_be_split_better_and_leaves_are_newton_steps(seed, n, d, classes, grid):
    x, y = drawn(seed, n, d, classes)
    x = x if grid is None else np.round(x / np.float32(grid)) * np.float32(grid)  # many rows that share few values
    labels, index = np.unique(y, return_inverse=True)
    if len(labels) < 2:
        return
    model = classify(x, y, seed=seed, stages=1)
    priors = np.bincount(index) / n
    trees = [1] if len(labels) == 2 else range(len(labels))
    for k, label in enumerate(trees):
        g, h = (index == label) - priors[label], priors[label] * (1 - priors[label])
        inside = {0: np.full(n, True)}
        for node in range(7):
            rows, cut = inside[node], model.threshold[0, k, node]
            left = x[:, model.feature[0, k, node]] <= cut
            inside[2 * node + 1], inside[2 * node + 2] = rows & left, rows & ~left
            if np.isfinite(cut):
                assert gain(g[rows], left[rows]) == pytest.approx(best_gain(x[rows], g[rows]), abs=1e-9)
            elif rows.any():
                assert best_gain(x[rows], g[rows]) == pytest.approx(0, abs=1e-9)
        scale = 1 if len(labels) == 2 else (len(labels) - 1) / len(labels)
        for leaf in range(8):
            rows = inside[7 + leaf]
            step = scale * g[rows].sum() / (h * rows.sum()) if rows.any() else 0
            assert model.value[0, k, leaf] == pytest.approx(step)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_few_stages_are_scikit_learns_to_the_digit(classes):
    x, y = drawn(7, 1000, 5, classes)
    model = classify(x, y, seed=0, stages=5)
    ours = model.raw(x)
    theirs = GradientBoostingClassifier(n_estimators=5, random_state=0).fit(x, y).decision_function(x).T
    difference = ours[0] - theirs if classes == 2 else ours - model.start.mean() - theirs
    assert np.mean(np.abs(difference) < 1e-9) > 0.95  # the rest are leaves of equally good splits


def test_the_whole_of_boosting_agrees_where_no_ties_are():
    x, y = drawn(0, 800, 6, 4)
    fresh, _ = drawn(1, 800, 6, 4)
    ours = classify(x, y, seed=0)
    theirs = GradientBoostingClassifier(random_state=0).fit(x, y)
    np.testing.assert_allclose(ours.importances, theirs.feature_importances_, atol=2e-3)
    assert (ours.predict(fresh) == theirs.predict(fresh)).mean() > 0.99


def test_regression_agrees():
    x, _ = drawn(2, 500, 5, 3)
    y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2]
    ours, theirs = regress(x, y, seed=0), GradientBoostingRegressor(random_state=0).fit(x, y)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), atol=1e-6)
    np.testing.assert_allclose(
        ours.importances, theirs.feature_importances_, atol=1e-2
    )  # two rows are split alike by every column


def test_what_was_fitted_is_what_is_predicted_for_the_same_rows():
    for classes in (2, 5):
        x, y = drawn(3, 400, 4, classes)
        model = classify(x, y, seed=0)
        np.testing.assert_array_equal(model.fitted, model.predict(x))


def test_exact_copies_of_a_column_share_its_importance():
    x, y = drawn(4, 600, 1, 4)
    model = classify(np.hstack([x, x]), y, seed=0)
    assert 0.2 < model.importances[0] < 0.8
    assert model.importances.sum() == pytest.approx(1)


def test_a_seed_repeats_itself_and_threads_change_nothing():
    x, y = drawn(5, 300, 3, 5)
    x = np.hstack([x, x])
    first = classify(x, y, seed=9)
    for again in (classify(x, y, seed=9), classify(x, y, seed=9, jobs=3)):
        np.testing.assert_array_equal(first.importances, again.importances)
        np.testing.assert_array_equal(first.value, again.value)
    assert (classify(x, y, seed=10).importances != first.importances).any()


def test_one_class_one_row_and_constant_columns_need_no_tree():
    x, _ = drawn(6, 20, 3, 3)
    only = classify(x, np.full(20, 7), seed=0)
    assert (only.predict(x) == 7).all()
    assert not only.importances.any()
    assert (classify(x[:1], np.array([2]), seed=0).predict(x) == 2).all()
    still = classify(np.zeros((20, 3)), np.arange(20) % 3 > 0, seed=0)
    assert not still.importances.any()
    assert still.predict(np.zeros((2, 3))).all()

"""The SVM of one code against the loss it minimises, written out, and against liblinear."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.svm import LinearSVC

from distaff.metrics.core.linear.one_code_svm import accuracies

NEAR = 1e-6  # decisions closer than this are decided by rounding


def decisions(x, y, x_test):
    """The decision of every class [m k] on test rows, each from its loss as the docstring of the module states it."""
    values, n = np.unique(y), len(y)
    columns = []
    for value in values[-1:] if len(values) == 2 else values:
        sign = np.where(y == value, 1.0, -1.0)
        cost = np.full(n, 0.01)
        for of_class in values if len(values) == 2 else [value]:
            cost[y == of_class] = 0.01 * n / (len(values) * (y == of_class).sum())

        def loss(both, sign=sign, cost=cost):
            short = np.maximum(0.0, 1.0 - sign * (both[0] * x + both[1]))
            pull = -2.0 * cost * sign * short
            value = 0.5 * both @ both + (cost * short**2).sum()
            return value, both + np.array([(pull * x).sum(), pull.sum()])

        found = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-12, "maxiter": 1000}).x
        columns.append(found[0] * x_test + found[1])
    return np.stack([np.zeros(len(x_test)), columns[0]] if len(values) == 2 else columns, axis=1)


def bounds(x, y, x_test, y_test):
    """The least and the greatest accuracy that rounding leaves."""
    values, of_rows = np.unique(y), decisions(x, y, x_test)
    top = of_rows.max(axis=1, keepdims=True)
    possible = of_rows >= top - NEAR
    right = values[None] == y_test[:, None]
    sure = (possible <= right).all(axis=1).mean()
    return sure, (possible & right).any(axis=1).mean()


@pytest.mark.parametrize("classes", [2, 3, 9])
@pytest.mark.parametrize(("spread", "centre"), [(1.0, 0.0), (1.0, 30.0), (0.02, 0.5), (40.0, -3.0)])
def test_the_svm_is_the_minimum_of_its_loss(classes, spread, centre):
    rng = np.random.default_rng(classes)
    y, y_test = rng.integers(classes, size=400), rng.integers(classes + 1, size=300)  # the test holds one class more
    x = centre + spread * (y / classes + 0.3 * rng.normal(size=400))
    x_test = centre + spread * (y_test / classes + 0.3 * rng.normal(size=300))
    low, high = bounds(x, y, x_test, y_test)
    assert high - low < 0.05
    assert low <= accuracies(x[:, None], [y], x_test[:, None], [y_test]).item() <= high


values = st.integers(-3, 3).map(float) | st.floats(-8, 8, width=32)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(values, st.integers(0, 3)), min_size=2, max_size=30).filter(lambda r: len({c for _, c in r}) > 1)
)
def test_ties_few_rows_and_rare_classes_are_no_exception(rows):
    x, y = np.array([value for value, _ in rows]), np.array([10 * c for _, c in rows])
    low, high = bounds(x, y, x, y)
    assert low <= accuracies(x[:, None], [y], x[:, None], [y]).item() <= high


def test_all_codes_and_factors_at_once_are_each_by_itself():
    rng = np.random.default_rng(5)
    x, ys = rng.normal(size=(200, 3)), [rng.integers(k, size=200) for k in (2, 4)]
    together = accuracies(x, ys, x, ys)
    for i in range(3):
        for j in range(2):
            assert together[i, j] == accuracies(x[:, [i]], [ys[j]], x[:, [i]], [ys[j]]).item()


def test_it_is_liblinears_where_that_converges():
    rng = np.random.default_rng(6)
    y = rng.integers(6, size=3000)
    x = (y + rng.normal(size=3000))[:, None] * [1, 0.3] + [0, 2]
    for i in range(2):
        model = LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-9, max_iter=10_000).fit(x[:, [i]], y)
        assert accuracies(x[:, [i]], [y], x[:, [i]], [y]).item() == pytest.approx(model.score(x[:, [i]], y), abs=1e-3)


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300])
def test_codes_of_any_size_have_an_accuracy(size):
    y = np.arange(60) % 3
    x = (size * (y - 1.0))[:, None]
    share = accuracies(x, [y], x, [y]).item()
    assert share == pytest.approx(1 / 3 if size < 1 else 2 / 3, abs=1e-12) or share == 1


def test_many_codes_take_a_millisecond_each():
    rng = np.random.default_rng(7)
    x, ys = rng.normal(size=(10_000, 40)).astype(np.float32), [rng.integers(10, size=10_000) for _ in range(5)]
    accuracies(x[:100], [y[:100] for y in ys], x[:100], [y[:100] for y in ys])
    start = time.process_time()
    accuracies(x, ys, x[:5000], [y[:5000] for y in ys])
    assert time.process_time() - start < 40 * 0.01  # LinearSVC took 39 ms a code

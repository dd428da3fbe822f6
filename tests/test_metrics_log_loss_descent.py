"""The compiled log-loss and its descent against the formula written out and against scikit-learn's optimum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from distaff.metrics.core.linear.log_loss_descent import BLOCK, in_blocks, mean_loss, summed
from distaff.metrics.core.linear.logistic import fit_strength


def rows(n, classes, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), rng.integers(classes, size=n - classes)])
    x = rng.normal(size=(n, 5)) + y[:, None] * [0.8, 0.2, 0, 0, 0]
    return scale * x, y, rng.normal(size=(1 if classes == 2 else classes, 5))


@pytest.mark.parametrize("classes", [2, 3, 11])
@pytest.mark.parametrize("n", [12, BLOCK, 2 * BLOCK + 7])
@pytest.mark.parametrize("scale", [1.0, 300.0])  # 300: probabilities of exactly 0, and losses of hundreds
def test_the_loss_and_its_slope_are_the_formulas(classes, n, scale):
    x, y, weights = rows(n, classes, scale=scale)
    raw = x @ weights.T
    raw = np.hstack([np.zeros((n, 1)), raw]) if classes == 2 else raw
    loss = -log_softmax(raw, axis=1)[np.arange(n), y].sum()
    expected = (softmax(raw, axis=1) - np.eye(classes)[y]).T @ x
    slope, scratch = np.full_like(weights, np.nan), np.full((len(weights) + 2) * BLOCK, np.nan)
    assert summed(weights, in_blocks(x), y, slope, scratch) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(slope, expected[-len(weights) :], rtol=1e-10, atol=1e-10 * scale)
    assert mean_loss(weights, in_blocks(x), y) == pytest.approx(loss / n, rel=1e-12)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("strength", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("shift", [0.0, 50.0])
def test_a_fit_is_scikit_learns_optimum(classes, strength, shift):
    x, y, _ = rows(500, classes)
    ours = fit_strength(x + shift, y, strength)
    theirs = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(x, y)  # it does not converge when shifted
    np.testing.assert_allclose(ours.probabilities(x + shift), theirs.predict_proba(x), atol=1e-4)
    np.testing.assert_allclose(ours.weights[:, :-1], theirs.coef_, atol=1e-3)

"""Many small products are computed by one thread, however many the BLAS may use, and the caller gets them back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  # its BLAS is one of those that are limited
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info, threadpool_limits

from distaff import metrics, tasks
from distaff.metrics.core.blas_threads import one_blas_thread

rng = np.random.default_rng(0)
FACTORS = rng.integers(0, [2, 3, 4], size=(300, 3))
CODES = FACTORS + 0.3 * rng.normal(size=FACTORS.shape)
FITS = [
    (np.linalg, "eigh", lambda: tasks.downstream(CODES, FACTORS, jobs=2, labels=50)),
    (np.linalg, "eigh", lambda: metrics.infomec(CODES, FACTORS)),
    (np.linalg, "eigh", lambda: metrics.explicitness(CODES, FACTORS)),
    (LogisticRegression, "fit", lambda: metrics.beta_vae_score(CODES, FACTORS, train=50, test=20, batch=2)),
    (MLPClassifier, "fit", lambda: metrics.nk(CODES, FACTORS, width=8, steps=5)),
]


def threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize(
    ("owner", "name", "score"), FITS, ids=["downstream", "infomec", "explicitness", "beta_vae_score", "nk"]
)
def test_a_fit_has_one_thread_and_gives_the_others_back(owner, name, score, monkeypatch):
    plain, seen = getattr(owner, name), []

    def watched(*given, **options):
        seen.append(threads())
        return plain(*given, **options)

    monkeypatch.setattr(owner, name, watched)
    with threadpool_limits(3, user_api="blas"):
        score()
        assert threads() == {3}
    assert seen
    assert all(found == {1} for found in seen)


def test_no_score_depends_on_how_many_threads_the_blas_may_use():
    """A solver stops elsewhere when products are summed in another order."""
    factors = rng.integers(0, [3, 40], size=(10_000, 2))
    codes = np.hstack([factors / [3, 40], rng.normal(size=(10_000, 8))]).astype(np.float32)
    parts = []
    for most in (1, 2):
        with threadpool_limits(most, user_api="blas"):
            parts.append(dict(metrics.explicitness(codes, factors).parts))
    assert parts[0] == parts[1]


def test_who_comes_second_leaves_the_limit_alone():
    def second():
        with one_blas_thread():
            assert threads() == {1}

    with threadpool_limits(3, user_api="blas"):
        with one_blas_thread():
            second()
            with ThreadPoolExecutor() as pool:
                pool.submit(second).result()
            assert threads() == {1}
        assert threads() == {3}


def test_a_fit_that_fails_gives_the_threads_back():
    with threadpool_limits(3, user_api="blas"):
        with pytest.raises(ValueError, match="wrong"), one_blas_thread():
            raise ValueError("wrong")
        assert threads() == {3}

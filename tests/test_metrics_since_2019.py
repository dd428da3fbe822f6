"""The scores since the 2019 study against slow, obvious versions of their formulas, and what is degenerate."""

import functools
import itertools
import math
import warnings

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score

from distaff.errors import DistaffError
from distaff.metrics import dcimig, infomec, jemmig, mcc, med, mig, mig_sup, modularity, nk, snc
from distaff.metrics.core.information import discretise
from distaff.metrics.core.linear import logistic
from distaff.metrics.core.neighbour_information import neighbour_information
from golden_cases import case

INFORMATION = (mig, mig_sup, jemmig, dcimig, med, modularity, mcc, infomec)
NAMES = ["tiny__vae_like", "tiny__merged", "tiny__mlp", "tiny__duplicated", "smallnorb__vae_like"]


def table(name):
    """Codes, factors, and by scikit-learn I(z; v), H(v) and H(z)."""
    codes, factors, _, _ = case(name, "small")
    cut = discretise(codes)
    known = np.array([[mutual_info_score(z, v) for v in factors.T] for z in cut.T])
    return codes, factors, known, *([mutual_info_score(x, x) for x in side.T] for side in (factors, cut))


@pytest.mark.parametrize("name", NAMES)
def test_mig_sup_is_the_gap_of_each_row(name):
    codes, factors, known, of_factors, of_codes = table(name)
    for by in ("factor", "code"):
        gaps = []
        for i, row in enumerate(known):
            shares = sorted(x / (of_factors[j] if by == "factor" else of_codes[i]) for j, x in enumerate(row))
            gaps.append(shares[-1] - shares[-2])
        assert float(mig_sup(codes, factors, by=by)) == pytest.approx(np.mean(gaps), abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_jemmig_is_the_joint_entropy_less_the_gap(name):
    codes, factors, known, of_factors, _ = table(name)
    raw, shares = [], []
    for j, column in enumerate(known.T):
        best, second = np.argsort(-column)[:2]
        pairs = np.unique(np.column_stack([discretise(codes)[:, best], factors[:, j]]), axis=0, return_counts=True)[1]
        joint = -(pairs / pairs.sum() * np.log(pairs / pairs.sum())).sum()
        raw.append(joint - column[best] + column[second])
        shares.append(1 - raw[-1] / (of_factors[j] + math.log(20)))
    score = jemmig(codes, factors)
    assert score.parts["raw"] == pytest.approx(np.mean(raw), abs=1e-9)
    assert float(score) == pytest.approx(np.mean(shares), abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_dcimig_is_the_clearest_code_of_each_factor(name):
    codes, factors, known, of_factors, _ = table(name)
    best = dict.fromkeys(range(factors.shape[1]), 0.0)
    for row in known:
        first, second = np.argsort(-row)[:2]
        best[first] = max(best[first], row[first] - row[second])
    expected = np.mean([best[j] / of_factors[j] for j in best])
    assert float(dcimig(codes, factors)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_med_is_the_entropy_of_normalised_rows(name):
    codes, factors, known, _, _ = table(name)
    shares = known / known.sum(axis=0)
    rows = shares / shares.sum(axis=1, keepdims=True)
    each = [1 + sum(p * math.log(p) for p in row if p > 0) / math.log(len(row)) for row in rows]
    expected = np.average(each, weights=shares.sum(axis=1))
    assert float(med(codes, factors)) == pytest.approx(expected, abs=1e-6)


def test_med_of_the_best_codes_leaves_spare_ones_out():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [3, 4], size=(2000, 2))
    codes = np.column_stack([factors, rng.normal(size=(2000, 200))])
    assert float(med(codes, factors)) < 0.6
    best = med(codes, factors, top=1)
    assert float(best) > 0.95
    assert set(best.parts) == {"code_0", "code_1"}
    with pytest.raises(DistaffError, match="at least 1"):
        med(codes, factors, top=0)


@pytest.mark.parametrize("by", ["pearson", "spearman"])
def test_mcc_is_the_best_of_all_matchings(by):
    codes, factors, _, _ = case("tiny__vae_like", "small")
    if by == "spearman":
        from scipy.stats import rankdata

        x, y = rankdata(codes, axis=0), rankdata(factors, axis=0)
    else:
        x, y = codes, factors
    size = factors.shape[1]
    each = np.abs(np.corrcoef(x.T, y.T))[: codes.shape[1], codes.shape[1] :]
    found = max(each[list(m), range(size)].mean() for m in itertools.permutations(range(codes.shape[1]), size))
    assert float(mcc(codes, factors, by=by)) == pytest.approx(found, abs=1e-6)


def test_mcc_ignores_scale_and_ranks_ignore_bends():
    factors = np.random.default_rng(0).random((500, 3))
    assert float(mcc(1e-9 * factors[:, ::-1] - 3, factors)) == pytest.approx(1, abs=1e-5)
    assert float(mcc(-np.exp(5 * factors), factors)) < 0.95
    assert float(mcc(-np.exp(5 * factors), factors, by="spearman")) == pytest.approx(1)
    assert float(mcc(factors[:, :2], factors)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["tiny__vae_like", "tiny__noise", "smallnorb__vae_like"])
def test_neighbours_give_the_information_that_scikit_learn_finds(name):
    codes, factors, _, _ = case(name, "small")
    ours = neighbour_information(codes, factors, 10)
    for j, column in enumerate(factors.T):
        theirs = mutual_info_classif(codes, column, n_neighbors=10, random_state=0)
        np.testing.assert_allclose(ours[:, j], theirs, atol=2e-3)


def test_neighbours_find_the_true_information_of_a_shifted_normal():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=20_000)
    x = rng.normal(size=20_000) + 2 * y
    grid = np.linspace(-8, 10, 20_001)
    density = [np.exp(-((grid - 2 * c) ** 2) / 2) / math.sqrt(2 * math.pi) for c in (0, 1)]
    both = sum(density) / 2
    truth = sum((p * np.log(p / both)).sum() for p in density) / 2 * (grid[1] - grid[0])
    assert neighbour_information(x[:, None], y[:, None])[0, 0] == pytest.approx(truth, abs=0.015)


def test_neighbours_count_the_values_of_a_code_that_takes_few():
    factors = np.random.default_rng(0).integers(0, [4, 5], size=(900, 2))
    known = neighbour_information(factors.astype(float), factors)
    np.testing.assert_allclose(known[0, 0], mutual_info_score(factors[:, 0], factors[:, 0]), atol=1e-9)
    for score in (mig, mig_sup, dcimig, med, modularity):
        assert float(score(factors.astype(float), factors, estimator="ksg")) > 0.95


@pytest.mark.parametrize("name", ["tiny__vae_like", "smallnorb__vae_like"])
def test_infomec_is_its_formula_with_scikit_learn(name):
    codes, factors, _, _ = case(name, "small")
    active = codes[:, np.ptp(codes, axis=0) > np.ptp(codes, axis=0).max() / 20]
    of_factors = np.array([mutual_info_score(v, v) for v in factors.T])
    known = np.column_stack([mutual_info_classif(active, v, n_neighbors=10, random_state=0) for v in factors.T])
    known /= of_factors

    def concentrated(m):
        return (np.mean(m.max(axis=1) / m.sum(axis=1)) - 1 / m.shape[1]) / (1 - 1 / m.shape[1])

    read, x = [], (active - active.mean(axis=0)) / active.std(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for v, whole in zip(factors.T, of_factors, strict=True):
            model = LogisticRegression(C=np.inf, max_iter=3000).fit(x, v)
            read.append((whole - log_loss(v, model.predict_proba(x))) / whole)
    score = infomec(codes, factors)
    assert score.parts["modularity"] == pytest.approx(concentrated(known), abs=5e-3)
    assert score.parts["compactness"] == pytest.approx(concentrated(known.T), abs=5e-3)
    assert score.parts["explicitness"] == pytest.approx(np.mean(read), abs=5e-3)
    assert float(score) == score.parts["modularity"]


def test_infomec_leaves_narrow_codes_out_and_reads_lines():
    rng = np.random.default_rng(0)
    values = rng.random((2000, 2))
    codes = np.column_stack([values @ [[1.0, 1.0], [1.0, -1.0]], 0.01 * rng.normal(size=2000)])
    score = infomec(codes, values)
    assert score.parts["active"] == 2
    assert score.parts["explicitness"] == pytest.approx(1, abs=1e-6)
    assert not score.matrix[2].any()


def test_the_loss_without_a_penalty_is_that_of_a_finished_fit():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=600)
    x = rng.normal(size=(600, 4)) + y[:, None] * [1.0, 0.3, 0, 0]
    model = LogisticRegression(C=np.inf, max_iter=3000, tol=1e-8).fit(x, y)
    assert logistic.log_loss(x, y) == pytest.approx(log_loss(y, model.predict_proba(x)), abs=1e-4)
    copies = np.hstack([x, x, np.ones((600, 1))])
    assert logistic.log_loss(copies, y) == pytest.approx(logistic.log_loss(x, y), abs=1e-4)


def parted(seed=0, n=900):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, [2, 3, 5], size=(n, 3))
    return factors + 0.02 * rng.normal(size=(n, 3)), factors, rng


def test_snc_reads_each_factor_from_its_own_code():
    codes, factors, rng = parted()
    mixed = np.column_stack([-codes[:, 1], codes[:, 0], 7 * codes[:, 2], rng.normal(size=len(codes))])
    score = snc(mixed, factors)
    assert float(score) > 0.97
    assert [score.parts[f"code_of_factor_{j}"] for j in range(3)] == [1, 0, 2]
    assert float(snc(rng.normal(size=codes.shape), factors)) == pytest.approx((1 / 2 + 1 / 3 + 1 / 5) / 3, abs=0.06)
    assert float(snc(factors.astype(float), factors)) == 1  # equal values stay together
    turned = codes @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert float(snc(turned, factors)) < 0.8


def test_knocking_a_code_out_takes_its_factor_unless_another_holds_it():
    codes, factors, rng = parted()
    lost = nk(codes, factors, steps=300)
    assert float(lost) > 0.5
    assert lost.parts["accuracy_factor_0"] > 0.95
    spare = np.hstack([codes, codes + 0.01 * rng.normal(size=codes.shape)])
    assert float(nk(spare, factors, steps=300)) < 0.1
    assert float(nk(codes, factors, seed=3, steps=50)) == float(nk(codes, factors, seed=3, steps=50))
    with pytest.raises(DistaffError, match="at least 1"):
        nk(codes, factors, steps=0)


@pytest.mark.parametrize("score", INFORMATION)
def test_degenerate_codes_and_factors_have_a_value(score):
    codes, factors, _ = parted()
    for few in (codes[:, :1], np.zeros_like(codes), np.hstack([codes, codes])):
        assert 0 <= float(score(few, factors)) <= 1
    assert float(score(codes, factors[:, :1])) >= 0
    with_constant = score(codes, np.insert(factors, 1, 4, axis=1))
    assert float(with_constant) == pytest.approx(float(score(codes, factors)))
    nothing = score(codes, np.ones_like(factors))
    assert math.isnan(float(nothing))
    assert "one value" in nothing.reason
    broken = score(codes * [1, np.nan, 1], factors)
    assert math.isnan(float(broken))
    assert "codes 1" in broken.reason


@pytest.mark.parametrize("score", [snc, functools.partial(nk, steps=50)], ids=["snc", "nk"])
def test_degenerate_rows_have_a_value_where_something_is_learnt(score):
    codes, factors, _ = parted(n=300)
    for few in (codes[:, :1], np.zeros_like(codes), np.hstack([codes, codes])):
        assert -1 <= float(score(few, factors)) <= 1
    assert np.isfinite(float(score(codes, np.insert(factors, 1, 4, axis=1))))
    assert math.isnan(float(score(codes, np.ones_like(factors))))
    assert math.isnan(float(score(codes * np.nan, factors)))
    seen = factors[:, 2] < 4
    assert np.isfinite(float(score(codes[seen], factors[seen], (codes, factors))))
    assert np.isfinite(float(score(codes, factors, (codes[seen], factors[seen]))))


def test_unknown_options_are_named():
    codes, factors, _ = parted()
    for score, option in ((mig, "estimator"), (infomec, "estimator"), (mcc, "by"), (mig_sup, "by"), (jemmig, "bias")):
        with pytest.raises(DistaffError, match=f"unknown {option} 'other'"):
            score(codes, factors, **{option: "other"})
    with pytest.raises(DistaffError, match="bias corrects counts"):
        mig(codes, factors, bias="miller-madow", estimator="ksg")

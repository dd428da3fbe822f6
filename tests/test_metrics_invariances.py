"""What a score does not change with, for every metric in the folder: ties, sizes, shifts, orders, constant factors."""

import math

import numpy as np
import polars as pl
import pytest

from distaff.errors import DistaffError
from distaff.metrics import dci, factor_vae_score, irs, jemmig, mcc, med, modularity, sap
from distaff.metrics.between import udr
from distaff.metrics.core.arrays import as_factors, canonical, moderate, scaled
from distaff.metrics.core.train_test import train_test
from distaff.metrics.latents import active_by_spread
from distaff.plugins.registry import METRICS, TASKS

NAMES = METRICS.names()
FEW = {
    "nk": {"steps": 60, "width": 16},
    "beta_vae_score": {"train": 600, "test": 600},
    "factor_vae_score": {"train": 600, "test": 600, "variance_rows": 2_000, "prune": 0.0},
}
WASSERSTEIN = "gaussian_wasserstein_correlation"
UNSUPERVISED = ("gaussian_total_correlation", "gaussian_wasserstein_correlation", "pairwise_mutual_information")
LABELLED = [name for name in NAMES if name not in UNSUPERVISED]
SIZES = (2, 3, 5)
GRID = np.stack(np.meshgrid(*map(np.arange, SIZES), indexing="ij"), -1).reshape(-1, 3)
RNG = np.random.default_rng(0)
FACTORS, TEST_FACTORS = np.tile(GRID, (12, 1)), np.tile(GRID, (6, 1))


def marks(name):
    return METRICS.plugin(name).marks


def depends(name, on):
    return on in marks(name).get("depends_on", ())


def noisy(factors, seed):
    return factors @ [[1, 0, 0.2], [0.3, 1, 0], [0, 0.2, 1]] + 0.3 * np.random.default_rng(seed).normal(
        size=factors.shape
    )


CODES, TEST_CODES = noisy(FACTORS, 1), noisy(TEST_FACTORS, 2)


def scored(name, codes=CODES, factors=FACTORS, test_codes=TEST_CODES, test_factors=TEST_FACTORS, **options):
    test = {"test": (test_codes, test_factors)} if marks(name).get("test_rows") else {}
    return METRICS.function(name)(codes, factors, **test, **(FEW.get(name, {}) | options))


def near(name, value, tolerance=5e-3):
    """Other draws of rows by a metric of a grid, other starts of NK's networks, trees that round otherwise."""
    loose = {"nk": 0.08, "dci": 0.02, "unified_scores": 0.03, "beta_vae_score": 0.06, "factor_vae_score": 0.06}
    return pytest.approx(value, abs=loose.get(name, tolerance), nan_ok=True)


# ties between latents


def tied(factors, seed):
    """Latents of which several know a factor equally well, by copies, by noise that hides nothing, and some dead."""
    rng = np.random.default_rng(seed)
    exact = factors.astype(float)
    wide = factors + 0.1 * rng.random(factors.shape)
    coarse = np.minimum(factors[:, [2]], 2)
    dead = np.tile([0.25, 0.25, -1.0], (len(factors), 1))
    both = factors[:, [0]] * 5 + factors[:, [2]]
    return np.hstack([wide, exact, coarse, dead, exact[:, :1], both, 2.0 * exact])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [name for name in NAMES if name != "gaussian_total_correlation"])
def test_the_order_of_latents_is_of_no_matter_where_they_tie(name):
    codes, test_codes = tied(FACTORS, 3), tied(TEST_FACTORS, 4)
    whole = float(scored(name, codes, test_codes=test_codes))
    for seed in range(2 if name in ("nk", "unified_scores", "dci") else 5):
        order = np.random.default_rng(seed).permutation(codes.shape[1])
        again = float(scored(name, codes[:, order], test_codes=test_codes[:, order]))
        assert again == pytest.approx(whole, abs=1e-6 if name in ("infomec", WASSERSTEIN) else 1e-9)  # roots of 1e-16


@pytest.mark.parametrize("name", ["dci", "unified_scores", "snc"])
def test_the_matrix_follows_the_order_of_latents(name):
    order = [2, 0, 1]
    matrix = scored(name).matrix
    np.testing.assert_allclose(
        scored(name, CODES[:, order], test_codes=TEST_CODES[:, order]).matrix, matrix[order], atol=1e-9
    )


@pytest.mark.parametrize("name", [name for name in TASKS.names() if name != "fairness"])
def test_the_order_of_latents_is_of_no_matter_to_the_learners_of_tasks(name):
    options = {"labels": 200} if "labels" in [p.name for p in TASKS.plugin(name).parameters] else {"few": 20}
    codes, order = tied(FACTORS, 3)[:, 3:9], [5, 3, 0, 4, 1, 2]
    function = TASKS.function(name)
    for learner in ("logistic", "trees"):
        first, second = (float(function(c, FACTORS, learner=learner, **options)) for c in (codes, codes[:, order]))
        assert first == pytest.approx(second, abs=1e-9)


def test_jemmig_takes_of_codes_that_tell_as_much_the_one_that_says_least_beside_it():
    factor = np.arange(1500)[:, None] % 2
    wide = factor + 0.1 * np.random.default_rng(0).random((1500, 1))

    def raw(*codes):
        return jemmig(np.hstack(codes), factor).parts["raw"]

    assert raw(wide, factor) == raw(factor, wide) == pytest.approx(raw(factor, factor))
    assert raw(wide, wide) > raw(wide, factor) + 0.5


def test_the_best_codes_of_med_are_all_that_tie_and_know_something():
    factors = FACTORS[:, :2]
    codes = np.column_stack([factors, factors, np.zeros(len(factors))]).astype(float)
    assert set(med(codes, factors, top=1).parts) == {"code_0", "code_1", "code_2", "code_3"}
    assert set(med(codes, factors, top=5).parts) == {"code_0", "code_1", "code_2", "code_3"}
    assert float(med(np.zeros((len(factors), 2)), factors, top=1)) == 0


def test_the_canonical_order_is_that_of_contents():
    order = np.random.default_rng(0).permutation(3)
    np.testing.assert_array_equal(CODES[:, canonical(CODES)], CODES[:, order][:, canonical(CODES[:, order])])


def test_udr_does_not_change_with_the_order_of_latents_that_tie():
    codes = [tied(FACTORS, seed)[:, 2:8] for seed in (1, 2, 3)]
    kl = np.ones((3, 6))
    order = [5, 2, 0, 4, 3, 1]
    for by in ("lasso", "spearman"):
        expected = udr(codes, kl, by=by).scores
        np.testing.assert_allclose(udr([c[:, order] for c in codes], kl, by=by).scores, expected, atol=1e-9)
        np.testing.assert_allclose(udr([c * 2.0**1000 for c in codes], kl, by=by).scores, expected, atol=1e-6)
        np.testing.assert_allclose(udr([c * 2.0**-1000 for c in codes], kl, by=by).scores, expected, atol=1e-6)


# other orders, signs, shifts


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_factors_is_of_no_matter(name):
    order = [2, 0, 1]
    assert float(scored(name, factors=FACTORS[:, order], test_factors=TEST_FACTORS[:, order])) == near(
        name, float(scored(name))
    )


@pytest.mark.parametrize("name", [name for name in NAMES if not depends(name, "shift")])
def test_a_shift_of_codes_is_of_no_matter_unless_declared(name):
    shifts = np.array([4.0, -64.0, 0.5])
    assert float(scored(name, CODES + shifts, test_codes=TEST_CODES + shifts)) == near(name, float(scored(name)))


@pytest.mark.parametrize("name", [name for name in NAMES if depends(name, "shift")])
def test_a_shift_of_codes_does_matter_where_that_is_declared_and_read(name):
    shifts = np.array([4.0, -64.0, 0.5])
    assert abs(float(scored(name, CODES + shifts, test_codes=TEST_CODES + shifts)) - float(scored(name))) > 1e-2
    assert "shift" in METRICS.plugin(name).doc


@pytest.mark.parametrize("name", [name for name in NAMES if depends(name, "scale")])
def test_a_score_that_depends_on_scale_says_so_in_words(name):
    words = ("scale", "size", "unit", "range", "deviation")
    assert any(word in METRICS.plugin(name).doc for word in words)


# huge and tiny codes

POWERS = (-300, -160, -30, -12, 12, 19, 30, 100, 160, 300)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_codes_of_any_size_have_the_score_of_moderate_ones_or_a_reason(name):
    least, most = marks(name)["range"]
    whole = float(scored(name))
    for power in POWERS if name not in ("nk", "dci", "unified_scores") else (-300, -30, 30, 300):
        size = 2.0 ** round(power / math.log10(2))
        score = scored(name, CODES * size, test_codes=TEST_CODES * size)
        if depends(name, "scale") and name not in ("irs", "infomec"):  # those two compare codes with each other only
            assert score.reason if math.isnan(score.value) else least <= score.value <= most
        else:
            assert score.value == pytest.approx(whole, abs=1e-9), power


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_float32_codes_of_any_size_have_the_score_of_moderate_ones_or_a_reason(name):
    least, most = marks(name)["range"]
    codes, test_codes = CODES.astype(np.float32), TEST_CODES.astype(np.float32)
    whole = float(scored(name, codes, test_codes=test_codes))
    for power in (-120, -65, 65, 124) if name not in ("nk", "unified_scores") else (-120, 124):
        size = np.float32(2.0**power)
        score = scored(name, codes * size, test_codes=test_codes * size)
        if depends(name, "scale") and name not in ("irs", "infomec"):
            assert score.reason if math.isnan(score.value) else least <= score.value <= most
        else:
            assert score.value == pytest.approx(whole, abs=1e-9), power


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_one_huge_and_one_tiny_code_are_no_error(name):
    sizes = np.array([2.0**1000, 1.0, 2.0**-1000])
    score = scored(name, CODES * sizes, test_codes=TEST_CODES * sizes)
    least, most = marks(name)["range"]
    assert score.reason if math.isnan(score.value) else least <= score.value <= most
    if not depends(name, "scale"):
        assert score.value == pytest.approx(float(scored(name)), abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_rows_far_outside_those_of_training_are_no_error(name):
    far = TEST_CODES.copy()
    far[0], far[1] = 1e300, -1e300
    assert math.isfinite(float(scored(name, test_codes=far)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("learner", ["logistic", "trees"])
@pytest.mark.parametrize("name", TASKS.names())
def test_tasks_take_codes_of_any_size(name, learner):
    options = {"labels": 100} if "labels" in [p.name for p in TASKS.plugin(name).parameters] else {"few": 20}
    function = TASKS.function(name)
    scores = {
        power: float(function(CODES * 2.0**power, FACTORS, learner=learner, **options))
        for power in (-1000, 0, 60, 1000)
    }
    assert all(0 <= value <= 1.2 for value in scores.values())
    if learner == "trees":
        assert len(set(scores.values())) == 1
    else:  # a penalty means nothing to huge codes
        assert scores[60] == pytest.approx(scores[1000], abs=0.02)


def test_a_power_of_two_changes_no_digit():
    codes = np.array([[3e300, 1e-310, 1.0, 0.0, np.inf], [-1e299, 3e-310, -2.0, 0.0, 1.0]])
    found, exponents = moderate(codes)
    np.testing.assert_array_equal(np.ldexp(found, exponents), codes)
    assert (np.abs(found[:, :2]).max(axis=0) < 1).all()
    assert (np.abs(found[:, :2]).max(axis=0) >= 0.5).all()
    assert exponents[2:].tolist() == [0, 0, 0]
    assert moderate(codes[:, 2:3])[0] is not None
    together, shared = moderate(codes[:, :3], each=False)
    assert len(set(shared.tolist())) == 1
    assert together[0, 0] == found[0, 0]
    assert scaled(np.array([[1e300]]), np.array([-900])).item() == 2.0**100


def test_active_latents_are_those_of_their_own_size():
    wide = np.random.default_rng(0).normal(size=(500, 1))
    codes = np.hstack([1e300 * wide, 0.06 * wide, 0.04 * wide, 1e-300 * wide])
    assert active_by_spread(codes).tolist() == [True, True, False, False]


# scores and what they are declared to lie in


@pytest.mark.parametrize("estimator", ["histogram", "ksg"])
@pytest.mark.parametrize("name", ["mig", "mig_sup", "dcimig", "med", "modularity", "infomec"])
def test_no_score_exceeds_1_by_rounding_or_by_the_bias_of_its_estimate(name, estimator):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(30, 300))
        factors = rng.integers(0, rng.integers(2, 9, size=3), size=(n, 3))
        codes = factors + (0.01 * rng.random(factors.shape) if estimator == "ksg" else 0)
        for by in ("factor", "code") if name == "mig_sup" else (None,):
            options = {"estimator": estimator} | ({"by": by} if by else {})
            score = METRICS.function(name)(codes, factors, **options)
            assert 0 <= float(score) <= 1
            if name in ("mig", "dcimig", "mig_sup"):
                assert all(0 <= value <= 1 for value in score.parts.values())


@pytest.mark.parametrize("name", NAMES)
def test_perfect_codes_score_within_the_declared_range(name):
    least, most = marks(name)["range"]
    for codes, test_codes in ((FACTORS, TEST_FACTORS), (FACTORS[:, [0, 0, 1, 2, 2]], TEST_FACTORS[:, [0, 0, 1, 2, 2]])):
        assert least <= float(scored(name, codes.astype(float), test_codes=test_codes.astype(float))) <= most


# constant factors


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", LABELLED)
def test_constant_factors_are_left_out(name, count):
    more, beside = (np.insert(part, [1] * count, 7, axis=1) for part in (FACTORS, TEST_FACTORS))
    perfect, test_codes = FACTORS.astype(float), TEST_FACTORS.astype(float)
    whole = float(scored(name, perfect, test_codes=test_codes))
    assert float(scored(name, perfect, more, test_codes, beside)) == pytest.approx(whole, abs=1e-9)
    assert float(scored(name, factors=more, test_factors=beside)) == pytest.approx(float(scored(name)), abs=1e-9)


@pytest.mark.parametrize("name", LABELLED)
def test_factors_that_all_have_one_value_give_nan_and_the_reason(name):
    score = scored(name, factors=np.ones_like(FACTORS), test_factors=np.ones_like(TEST_FACTORS))
    assert math.isnan(score.value)
    assert "value" in score.reason


def test_a_factor_vae_score_of_one_is_one_beside_constant_factors():
    codes = FACTORS + 1e-3
    assert float(factor_vae_score(codes, np.hstack([FACTORS, np.zeros((len(FACTORS), 2))]), train=300, test=300)) == 1


def test_votes_are_shared_by_codes_that_are_equally_still():
    still = np.column_stack([FACTORS[:, 0], 3.0 * FACTORS[:, 0], FACTORS[:, 1:]]).astype(float)
    score = factor_vae_score(still, FACTORS, train=400, test=400)
    np.testing.assert_allclose(score.matrix[:2, 0], 0.5)
    assert float(score) == 1


# values and classes


def test_sap_by_correlation_takes_the_values_of_factors():
    factors = np.array([0, 1, 2, 100])[np.random.default_rng(0).integers(4, size=(600, 2))]
    codes = factors.astype(float)
    score = sap(codes, factors, by="correlation")
    np.testing.assert_allclose(np.diag(score.matrix), 1)
    frame = pl.DataFrame({"gaps": factors[:, 0], "word": np.array(["a", "b", "c", "d"])[factors[:, 1] % 4]})
    assert sap(codes, frame, by="correlation").matrix[0, 0] == pytest.approx(1)
    assert mcc(codes, frame).matrix[0, 0] == pytest.approx(1)


def test_a_column_of_words_leaves_the_numbers_beside_it_numbers():
    table = as_factors(pl.DataFrame({"word": ["a", "b", "a"], "gaps": [0, 100, 1]}))
    assert table.numbers(0).tolist() == [0, 1, 0]
    assert table.numbers(1).tolist() == [0, 100, 1]
    with pytest.raises(DistaffError, match="factor 0 holds missing values"):
        as_factors(pl.DataFrame({"word": ["a", None, "a"], "gaps": [0, 100, 1]}))


def test_irs_cuts_the_values_of_factors_with_many_of_them_and_not_their_ranks():
    values = np.concatenate([np.arange(24), [1000]])
    factors = values[np.arange(2000) % 25][:, None]
    codes = np.random.default_rng(0).random((2000, 1))
    lumped = (factors > 100).astype(int)  # 20 equal widths of 0 to 1000 hold 0..23 in one
    assert float(irs(codes, factors)) == pytest.approx(float(irs(codes, lumped)))
    few = np.array([0, 1, 2, 100])[np.arange(2000) % 4][:, None]
    assert float(irs(codes, few)) == float(irs(codes, np.unique(few, return_inverse=True)[1].reshape(-1, 1)))


def test_values_of_factors_may_be_of_any_size():
    factors = np.random.default_rng(0).random((300, 2))
    codes = factors + 0.05 * np.random.default_rng(1).normal(size=(300, 2))
    for name in ("mcc", "sap", "mig", "infomec", "irs", "dci"):
        whole = float(METRICS.function(name)(codes, factors))
        for size in (2.0**1000, 2.0**-1000):
            assert float(METRICS.function(name)(codes, factors * size)) == pytest.approx(whole, abs=1e-9), name
    assert dci(codes, factors).parts["informativeness_test"] > 0.5
    assert float(modularity(codes, factors)) > 0.5


def test_a_split_knows_the_values_of_classes():
    split = train_test("sap", np.arange(9.0), np.array([0, 1, 100] * 3), None, 0)
    assert set(split.numbers[0].tolist()) <= {0.0, 1.0, 100.0}
    assert set(split.train_targets[0].tolist()) <= {0, 1, 2}

"""What holds of every metric in the folder, and so of the next one from the moment it is there."""

import inspect
import math

import numpy as np
import pytest

from distaff.errors import DistaffError
from distaff.plugins.registry import METRICS
from distaff.plugins.spec import content_id

NAMES = METRICS.names()
DRAWS = {
    "nk": {"steps": 300, "width": 32},
    "beta_vae_score": {"train": 1500, "test": 1500},
    "factor_vae_score": {"train": 1500, "test": 1500},
}
UNSUPERVISED = ("gaussian_total_correlation", "gaussian_wasserstein_correlation", "pairwise_mutual_information")
TOLERANCE = {"nk": 0.05, "dci": 0.02, "unified_scores": 0.03}  # begun from weights by column, or ties broken by column


def marks(name):
    return METRICS.plugin(name).marks


def learns(name):
    return bool(marks(name).get("test_rows"))


def near(name, value):
    return pytest.approx(value, abs=0.05 if marks(name)["rows"] == "grid" else TOLERANCE.get(name, 5e-3))


def drawn(n, seed, noise=0.4):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, [2, 3, 5], size=(n, 3))
    mixed = factors @ [[1, 0.1, 0, 0.3], [0.2, 1, 0, 0], [0, 0.1, 1, 0.3]]
    return mixed + noise * rng.normal(size=(n, 4)), factors


CODES, FACTORS = drawn(600, 0)
TEST_CODES, TEST_FACTORS = drawn(300, 1)


def scored(name, codes=CODES, factors=FACTORS, test_codes=TEST_CODES, test_factors=TEST_FACTORS, **options):
    test = {"test": (test_codes, test_factors)} if learns(name) else {}
    return METRICS.function(name)(codes, factors, **test, **(DRAWS.get(name, {}) | options))


@pytest.mark.parametrize("name", NAMES)
def test_the_score_is_a_plain_float_in_its_range_with_plain_parts(name):
    score = scored(name)
    least, most = marks(name)["range"]
    assert type(score.value) is float
    assert least <= score.value <= most
    assert all(type(key) is str and type(value) is float for key, value in score.parts.items())
    assert score.matrix is None or (score.matrix.shape == (4, 3) and score.matrix.dtype == np.float64)
    assert score.reason is None


@pytest.mark.parametrize("name", NAMES)
def test_the_score_repeats_itself_and_leaves_its_input_alone(name):
    codes, factors = CODES.copy(), FACTORS.copy()
    codes.flags.writeable = factors.flags.writeable = False
    first = scored(name, codes, factors)
    assert first.value == scored(name).value
    assert first.parts == scored(name).parts


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_codes_is_of_no_matter(name):
    order = [2, 0, 3, 1]
    assert scored(name, CODES[:, order], test_codes=TEST_CODES[:, order]).value == near(name, scored(name).value)


@pytest.mark.parametrize("name", NAMES)
def test_the_sign_of_codes_is_of_no_matter(name):
    signs = [-1, 1, -1, -1]
    assert scored(name, CODES * signs, test_codes=TEST_CODES * signs).value == near(name, scored(name).value)


@pytest.mark.parametrize("name", [name for name in NAMES if "scale" not in marks(name).get("depends_on", ())])
def test_the_scale_of_single_codes_is_of_no_matter_unless_declared(name):
    scales = [4.0, 0.5, 2.0, 8.0]
    assert scored(name, CODES * scales, test_codes=TEST_CODES * scales).value == near(name, scored(name).value)


@pytest.mark.parametrize("name", [name for name in NAMES if "scale" in marks(name).get("depends_on", ())])
def test_the_scale_of_single_codes_does_matter_where_that_is_declared(name):
    changed = []
    for scales in ([40.0, 1, 1, 1], [1, 1, 1, 1e-3], [1, 1e-3, 1, 1]):
        changed.append(abs(scored(name, CODES * scales, test_codes=TEST_CODES * scales).value - scored(name).value))
    assert max(changed) > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_rows_is_of_no_matter(name):
    rows = np.random.default_rng(2).permutation(len(CODES))
    assert scored(name, CODES[rows], FACTORS[rows]).value == near(name, scored(name).value)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNSUPERVISED])
def test_the_names_of_factor_values_are_of_no_matter(name):
    # MCC takes them for numbers, so that only their order and distances may be kept
    names = np.array([3, 13, 23, 33, 43] if name == "mcc" else [7, 1, 5, 3, 9])
    assert scored(name, factors=names[FACTORS], test_factors=names[TEST_FACTORS]).value == near(
        name, scored(name).value
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNSUPERVISED])
def test_a_perfect_code_is_better_than_a_noisy_one_and_that_than_noise(name):
    rng = np.random.default_rng(3)
    noisy = [part + 0.5 * rng.normal(size=part.shape) for part in (FACTORS, TEST_FACTORS)]
    noise = [rng.normal(size=part.shape) for part in (FACTORS, TEST_FACTORS)]
    best = scored(name, FACTORS.astype(float), test_codes=TEST_FACTORS.astype(float)).value
    middle, worst = (scored(name, codes, test_codes=test_codes).value for codes, test_codes in (noisy, noise))
    assert best + 0.01 >= middle > worst + 0.02


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNSUPERVISED])
def test_continuous_factors_are_known_from_their_own_codes_and_not_from_noise(name):
    rng = np.random.default_rng(4)
    factors, test_factors = rng.random((900, 3)), rng.random((400, 3))
    patient = {"steps": 1_200, "width": 64} if name == "nk" else {}  # twenty classes take longer to learn
    best = scored(name, -2 * factors[:, ::-1], factors, -2 * test_factors[:, ::-1], test_factors, **patient).value
    noise = scored(name, rng.normal(size=(900, 3)), factors, rng.normal(size=(400, 3)), test_factors).value
    assert best > noise + 0.15
    assert best > 0.45


DEGENERATE = {
    "one dead code": (lambda x: np.insert(x, 1, 0.25, axis=1), None),
    "only dead codes": (lambda x: np.full((len(x), 3), 0.1, np.float32), None),
    "one code": (lambda x: x[:, :1], None),
    "fewer codes than factors": (lambda x: x[:, :2], None),
    "copies": (lambda x: np.hstack([x, x]), None),
    "a nearly constant code": (lambda x: np.insert(x, 0, 1 + 1e-7 * x[:, 0], axis=1).astype(np.float32), None),
    "large codes": (lambda x: x * 1e6, None),
    "a constant factor": (None, lambda y: np.insert(y, 1, 7, axis=1)),
    "one factor": (None, lambda y: y[:, :1]),
    "copied factors": (None, lambda y: np.hstack([y, y])),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("what", DEGENERATE)
@pytest.mark.parametrize("name", NAMES)
def test_degenerate_codes_and_factors_have_a_finite_score_or_a_reason(name, what):
    codes, factors = (change or (lambda part: part) for change in DEGENERATE[what])
    score = scored(name, codes(CODES), factors(FACTORS), codes(TEST_CODES), factors(TEST_FACTORS))
    least, most = marks(name)["range"]
    if what == "copies" and name == "gaussian_total_correlation":
        assert score.value == math.inf
        assert score.reason
    else:
        assert least <= score.value <= most
        assert score.reason is None


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNSUPERVISED])
def test_factors_that_are_all_constant_have_a_reason_or_a_value_in_range(name):
    score = scored(name, factors=np.ones_like(FACTORS), test_factors=np.ones_like(TEST_FACTORS))
    assert score.reason if math.isnan(score.value) else 0 <= score.value <= 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_codes_that_are_not_finite_give_nan_and_a_reason(name, bad):
    codes = CODES.copy()
    codes[::7, 2] = bad
    score = scored(name, codes)
    assert math.isnan(score.value)
    assert "finite" in score.reason


@pytest.mark.parametrize("name", [name for name in NAMES if learns(name)])
def test_classes_that_only_one_of_training_and_test_has_do_not_stop_it(name):
    seen, known = FACTORS[:, 2] < 4, TEST_FACTORS[:, 2] > 0
    assert math.isfinite(scored(name, CODES[seen], FACTORS[seen]).value)
    assert math.isfinite(scored(name, test_codes=TEST_CODES[known], test_factors=TEST_FACTORS[known]).value)
    alone = scored(name, test_codes=TEST_CODES[:1], test_factors=TEST_FACTORS[:1])
    if name == "explicitness":  # an area under a curve needs a row on each side
        assert math.isnan(alone.value)
        assert "no two values" in alone.reason
    else:
        assert math.isfinite(alone.value)


@pytest.mark.parametrize("name", NAMES)
def test_misfits_and_wrong_shapes_are_refused_in_words(name):
    function = METRICS.function(name)
    if name not in UNSUPERVISED:
        with pytest.raises(DistaffError, match=r"\d+ rows of codes for \d+ rows of factors"):
            function(CODES[1:], FACTORS)
        with pytest.raises(DistaffError, match="factors have the shape"):
            function(CODES, FACTORS[None])
    with pytest.raises(DistaffError, match="codes have the shape"):
        function(CODES[None], FACTORS)
    with pytest.raises(DistaffError, match="not numbers"):
        function(np.full(CODES.shape, "a"), FACTORS)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_declares_what_its_numbers_mean(name):
    plugin, declared = METRICS.plugin(name), marks(name)
    least, most = declared["range"]
    assert least < most
    assert declared["paper"].startswith("https://")
    assert declared["rows"] == "grid" or declared["rows"] > 0
    assert ("ower is" if declared.get("higher_is_better") is False else "igher is") in plugin.doc
    assert "Raises `DistaffError`" in plugin.doc
    assert "not finite" in " ".join(plugin.doc.split())
    assert set(declared.get("depends_on", ())) <= {"scale", "shift", "sign"}
    assert list(inspect.signature(METRICS.function(name)).parameters)[:2] == ["codes", "factors"]


IDS = {  # of evaluations, by which studies find their scores: a new parameter must not change them
    "beta_vae_score": "48ca919ca5c15d9b",
    "dci": "1cb25d29ceb6cf6f",
    "dcimig": "af3850aa032ce5b4",
    "explicitness": "de1ca1cdf3b290da",
    "factor_vae_score": "366beb2ec43c708b",
    "gaussian_total_correlation": "d82edb1424e8d834",
    "gaussian_wasserstein_correlation": "f854d2bcd6ce5659",
    "infomec": "87d29e65bb2c60f8",
    "irs": "e3bd4317bab6196b",
    "jemmig": "9a742ff6e83514ad",
    "mcc": "d09b48e03940754a",
    "med": "7740f0300224c38e",
    "mig": "015a8fea5feb17f9",
    "mig_sup": "bead44ee14949ef1",
    "modularity": "df95d3717e2f5b6d",
    "nk": "5443e40a92cd4182",
    "pairwise_mutual_information": "65c46f44de810a80",
    "sap": "8bbca65910856dfc",
    "snc": "25ce1c034f5dbeee",
    "unified_scores": "22d200aeb646d0fe",
}


@pytest.mark.parametrize("name", IDS)
def test_the_default_question_keeps_its_id(name):
    assert content_id(METRICS.parse(name).identity) == IDS[name]

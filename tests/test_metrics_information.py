"""MIG, modularity and their histograms against the reference, and what holds where the reference gives up."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from distaff.errors import DistaffError
from distaff.metrics import mig, modularity
from distaff.metrics.core.arrays import as_codes
from distaff.metrics.core.information import chance_information, discretise, entropies, mutual_information
from distaff.metrics.modularity import modularity_of_codes
from golden_cases import CASES, case, read

SIZES = ("full", "small")
# NumPy 1 and NumPy 2 put a value that lies on an edge into different bins here; the stored bins are NumPy 2's.


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_bins_are_those_of_the_reference(name, size):
    codes, _, stored, _ = case(name, size)
    np.testing.assert_array_equal(discretise(codes), stored["disc_mus_train"].T)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_information_from_the_stored_bins_agrees_to_1e_9(name, size):
    _, factors, stored, _ = case(name, size)
    labels = stored["disc_mus_train"].T.astype(np.int64)
    np.testing.assert_allclose(mutual_information(labels, factors), stored["mi_matrix"], atol=1e-9)
    np.testing.assert_allclose(entropies(factors), stored["factor_entropy"], atol=1e-9)
    square = mutual_information(labels, labels)
    np.testing.assert_allclose(square, stored["mi_latents_with_diagonal"], atol=1e-9)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_mig_is_the_reference_to_1e_9(name, size):
    codes, factors, stored, scores = case(name, size)
    score = mig(codes, factors)
    assert float(score) == pytest.approx(scores["mig"]["discrete_mig"], abs=1e-9)
    np.testing.assert_allclose(list(score.parts.values()), stored["mig_per_factor"], atol=1e-9)
    np.testing.assert_allclose(score.matrix, stored["mi_matrix"], atol=1e-9)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_modularity_is_the_reference_to_1e_9(name, size):
    codes, factors, stored, scores = case(name, size)
    score = modularity(codes, factors)
    assert float(score) == pytest.approx(scores["modularity"]["modularity_score"], abs=1e-9)
    np.testing.assert_allclose(list(score.parts.values()), stored["modularity_per_code"], atol=1e-9)


@pytest.mark.parametrize("entry", read("functions")["histogram_discretize"], ids=lambda e: e["name"])
def test_the_histogram_is_the_reference_or_defined_where_it_raises(entry):
    codes = np.array(entry["input"], dtype=entry["dtype"]).T
    codes = codes[:, None] if codes.ndim == 1 else codes
    labels = discretise(as_codes(codes), entry["num_bins"])
    if isinstance(entry["output"], dict):  # the reference raised: its float32 edges coincide
        assert len(np.unique(labels)) == len(np.unique(codes))
    else:
        np.testing.assert_array_equal(labels, np.array(entry["output"]).T)


@pytest.mark.parametrize("name", read("functions")["matrix_functions"])
def test_modularity_of_a_matrix_is_the_reference(name):
    entry = read("functions")["matrix_functions"][name]
    each = modularity_of_codes(np.array(entry["matrix_codes_by_factors"]))
    np.testing.assert_allclose(each, entry["modularity_per_code"], atol=1e-9)


def test_a_nearly_constant_code_has_bins_where_numpy_refuses():
    codes = (1 + 1e-7 * np.random.default_rng(0).normal(size=(500, 1))).astype(np.float32)
    with pytest.raises(ValueError, match="Too many bins"):
        np.histogram(codes[:, 0], 20)
    assert len(np.unique(discretise(codes))) == len(np.unique(codes))


def test_one_code_has_a_rival_that_knows_nothing():
    factors = np.arange(400).reshape(-1, 1) % 4
    assert float(mig(factors.astype(float), factors)) == pytest.approx(1.0)
    padded = np.column_stack([factors, np.zeros(400)])
    assert float(mig(padded, factors)) == float(mig(factors.astype(float), factors))


def test_a_factor_of_one_value_is_left_out_and_all_of_one_value_give_a_reason():
    rng = np.random.default_rng(0)
    factors = np.column_stack([rng.integers(3, size=300), np.full(300, 7)])
    codes = rng.normal(size=(300, 2))
    score = mig(codes, factors)
    assert list(score.parts) == ["factor_0"]
    assert float(score) == score.parts["factor_0"]
    nothing = mig(codes, factors[:, 1:])
    assert math.isnan(float(nothing))
    assert "one value" in (nothing.reason or "")


def test_dead_codes_lower_modularity_unless_skipped():
    rng = np.random.default_rng(0)
    factors = rng.integers(5, size=(2000, 3))
    codes = np.column_stack([factors, rng.normal(size=(2000, 2)), np.zeros(2000)])
    assert float(modularity(codes, factors)) < 0.85
    skipped = modularity(codes, factors, dead_codes="skip")
    assert list(skipped.parts) == ["code_0", "code_1", "code_2"]
    assert float(skipped) > 0.99
    nothing = modularity(codes[:, 3:], factors, dead_codes="skip")
    assert math.isnan(float(nothing))
    assert nothing.reason


def test_noise_looks_modular_and_the_correction_alone_does_not_mend_it():
    rng = np.random.default_rng(0)
    factors = np.column_stack([rng.integers(size, size=10_000) for size in (3, 6, 40, 32, 32)])
    noise = rng.normal(size=(10_000, 10))
    assert float(modularity(noise, factors)) == pytest.approx(0.673, abs=0.03)
    assert float(modularity(noise, factors, bias="miller-madow")) > 0.6
    assert math.isnan(float(modularity(noise, factors, dead_codes="skip")))


def test_as_many_bins_as_a_byte_holds_and_more_are_counted_right():
    codes = np.arange(2000.0)[:, None]
    for bins in (255, 300):
        labels = discretise(codes, bins)
        assert labels.max() == bins
        assert mutual_information(labels, labels)[0, 0] == pytest.approx(entropies(labels)[0])


def test_with_one_factor_a_code_that_knows_it_is_modular():
    factors = np.random.default_rng(0).integers(4, size=(200, 1))
    assert float(modularity(np.column_stack([factors, np.ones(200)]), factors)) == 0.5


def test_the_correction_takes_off_most_of_the_bias():
    rng = np.random.default_rng(0)
    labels, classes = rng.integers(20, size=(10_000, 8)), rng.integers(40, size=(10_000, 4))
    plain = mutual_information(labels, classes).mean()
    corrected = mutual_information(labels, classes, "miller-madow").mean()
    assert plain == pytest.approx(19 * 39 / 20_000, rel=0.05)
    assert corrected < plain / 10


def test_chance_is_seldom_exceeded_by_independent_columns():
    rng = np.random.default_rng(0)
    labels, classes = rng.integers(20, size=(3000, 20)), rng.integers(6, size=(3000, 20))
    assert (mutual_information(labels, classes) <= chance_information(labels, classes)).all()


def test_an_unknown_option_is_named_with_the_known_ones():
    codes, factors = np.eye(4), np.arange(4)
    with pytest.raises(DistaffError, match="miller-madow"):
        mig(codes, factors, bias="miler-madow")
    with pytest.raises(DistaffError, match="skip"):
        modularity(codes, factors, dead_codes="drop")


labels_of = arrays.arrays(np.int64, st.tuples(st.integers(2, 60), st.just(2)), elements=st.integers(0, 5))


@settings(deadline=None, max_examples=60)
@given(labels_of)
def test_information_is_symmetric_and_at_most_either_entropy(labels):
    a, b = labels[:, :1], labels[:, 1:]
    forward = mutual_information(a, b)[0, 0]
    assert forward == pytest.approx(mutual_information(b, a)[0, 0], abs=1e-12)
    assert forward <= min(entropies(a)[0], entropies(b)[0]) + 1e-12
    assert mutual_information(a, a)[0, 0] == pytest.approx(entropies(a)[0], abs=1e-12)

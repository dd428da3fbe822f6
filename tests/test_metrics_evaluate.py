"""How metrics get their rows: what is trained on is not tested on, and nothing but the table and the draw decides."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from distaff.data import load
from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics import dci, gaussian_total_correlation, mig
from distaff.metrics.baselines import baselines
from distaff.metrics.evaluate import (
    Sampled,
    evaluate,
    evaluate_table,
    evaluation_table,
    specification,
    split_record,
    split_text,
    splits,
)
from distaff.metrics.evaluate.split import disjoint
from distaff.plugins.registry import METRICS, TASKS
from distaff.testing.metric_evaluations import quick_text

SMALL = {"rows": 400, "test_rows": 200}


def drawn(seed=0, n=1500):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, [3, 4, 5], size=(n, 3))
    return factors @ [[1, 0.2, 0], [0.4, 1, 0], [0, 0.3, 1]] + 0.5 * rng.normal(size=(n, 3)), factors


def toy():
    """The whole grid of toy, with a random code for each image: a code that knows nothing of any other image."""
    factors = load("toy").factors
    values = factors.values(np.arange(len(factors)))
    noise = np.random.default_rng(0).standard_normal((len(values), 6)).astype(np.float32)
    return noise, pl.DataFrame(values, schema=list(factors.names)), factors.sizes


@pytest.mark.parametrize(("n", "looks"), [(768, 1), (768, 10), (30_000, 1), (7, 1), (2, 1), (2, 3)])
@pytest.mark.parametrize(("rows", "test_rows"), [(2_000, 1_000), (10_000, 5_000), (3, 50), (1, 1)])
def test_no_image_is_trained_on_and_tested_on(n, looks, rows, test_rows):
    images = np.tile(np.arange(n), looks)
    alone, train, test = disjoint(images, rows, test_rows, 0)
    assert not set(images[train]) & set(images[test])
    for part in (alone, train, test):
        assert len(set(part.tolist())) == len(part) > 0, "drawn without replacement"
    assert len(alone) == min(rows, len(images))
    if n >= rows + test_rows:
        assert (len(train), len(test)) == (rows, test_rows)
    elif looks == 1 and n > 100:
        assert len(train) + len(test) <= n
        assert len(train) == pytest.approx(n * rows / (rows + test_rows), abs=1) or len(train) == rows


def test_a_small_table_is_split_in_the_proportion_that_was_asked_for():
    _, train, test = disjoint(np.arange(768), 2_000, 1_000, 0)
    assert (len(train), len(test)) == (512, 256)
    given = evaluation_table(*drawn(), rows=10_000, test_rows=5_000)
    assert [len(part) for part in splits(specification("dci"), given)] == [1000, 500]


def test_all_metrics_share_their_rows_and_another_draw_has_others():
    given = evaluation_table(*drawn(), **SMALL)
    first, again, other = splits(specification("dci"), given), splits(specification("sap"), given), None
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (splits(specification("mig"), given).train == first.train).all()
    other = splits(specification("dci"), given, draw=1)
    assert set(other.test.tolist()) != set(first.test.tolist())


def test_every_row_is_as_likely_to_be_tested_on():
    counts = np.zeros(30)
    for draw in range(600):
        counts[disjoint(np.arange(30), 4, 2, draw)[2]] += 1
    assert counts.min() > 20  # 40 are expected, with a deviation of 6.1
    assert counts.max() < 65


@pytest.mark.parametrize(
    "text",
    [
        "explicitness",
        "dci",
        "downstream(labels=1000, learner='trees')",
        "downstream(labels=100, learner='trees')",
        "downstream(labels=10, learner='trees')",
        "downstream(labels=1000)",
        "reduced_downstream(labels=300)",
        "strong_downstream(labels=300, test=300)",
    ],
)
def test_a_random_code_for_each_image_scores_chance(text):
    noise, factors, sizes = toy()
    score = evaluate(text, noise, factors, rows=2_000, test_rows=1_000)
    chance = np.mean([1 / size for size in sizes])
    part = {"dci": "informativeness_test", "reduced_downstream": "test_other_factors", "strong_downstream": "test"}
    value = score.parts.get(part.get(text.partition("(")[0], ""), float(score))
    assert value == pytest.approx(0.5 if text == "explicitness" else chance, abs=0.06)


def test_the_sampling_of_2019_knows_the_images_that_it_tests_on_and_says_so():
    noise, factors, sizes = toy()
    limits = {"rows": 2_000, "test_rows": 1_000, "sampling": "2019"}
    score = evaluate("downstream(labels=1000, learner='trees')", noise, factors, **limits)
    assert float(score) > np.mean([1 / size for size in sizes]) + 0.3
    record = split_record([specification("dci"), specification("mig")], evaluation_table(noise, factors, **limits))
    assert record["overlap"] == pytest.approx(1 - (1 - 1 / 768) ** 2_000, abs=0.03)
    assert "drawn with replacement as in 2019; 9" in split_text(record)
    apart = split_record([specification("dci")], evaluation_table(noise, factors, rows=2_000, test_rows=1_000))
    assert apart == {"sampling": "disjoint", "images": 768, "rows": 768, "train": 512, "test": 256, "overlap": 0.0}
    assert split_text(apart) == (
        "512 train and 256 test rows of 768 images; no test row shows an image that was trained on"
    )
    alone = split_record([specification("mig")], evaluation_table(noise, factors, rows=500, test_rows=1_000))
    assert (alone["train"], alone["test"], alone["overlap"]) == (500, 0, None)


def test_the_sampling_of_2019_is_what_studies_did_before_there_was_a_choice():
    codes, factors = drawn()
    draw = generator("dci", 0)
    train, test = draw.integers(1500, size=400), draw.integers(1500, size=200)
    by_hand = dci(codes[train], factors[train], (codes[test], factors[test]))
    assert evaluate("dci", codes, factors, sampling="2019", **SMALL) == by_hand
    mean, logvar = codes.astype(np.float32), np.full(codes.shape, -1, dtype=np.float32)
    draw = generator("mig", 3)
    rows = draw.integers(1500, size=400)
    z = mean[rows] + np.exp(0.5 * logvar[rows]) * draw.standard_normal((400, 3), dtype=np.float32)
    found = evaluate("mig", Sampled(mean, logvar), factors, sampling="2019", draw=3, **SMALL)
    assert found == mig(z, factors[rows])


def test_looks_at_one_image_are_on_one_side():
    noise, factors, sizes = toy()
    codes = np.tile(noise, (6, 1)) + 0.01 * np.random.default_rng(1).normal(size=(6 * 768, 6))
    names = pl.concat([factors] * 6)
    text, limits = "downstream(labels=1000, learner='trees')", {"rows": 2_000, "test_rows": 1_000}
    chance = np.mean([1 / size for size in sizes])
    unaware = float(evaluate(text, codes, names, **limits))
    aware = float(evaluate(text, codes, names, images=np.tile(np.arange(768), 6), **limits))
    assert unaware > chance + 0.3
    assert aware == pytest.approx(chance, abs=0.06)


@pytest.mark.parametrize("name", [*METRICS.names(), *TASKS.names()])
def test_a_score_depends_on_what_is_given_and_on_the_draw_alone(name):
    codes, factors = drawn(n=400)
    text = quick_text((METRICS if name in METRICS.names() else TASKS).plugin(name))
    limits = {"rows": 200, "test_rows": 100}
    found = evaluate(text, codes, factors, **limits)
    assert evaluate(text, codes, factors, jobs=2, **limits) == found
    assert (
        evaluate_table(specification(text), evaluation_table(codes, pl.DataFrame(factors), **limits)).value
        == found.value
    )
    sampled = Sampled(codes.astype(np.float32), np.full(codes.shape, -2, dtype=np.float32))
    one, two = (evaluate(text, sampled, factors, **limits) for _ in range(2))
    assert one == two


def test_sampled_codes_are_drawn_anew_at_each_look_and_by_the_draw():
    mean, logvar = np.zeros((50, 2), dtype=np.float32), np.zeros((50, 2), dtype=np.float32)
    codes = Sampled(mean, logvar, generator("noise", 0))
    first, second = codes[np.arange(50)], codes[np.arange(50)]
    assert not (first == second).any()
    assert codes[np.array([[1, 2], [3, 4]])].shape == (2, 2, 2)
    with pytest.raises(DistaffError, match="generator"):
        Sampled(mean, logvar)[np.arange(2)]
    with pytest.raises(DistaffError, match="both are rows by latents"):
        Sampled(mean, logvar[:, :1])


def test_the_mask_of_active_latents_reaches_the_metrics_that_take_one():
    codes, factors = drawn()
    active = np.array([True, True, False])
    found = evaluate("gaussian_total_correlation(dims='active')", codes, factors, active=active)
    assert float(found) == pytest.approx(float(gaussian_total_correlation(codes[:, :2])), rel=1e-12)
    assert evaluate("gaussian_total_correlation", codes, factors, active=active) == gaussian_total_correlation(codes)
    assert evaluate("mig", codes, factors, active=active) == mig(codes, factors)


def test_where_all_rows_fit_a_metric_has_them_in_their_order():
    codes, factors = drawn()
    assert evaluate("mig", codes, factors) == mig(codes, factors)
    assert (splits(specification("mig"), evaluation_table(codes, factors)).train == np.arange(1500)).all()


def test_a_sample_of_a_grid_can_be_intervened_on():
    factors = load("dsprites").factors
    rows = np.sort(generator("cells", 0).choice(len(factors), size=20_000, replace=False))
    values = pl.DataFrame(factors.values(rows), schema=list(factors.names))
    noise = np.random.default_rng(0).standard_normal((len(rows), 4)).astype(np.float32)
    strong = evaluate("strong_downstream(labels=300, test=200)", noise, values)
    chance = np.mean([1 / size for size in factors.sizes])
    assert float(strong) == pytest.approx(chance, abs=0.06)
    assert 0 < float(evaluate("fairness(labels=300, learner='logistic')", noise, values)) < 0.5


def test_misfits_of_rows_are_named():
    codes, factors = drawn()
    with pytest.raises(DistaffError, match="1499 rows of codes for 1500 rows of factors"):
        evaluate("mig", codes[1:], factors)
    with pytest.raises(DistaffError, match="unknown sampling 'disjunct'"):
        evaluate("mig", codes, factors, sampling="disjunct")
    with pytest.raises(DistaffError, match="test_rows=0: both must be at least 1"):
        evaluate("mig", codes, factors, test_rows=0)
    with pytest.raises(DistaffError, match="one whole number for each of 1500 rows"):
        evaluate("mig", codes, factors, images=np.arange(3))
    with pytest.raises(DistaffError, match="at least two images"):
        evaluate("dci", codes, factors, images=np.zeros(1500, dtype=int))
    assert 0 <= float(evaluate("mig", codes, factors, images=np.zeros(1500, dtype=int))) <= 1


def test_baselines_see_the_rows_that_scores_see():
    _, factors = drawn()
    codes = np.stack([factors[:, j] for j in range(3)], axis=1)
    standardised = ((codes - codes.mean(axis=0)) / codes.std(axis=0)).astype(np.float32)
    for sampling in ("disjoint", "2019"):
        limits = {**SMALL, "sampling": sampling}
        assert baselines("dci", factors, **limits).perfect == float(evaluate("dci", standardised, factors, **limits))

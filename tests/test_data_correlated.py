"""Correlated factors: drawn as in the formula, the others uniform, nothing else changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from distaff import rng
from distaff.data import Dataset, Factors, load
from distaff.data.correlated import prior
from distaff.errors import DistaffError
from distaff.plugins.registry import DATASETS
from distaff.runs import run
from distaff.training.pack import pack
from distaff.training.step import draw_batch

TEXT = "correlated(dataset='toy', pairs=(('posX', 'posY'),), sigma=0.2)"


def drawn(dataset: Dataset, n: int = 60_000) -> np.ndarray:
    return dataset.factors.all_values(dataset.draw_rows(3, 0, n))


@pytest.mark.parametrize("sigma", [0.04, 0.1, 0.2, 0.4])
def test_a_pair_is_drawn_as_the_formula_says_and_the_rest_uniformly(sigma):
    toy = load(TEXT.replace("0.2", str(sigma)))
    values = drawn(toy)
    places = np.arange(8) / 7
    p = np.exp(-((places[:, None] - places) ** 2) / (2 * sigma**2)).ravel()
    p /= p.sum()
    counts = np.bincount(values[:, 2] * 8 + values[:, 3], minlength=64)
    likely = p * len(values) > 5
    assert counts[~likely].sum() < 5 * p[~likely].sum() * len(values) + 10
    expected = p[likely] / p[likely].sum() * counts[likely].sum()
    assert chisquare(counts[likely], expected).pvalue > 1e-4
    rest = np.bincount(values[:, 0] * 4 + values[:, 1], minlength=12)
    assert chisquare(rest).pvalue > 1e-4
    both = np.bincount((values[:, 0] * 4 + values[:, 1]) * 8 + values[:, 2], minlength=96).reshape(12, 8)
    assert chisquare(both.ravel(), np.outer(rest, both.sum(0)).ravel() / len(values), ddof=18).pvalue > 1e-4


def test_densities_of_several_pairs_are_multiplied_also_where_they_share_a_factor():
    factors = Factors(("a", "b", "c", "d"), (3, 4, 2, 5))
    sample = prior(factors, (("a", "b"), ("a", "d")), 0.3)
    u = (np.arange(200_000) + 0.5) / 200_000
    values = factors.all_values(sample(np.zeros(len(u), np.int64), u))
    a, b, d = np.meshgrid(np.linspace(0, 1, 3), np.linspace(0, 1, 4), np.linspace(0, 1, 5), indexing="ij")
    p = np.exp(-((a - b) ** 2 + (a - d) ** 2) / (2 * 0.09))
    frequency = np.bincount(np.ravel_multi_index(tuple(values[:, [0, 1, 3]].T), (3, 4, 5)), minlength=60) / len(u)
    np.testing.assert_allclose(frequency, (p / p.sum()).ravel(), atol=1.1e-5)
    assert (values[:, 2] == 0).all()


def test_every_uniform_leads_inside_the_grid():
    sample = prior(Factors(("a", "b"), (3, 4)), (("a", "b"),), 0.01)
    ends = np.array([0.0, np.nextafter(1.0, 0.0)])
    assert sample(np.zeros(2, np.int64), ends).tolist() == [0, 11]


@pytest.mark.parametrize("name", ["toy", "toy_hidden", "dsprites", "mpi3d_real"])
def test_without_correlation_the_draws_are_those_they_were(name):
    dataset = load(name)
    for step in range(20):
        np.testing.assert_array_equal(dataset.draw_rows(5, step, 64), rng.integers(5, "data", step, 64, len(dataset)))


def test_draws_depend_on_seed_and_step_alone():
    toy = load(TEXT)
    np.testing.assert_array_equal(toy.draw_rows(1, 2, 64), load(TEXT).draw_rows(1, 2, 64))
    assert not np.array_equal(toy.draw_rows(1, 2, 64), toy.draw_rows(1, 3, 64))
    assert not np.array_equal(toy.draw_rows(1, 2, 64), toy.draw_rows(2, 2, 64))


def test_images_and_factors_are_those_of_the_other_set():
    toy, plain = load(TEXT), load("toy")
    assert toy.factors == plain.factors
    rows = np.arange(0, 768, 7)
    np.testing.assert_array_equal(toy.images(rows), plain.images(rows))
    assert load(TEXT.replace("'toy'", "'toy_color'")).nuisance == (3,)


def test_training_sees_the_correlated_rows():
    packed = pack((run(TEXT, "beta_vae(beta=1)", "mlp(width=8, latents=2)", seed=4, updates=9),))
    toy = load(TEXT)
    x = draw_batch(packed, 3).x[0]
    assert torch.equal(x, toy.batch(toy.draw_rows(4, 3, 64)))
    assert not torch.equal(x, toy.batch(load("toy").draw_rows(4, 3, 64)))


def test_the_text_of_a_correlated_set_reads_back():
    spec = DATASETS.parse(TEXT)
    assert DATASETS.parse(str(spec)) == spec
    assert spec.identity != DATASETS.parse(TEXT.replace("0.2", "0.1")).identity


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("'posX'", "'posX_'"), "Did you mean 'posX'"),
        (("0.2", "0"), "outside its range"),
        (("0.2", "1e-300"), "outside its range"),
        (("(('posX', 'posY'),)", "('posX', 'posY')"), "two names for each pair"),
        (("(('posX', 'posY'),)", "()"), "two names for each pair"),
        (("'posY'", "'posX'"), "two names for each pair"),
        (("'toy'", repr(TEXT)), "correlated already"),
    ],
)
def test_a_mistake_is_one_clear_error(change, complaint):
    with pytest.raises(DistaffError, match=complaint):
        load(TEXT.replace(*change))


def test_a_grid_with_missing_cells_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 2, 2), np.uint8), factors=[[0, 0], [0, 1], [1, 0]])
    inner = f"arrays(images='{tmp_path}/a.npz')"
    text = f"correlated(dataset={inner!r}, pairs=(('factor_0', 'factor_1'),), sigma=0.1)"
    with pytest.raises(DistaffError, match="no complete grid"):
        load(text)

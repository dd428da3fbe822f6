"""Theorem 1 on a trained model: the same images and ELBO, other scores; and the page that shows it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from distaff.pictures.latent_factors import kl, shares
from distaff.pictures.model import encode_sample
from distaff.theory.example import trained
from distaff.theory.illustrations import RotatedModel
from distaff.theory.impossibility import Floats, spread
from distaff.theory.page import build
from distaff.theory.rotated import Twins, full_kl, to_nearest_diagonal, twins
from distaff.trained import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return trained()


@pytest.fixture(scope="module")
def turn() -> Floats:
    return spread(6, np.random.default_rng(0))


@pytest.fixture(scope="module")
def pair(model: Model, turn: Floats) -> Twins:
    return twins(model, turn)


def test_both_decoders_give_the_same_images(pair: Twins) -> None:
    assert np.abs(pair.logits - pair.turned_logits).max() < 1e-4
    first, second = pair.pixels
    assert (first == second).all()
    assert np.ptp(first) > 200, "there is something to see"


def test_in_single_precision_logits_still_agree_to_1e_4(model: Model, turn: Floats) -> None:
    z = encode_sample(model).codes.sample(np.random.default_rng(0))[:200]
    other = RotatedModel(model, turn.astype(np.float32)).decode((z @ turn.T).astype(np.float32))
    images = model.decode(z)
    clear = (images > 1e-3) & (images < 1 - 1e-3)  # where a float32 sigmoid can be undone
    logits, others = (np.log(p[clear] / (1 - p[clear])) for p in (images.astype(float), other.astype(float)))
    assert clear.sum() > 1000
    assert np.abs(logits - others).max() < 1e-4


def test_the_elbo_is_the_same_under_the_turned_posterior(pair: Twins) -> None:
    assert pair.elbo == pytest.approx(pair.turned_elbo, abs=1e-9)
    assert pair.diagonal_gap > 0.1, "and no diagonal posterior comes near it"


def test_scores_of_the_twin_fall_below_half(pair: Twins) -> None:
    for name in ("mig", "dci"):
        before, after = pair.scores[name]
        assert before > 0.2
        assert after < before / 2
    assert pair.scores["modularity"][1] > pair.scores["modularity"][0] / 2


def test_kl_of_a_full_covariance_is_that_of_torch() -> None:
    draw = torch.Generator().manual_seed(0)
    root, mean = (torch.randn(shape, generator=draw, dtype=torch.float64) for shape in ((3, 4, 4), (3, 4)))
    covariance = root @ root.mT + torch.eye(4)
    q = torch.distributions.MultivariateNormal(mean, covariance)
    p = torch.distributions.MultivariateNormal(torch.zeros(4, dtype=torch.float64), torch.eye(4, dtype=torch.float64))
    assert torch.allclose(full_kl(mean, covariance), torch.distributions.kl_divergence(q, p))
    nearest = torch.distributions.MultivariateNormal(
        mean, torch.diag_embed(1 / torch.linalg.inv(covariance).diagonal(dim1=1, dim2=2))
    )
    assert torch.allclose(to_nearest_diagonal(covariance), torch.distributions.kl_divergence(nearest, q))


def test_the_turned_model_is_one_that_pictures_can_show(model: Model, turn: Floats) -> None:
    one, other = encode_sample(model), encode_sample(RotatedModel(model, turn.astype(np.float32)))
    assert other.model.decode(other.codes.mean) == pytest.approx(model.decode(one.codes.mean), abs=1e-5)
    assert np.exp(other.codes.logvar).sum() == pytest.approx(np.exp(one.codes.logvar).sum(), rel=1e-4)
    best = [np.sort(shares(m.codes.mean, m.factors), axis=0) for m in (one, other)]
    assert (best[1][-1] - best[1][-2]).mean() < (best[0][-1] - best[0][-2]).mean()
    assert kl(other.codes).min() > kl(one.codes).min(), "every latent of the twin is used"


def test_the_page_opens_from_disk_and_holds_what_it_names(model: Model, tmp_path: Path) -> None:
    page = build(model, tmp_path, draws=500).read_text(encoding="utf-8")
    assert "{{" not in page
    assert not re.search(r'(src|href)="https?:', page)
    for name in re.findall(r'src="([^"]+)"', page):
        assert (tmp_path / name).stat().st_size > 5000
    assert "Pixels that differ, of 0 to 255: 0 of" in page

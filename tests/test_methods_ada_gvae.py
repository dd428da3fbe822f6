"""Ada-GVAE: pairs differ in the requested number of factors, and views share the latents that differ least."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from distaff.errors import DistaffError
from distaff.methods._pairs import changed
from distaff.methods.ada_gvae import share
from distaff.runs import Optim, run
from distaff.training.engines.loop import loop
from distaff.training.engines.stacked import stacked
from distaff.training.pack import begin, pack
from distaff.training.step import draw_batch, step

SIZES = (3, 4, 8, 8)


def pairs(k: int, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    first = np.stack([generator.integers(size, size=n) for size in SIZES], 1)
    return first, changed(first, SIZES, generator.random((n, 2 + 2 * len(SIZES))), k=k)


@pytest.mark.parametrize("k", [1, 2, 4, -1])
def test_at_most_k_factors_change_and_each_as_often(k: int) -> None:
    first, second = pairs(k)
    assert (second >= 0).all()
    assert (second < SIZES).all()
    differ = first != second
    most = k if k > 0 else len(SIZES) - 1
    assert differ.sum(1).max() == most
    # half of the pairs draw one factor anew, the others k of them (or 1 to f - 1, each as likely)
    several = k if k > 0 else (1 + most) / 2
    redrawn = (1 + several) / 2 / len(SIZES)
    for factor, size in enumerate(SIZES):
        expected = redrawn * (1 - 1 / size)
        assert abs(differ[:, factor].mean() - expected) < 5 * math.sqrt(expected / len(first))


def slow_share(mean: np.ndarray, logvar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair by pair, latent by latent."""
    mean, logvar, b = mean.copy(), logvar.copy(), len(mean) // 2
    for i in range(b):
        j = b + i
        kl = [
            (lv2 - lv1 + (math.exp(lv1) + (m1 - m2) ** 2) / math.exp(lv2) - 1) / 2
            for m1, m2, lv1, lv2 in zip(mean[i], mean[j], logvar[i], logvar[j], strict=True)
        ]
        for latent, value in enumerate(kl):
            if value < (min(kl) + max(kl)) / 2:
                mean[i, latent] = mean[j, latent] = (mean[i, latent] + mean[j, latent]) / 2
                variance = (math.exp(logvar[i, latent]) + math.exp(logvar[j, latent])) / 2
                logvar[i, latent] = logvar[j, latent] = math.log(variance)
    return mean, logvar


@given(st.integers(1, 5), st.integers(2, 6), st.integers(0, 2**31))
def test_the_latents_that_differ_least_are_averaged(b: int, d: int, seed: int) -> None:
    mean, logvar = torch.randn(2, 2 * b, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = slow_share(mean.numpy(), logvar.numpy())
    for shared, by_hand in zip(share(mean, logvar), expected, strict=True):
        np.testing.assert_allclose(shared.numpy(), by_hand, rtol=1e-9, atol=1e-12)


def test_a_batch_holds_both_views_and_every_engine_agrees() -> None:
    torch.set_num_threads(1)
    runs = tuple(
        run("toy", f"ada_gvae(beta={beta})", "mlp(width=16, latents=4)", seed=s, updates=20, optim=Optim(lr=1e-3))
        for beta in (1, 4)
        for s in (0, 1)
    )
    packed = pack(runs)
    drawn = draw_batch(packed, 0)
    assert drawn.x.shape[:2] == (4, 128)
    assert drawn.noise.shape == (4, 128, 4)
    same = (drawn.x[:, :64] == drawn.x[:, 64:]).flatten(2).all(2)
    assert 0 < same.float().mean() < 0.6  # a redrawn value may be the old one
    expected, found = begin(packed), begin(packed)
    for _ in range(20):
        expected, _, _ = step(packed, expected, loop)
        found, _, _ = step(packed, found, stacked)
    for name, weights in expected.params.items():
        torch.testing.assert_close(found.params[name], weights, rtol=0, atol=1e-5)


def test_sharing_carries_gradients_to_both_views() -> None:
    mean, logvar = (torch.randn(4, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))

    def first_view(m: Tensor, lv: Tensor) -> Tensor:
        return share(m, lv)[0][:2].square().sum() + share(m, lv)[1].sum()

    assert torch.autograd.gradcheck(first_view, (mean, logvar))


def test_one_to_all_factors_may_change_or_a_number_drawn_for_each_pair():
    values, uniforms = np.zeros((5, 3), np.int64), np.random.default_rng(0).random((5, 8))
    for k in (1, 2, 3, -1):
        assert changed(values, (4, 4, 4), uniforms, k=k).shape == (5, 3)
    for k in (0, 4, -2):
        with pytest.raises(DistaffError, match=f"k={k}: of 3 factors 1 to 3 can change"):
            changed(values, (4, 4, 4), uniforms, k=k)

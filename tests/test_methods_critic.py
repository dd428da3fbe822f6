"""FactorVAE's discriminator learns by the cross-entropy of its two classes, with and without clipped probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from distaff.methods import Outputs, hooks


@given(st.lists(st.tuples(*[st.floats(-30, 30)] * 4), min_size=1, max_size=8), st.booleans())
def test_the_critics_loss_is_the_cross_entropy_of_its_two_classes(logits: list[tuple[float, ...]], clip: bool) -> None:
    rows = np.array(logits)
    total = 0.0
    for real0, real1, fake0, fake1 in rows:
        p = math.exp(real0 - np.logaddexp(real0, real1)), math.exp(fake1 - np.logaddexp(fake0, fake1))
        kept = [min(max(q, 1e-6), 1 - 1e-6) for q in p] if clip else p
        total -= (math.log(kept[0]) + math.log(kept[1])) / 2
    empty = torch.zeros(len(rows), 1, dtype=torch.float64)
    out = Outputs(torch.tensor(0.0), empty, empty, empty, torch.tensor(0.0), *torch.from_numpy(rows).split(2, 1))
    loss = hooks("factor_vae", clip=clip).critic
    assert loss is not None
    assert math.isclose(float(loss(out)), total / len(rows), rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("clip", [True, False])
def test_the_critics_gradient_is_that_of_finite_differences(clip: bool) -> None:
    loss, empty = hooks("factor_vae", clip=clip).critic, torch.zeros(5, 1, dtype=torch.float64)
    assert loss is not None

    def of_logits(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return loss(Outputs(torch.tensor(0.0), empty, empty, empty, torch.tensor(0.0), real, fake))

    drawn = torch.randn(2, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3
    assert torch.autograd.gradcheck(of_logits, [part.requires_grad_() for part in drawn.unbind()])

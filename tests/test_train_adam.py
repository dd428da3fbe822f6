"""Adam, as it is computed on a CPU and on an accelerator, is the published rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from distaff.errors import DistaffError
from distaff.runs import Optim
from distaff.training.adam import _compiled, _fused, adam_step, learning_rate

Numbers = st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=40)


def paper(gradients: np.ndarray, optim: Optim) -> np.ndarray:
    """Algorithm 1 of Kingma and Ba (2015) in float64, from 0, a line a line of the paper."""
    theta = m = v = np.zeros(gradients.shape[1])
    for t, g in enumerate(gradients, start=1):
        m = optim.beta1 * m + (1 - optim.beta1) * g
        v = optim.beta2 * v + (1 - optim.beta2) * g**2
        theta = theta - optim.lr * (m / (1 - optim.beta1**t)) / (np.sqrt(v / (1 - optim.beta2**t)) + optim.eps)
    return theta


@given(Numbers, st.sampled_from([Optim(), Optim(lr=1e-3, beta1=0.5, beta2=0.9), Optim(eps=1e-3)]))
def test_both_ways_follow_the_paper(numbers: list[float], optim: Optim) -> None:
    gradients = np.outer(np.linspace(1, -0.5, 7), numbers).astype(np.float32)
    gradients[np.abs(gradients) < 1e-6] = 0  # smaller squares leave the range of float32
    expected = paper(gradients.astype(np.float64), optim)
    for rule in (_fused, _compiled):
        p, m, v = (torch.zeros(len(numbers)) for _ in range(3))
        for step, g in enumerate(gradients):
            rule([p], [torch.from_numpy(g)], [m], [v], optim, adam_step(optim, step, 7))
        np.testing.assert_allclose(p.numpy(), expected, rtol=2e-4, atol=1e-9)


def test_a_number_is_updated_alike_wherever_it_stands() -> None:
    gradient = torch.randn(1003, generator=torch.Generator().manual_seed(0))
    whole = [torch.zeros(1003) for _ in range(3)]
    parts = [torch.zeros(1003) for _ in range(3)]
    for step in range(5):
        _compiled([whole[0]], [gradient], [whole[1]], [whole[2]], Optim(), adam_step(Optim(), step, 5))
        for start, end in ((0, 1), (1, 14), (14, 1003)):
            cut = [t[start:end] for t in parts]
            _compiled([cut[0]], [gradient[start:end].clone()], [cut[1]], [cut[2]], Optim(), adam_step(Optim(), step, 5))
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("constant", [1, 1, 1, 1]), ("linear", [1, 0.75, 0.5, 0.25]), ("cosine", [1, 0.853553, 0.5, 0.146447])],
)
def test_a_schedule_falls_to_nothing_after_its_warm_up(schedule: str, expected: list[float]) -> None:
    optim = Optim(lr=2.0, schedule=schedule, warmup=2)
    rates = [learning_rate(optim, step, 6) for step in range(6)]
    np.testing.assert_allclose(rates, [1, 2, *(2 * share for share in expected)], rtol=1e-5)


def test_a_schedule_is_part_of_a_runs_id_only_where_it_is_set() -> None:
    assert Optim().identity == {"lr": 1e-4, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert Optim(schedule="cosine").identity["schedule"] == "cosine"
    with pytest.raises(DistaffError, match="Did you mean 'cosine'"):
        Optim(schedule="cosin")

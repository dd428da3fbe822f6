"""What a captured step reads and changes are tensors that stay in place, so that replaying it is taking the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from distaff.runs import Optim, Run, run
from distaff.training.cuda_graph import _moving, _tensors, capture_step, fill
from distaff.training.engines import Engine
from distaff.training.engines.loop import loop
from distaff.training.engines.stacked import stacked
from distaff.training.engines.streams import streams
from distaff.training.fit import fit
from distaff.training.pack import begin, pack
from distaff.training.passes.autograd import autograd_passes
from distaff.training.step import clock, draw_batch, step, update_models

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
SETTINGS = {
    "annealed": ("annealed_vae(c_max=5, iteration_threshold=10)", "beta_vae"),
    "critic": ("factor_vae",),
    "pairs": ("ada_gvae",),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def runs(
    methods: tuple[str, ...], network: str = "mlp(width=16, latents=4)", dataset: str = "toy_color"
) -> tuple[Run, ...]:
    optim = Optim(lr=1e-3, schedule="cosine", warmup=3)
    return tuple(
        run(dataset, m, network, "critic(width=16, depth=2)", seed=s, updates=12, batch=16, optim=optim)
        for m in methods
        for s in (0, 1)
    )


@pytest.mark.parametrize("methods", list(SETTINGS.values()), ids=list(SETTINGS))
def test_a_step_on_refilled_tensors_is_the_step_on_fresh_ones(methods: tuple[str, ...]) -> None:
    packed = pack(runs(methods))
    expected, state = begin(packed), begin(packed)
    places = [t.data_ptr() for t in _moving(state)]
    draws, now = draw_batch(packed, 0), _tensors(clock(packed, 0), "cpu")
    for t in range(12):
        expected, _, _ = step(packed, expected, stacked)
        fill(draws, now, draw_batch(packed, t), clock(packed, t))
        update_models(packed, state, autograd_passes(packed, state, stacked), draws, now)
    assert places == [t.data_ptr() for t in _moving(state)]
    for one, other in zip(_moving(expected), _moving(state), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=5e-6)


@gpu
@pytest.mark.parametrize(("engine", "network", "dataset"), [
    (stacked, "mlp(width=16, latents=4)", "toy_color"),
    (stacked, "conv64(width=4, hidden=16, latents=4)", "dsprites"),
    (stacked, "conv64(width=4, hidden=16, latents=4)", "noisy_dsprites"),
    (streams, "conv64(width=4, hidden=16, latents=4)", "dsprites"),
])  # fmt: skip
@pytest.mark.parametrize("methods", list(SETTINGS.values()), ids=list(SETTINGS))
def test_a_replayed_step_equals_the_loop_on_the_cpu(
    methods: tuple[str, ...], engine: Engine, network: str, dataset: str
) -> None:
    members = runs(methods, network, dataset)
    there, here = pack(members, "cuda"), pack(members)
    state, expected = begin(there), begin(here)
    take_step = capture_step(there, state, autograd_passes(there, state, engine))
    for _ in range(5):
        state, _, _ = take_step(state)
        expected, _, _ = step(here, expected, loop)
    for one, other in zip(_moving(expected), _moving(state), strict=True):
        # a unit so close to its kink that rounding decides on which side it is moves its weights, and no others
        assert (one - other.cpu()).norm() <= 0.05 * one.norm() + 1e-4


@gpu
@pytest.mark.parametrize("methods", [("beta_vae",), ("factor_vae",)])
def test_a_gpu_repeats_a_training_bit_for_bit(methods: tuple[str, ...]) -> None:
    members = tuple(replace(one, updates=300) for one in runs(methods, "conv64", "dsprites"))
    for one, other in zip(fit(members, device="cuda"), fit(members, device="cuda"), strict=True):
        assert all(torch.equal(weights, other.params[name]) for name, weights in one.params.items())

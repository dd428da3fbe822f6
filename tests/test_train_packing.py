"""Packing does not matter: a run in a pack of mixed methods is the run trained alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from distaff.errors import DistaffError
from distaff.methods import Outputs
from distaff.runs import Optim, Run, run
from distaff.training.engines import Engine
from distaff.training.engines.channels_last import channels_last
from distaff.training.engines.loop import loop
from distaff.training.engines.mapped import mapped
from distaff.training.engines.stacked import stackable, stacked
from distaff.training.pack import State, begin, pack
from distaff.training.step import draw_batch, group_terms, step

NETWORK = "mlp(width=32, latents=5)"
METHODS = [
    "beta_vae(beta=4)",
    "annealed_vae(c_max=5, iteration_threshold=10)",
    "dip_vae_i",
    "dip_vae_ii",
    "beta_tc_vae",
]
# seeds in which no unit of a network comes so close to its kink that rounding decides on which side it is
MIXED = [(m, s) for m in METHODS for s in (2, 3)]
CRITICS = [("factor_vae(gamma=10)", 0), ("factor_vae(gamma=50)", 0), ("factor_vae(gamma=10)", 3)]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As in a study, where every process has one: threads of a product split its sums differently for each size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def runs(settings: list[tuple[str, int]], dataset: str = "toy") -> tuple[Run, ...]:
    return tuple(
        run(dataset, m, NETWORK, "critic(width=16, depth=2)", seed=s, updates=20, optim=Optim(lr=1e-3))
        for m, s in settings
    )


def trained(members: tuple[Run, ...], engine: Engine) -> tuple[tuple[Run, ...], State]:
    packed = pack(members)
    state = begin(packed)
    for _ in range(20):
        state, _, _ = step(packed, state, engine)
    return packed.runs, state


@pytest.mark.parametrize("settings", [MIXED, CRITICS], ids=["mixed", "critics"])
def test_each_run_of_a_pack_equals_the_run_alone_bit_for_bit(settings: list[tuple[str, int]]) -> None:
    order, together = trained(runs(settings), stacked)
    for k, one in enumerate(order):
        _, alone = trained((one,), stacked)
        for name, weights in alone.params.items():
            assert torch.equal(together.params[name][k], weights[0]), (str(one.method), name)


@pytest.mark.parametrize("settings", [MIXED, CRITICS], ids=["mixed", "critics"])
@pytest.mark.parametrize("engine", [stacked, mapped])
def test_every_engine_equals_the_loop(settings: list[tuple[str, int]], engine: Engine) -> None:
    _, expected = trained(runs(settings), loop)
    _, other_state = trained(runs(settings), engine)
    for name, weights in expected.params.items():
        torch.testing.assert_close(other_state.params[name], weights, rtol=0, atol=1e-5)


def convolutional(settings: list[tuple[str, int]], precision: str = "fp32") -> tuple[Run, ...]:
    small = "conv64(width=4, hidden=16, latents=4)"
    return tuple(run("dsprites", m, small, seed=s, updates=20, batch=8, precision=precision) for m, s in settings)


@pytest.mark.parametrize("engine", [channels_last, stacked])
def test_convolutions_equal_the_loop_and_in_a_pack_the_run_alone_bit_for_bit(engine: Engine) -> None:
    members = convolutional([("beta_vae(beta=4)", 0), ("dip_vae_i", 0), ("beta_tc_vae", 1)])
    order, together = trained(members, engine)
    _, expected = trained(members, loop)
    for k, one in enumerate(order):
        _, alone = trained((one,), engine)
        for name, weights in together.params.items():
            assert torch.equal(weights[k], alone.params[name][0]), (str(one.method), name)
            torch.testing.assert_close(weights, expected.params[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("engine", "make"), [(stacked, runs), (stacked, convolutional), (channels_last, convolutional)]
)
def test_half_precision_follows_the_same_path_within_its_rounding(
    engine: Engine, make: Callable[..., tuple[Run, ...]]
) -> None:
    members = [("beta_vae(beta=4)", 0), ("beta_tc_vae", 1)]
    exact, rounded = make(members), tuple(replace(one, precision="bf16") for one in make(members))
    (_, one), (_, other) = trained(exact, engine), trained(rounded, engine)
    start = begin(pack(exact))
    moved = torch.cat([(one.params[n] - start.params[n]).flatten() for n in start.params])
    apart = torch.cat([(one.params[n] - other.params[n]).flatten() for n in start.params])
    assert 0 < apart.norm() < 0.35 * moved.norm()
    assert all(weights.dtype == torch.float32 for weights in other.params.values())


@pytest.mark.parametrize("bias", [True, False])
def test_stacked_runs_layers_of_any_geometry(bias: bool) -> None:
    module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=bias), torch.nn.ReLU(),
        torch.nn.Conv2d(4, 6, (1, 3), dilation=(1, 2), groups=2, bias=bias), torch.nn.Flatten(-3),
        torch.nn.Linear(6 * 5 * 1, 3, bias=bias),
    )  # fmt: skip
    assert stackable(module)
    generator = torch.Generator().manual_seed(0)
    params = {n: torch.randn(3, *p.shape, generator=generator).requires_grad_() for n, p in module.named_parameters()}
    x = torch.randn(3, 7, 2, 9, 9, generator=generator)
    (y,), (expected,) = stacked(module, params, x), loop(module, params, x)
    torch.testing.assert_close(y, expected)
    weights = list(params.values())
    for one, other in zip(*(torch.autograd.grad(out.square().sum(), weights) for out in (y, expected)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(other.detach().abs().max()))


def test_a_diverging_model_leaves_its_neighbours_bit_identical() -> None:
    settings = [("beta_vae(beta=4)", 0), ("beta_vae(beta=1e39)", 1), ("beta_tc_vae", 2)]
    order, together = trained(runs(settings), stacked)
    sick = next(k for k, one in enumerate(order) if one.seed == 1)
    assert not all(torch.isfinite(weights[sick]).all() for weights in together.params.values())
    for k, one in enumerate(order):
        if k != sick:
            _, alone = trained((one,), stacked)
            assert all(torch.equal(together.params[n][k], w[0]) for n, w in alone.params.items())


def test_one_seed_shows_every_method_the_same_images_and_start() -> None:
    packed = pack(runs(MIXED, "toy_color"))
    state = begin(packed)
    _, _, outputs = step(packed, state, loop)
    first = [k for k, one in enumerate(packed.runs) if one.seed == 2]
    assert all(torch.equal(outputs.mean[first[0]], outputs.mean[k]) for k in first)


def test_the_critics_loss_does_not_change_the_encoder() -> None:
    packed = pack(runs([("factor_vae(gamma=0)", 0)]))
    plain = pack(runs([("beta_vae(beta=1)", 0)]))
    one, other = begin(packed), begin(plain)
    for _ in range(5):
        one, _, _ = step(packed, one, stacked)
        other, _, _ = step(plain, other, stacked)
    for name, weights in other.params.items():
        torch.testing.assert_close(one.params[name], weights, rtol=0, atol=1e-6)


def test_adam_equals_torchs_when_both_follow_the_same_gradients() -> None:
    packed = pack(runs([("beta_vae(beta=4)", 0)]))
    state = begin(packed)
    mirror = {name: p.detach().clone().requires_grad_() for name, p in state.params.items()}
    theirs = torch.optim.Adam(mirror.values(), lr=1e-3)
    for t in range(20):
        drawn = draw_batch(packed, t)
        outputs = Outputs(*loop(packed.vae, mirror, drawn.x, drawn.noise), torch.tensor(float(t)))
        terms = group_terms(packed.groups[0], outputs)
        theirs.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        theirs.step()
        state, _, _ = step(packed, state, loop)
    for name, weights in mirror.items():
        torch.testing.assert_close(state.params[name], weights, rtol=0, atol=1e-6)


def test_runs_that_share_no_network_are_refused() -> None:
    with pytest.raises(DistaffError, match="a pack needs runs of one data set"):
        pack((run("toy", "beta_vae", NETWORK), run("toy", "beta_vae", "mlp(width=16)")))

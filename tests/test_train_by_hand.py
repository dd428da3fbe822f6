"""A chain differentiated by hand gives the outputs and gradients that autograd gives the loop over models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from distaff.networks import VAE
from distaff.networks.layers.upsample import Upsample
from distaff.runs import Run, run
from distaff.training.engines.loop import loop
from distaff.training.kernels import Kernels
from distaff.training.kernels.shapes import Activation, Convolution
from distaff.training.layers import layers_of
from distaff.training.pack import Pack, State, begin, pack
from distaff.training.passes import Passes
from distaff.training.passes.agreement import disagreement
from distaff.training.passes.autograd import autograd_passes
from distaff.training.passes.by_hand import chained
from distaff.training.passes.choice import passes_for
from distaff.training.step import clock, draw_batch, take_step, update_models
from distaff.types import Params

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
METHODS = ("beta_vae(beta=4)", "annealed_vae", "dip_vae_i", "beta_tc_vae", "factor_vae", "ada_gvae")


def runs(method: str, network: str = "mlp(width=12, latents=4)", models: int = 2, **options: object) -> tuple[Run, ...]:
    return tuple(
        run("toy_color", method, network, "critic(width=10, depth=2)", seed=seed, batch=8, updates=10, **options)
        for seed in range(models)
    )


def gradients(packed: Pack, passes: Callable[[Pack, State], Passes]) -> dict[str, Tensor]:
    state = begin(packed)
    made = passes(packed, state)
    _, outputs = update_models(packed, state, made, draw_batch(packed, 0), clock(packed, 0))
    of_critic: Params = {} if made.critic is None else made.critic.gradients()
    found = {"nll": outputs.nll.detach(), "z": outputs.z.detach()} | made.vae.gradients()
    return found | {f"critic.{name}": part for name, part in of_critic.items()}


@pytest.mark.parametrize("method", METHODS)
def test_a_pack_is_trained_by_hand_as_autograd_trains_the_loop(method: str) -> None:
    packed = pack(runs(method))
    assert passes_for(packed, begin(packed)).vae.name == "chained"
    found, expected = gradients(packed, passes_for), gradients(packed, lambda *of: autograd_passes(*of, loop))
    assert found.keys() == expected.keys()
    for name, part in expected.items():
        assert (found[name] - part).norm() <= 2e-5 * part.norm(), name


@pytest.mark.parametrize("likelihood", ["bernoulli", "bernoulli_tanh", "l2", "l2_tanh"])
def test_every_likelihood_has_its_gradient(likelihood: str) -> None:
    packed = pack(runs("beta_vae", f"mlp(width=12, latents=4, likelihood={likelihood!r})"))
    found, expected = gradients(packed, passes_for), gradients(packed, lambda *of: autograd_passes(*of, loop))
    for name, part in expected.items():
        assert (found[name] - part).norm() <= 2e-5 * part.norm(), name


@pytest.mark.parametrize("method", ["beta_vae(beta=4)", "factor_vae"])
def test_half_precision_rounds_no_more_than_that_of_autograd(method: str) -> None:
    exact, half = (pack(runs(method, "mlp(width=64, latents=4)", precision=to)) for to in ("fp32", "bf16"))
    expected = gradients(exact, passes_for)
    errors = [
        sum(float((found[name] - part).square().sum() / part.square().sum()) for name, part in expected.items())
        for found in (gradients(half, passes_for), gradients(half, lambda *of: autograd_passes(*of, loop)))
    ]
    assert 0 < errors[0] < 1.5 * errors[1]


def test_weights_and_moments_become_views_of_one_memory_and_keep_their_names_and_values() -> None:
    packed = pack(runs("factor_vae"))
    before, state = begin(packed), begin(packed)
    passes_for(packed, state)
    for old, new in ((before.params, state.params), (before.critic, state.critic)):
        assert list(old) == list(new)
        assert all(torch.equal(old[name], new[name]) for name in old)
        assert len({tensor.untyped_storage().data_ptr() for tensor in new.values()}) == 1


@pytest.mark.parametrize("method", ["beta_vae(beta=4)", "factor_vae", "dip_vae_ii"])
def test_a_model_alone_is_the_model_of_a_pack_bit_for_bit(method: str) -> None:
    three, (_, alone, _) = runs(method, models=3), runs(method, models=3)
    found = []
    for members in (three, (alone,)):
        packed = pack(members)
        state = begin(packed)
        passes = passes_for(packed, state)
        for _ in range(5):
            state, _, _ = take_step(packed, state, passes)
        found.append({name: p[packed.runs.index(alone)] for name, p in (state.params | state.critic).items()})
    assert all(torch.equal(part, found[1][name]) for name, part in found[0].items())


class _Doubled(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def hooked() -> nn.Module:
    module = nn.Sequential(nn.Flatten(-3), nn.Linear(16, 4))
    module[1].register_forward_hook(lambda _, __, y: 2 * y)
    return module


SHARED = nn.Linear(4, 4)
NO_CHAINS = {
    "a subclass": nn.Sequential(nn.Flatten(-3), _Doubled(16, 4)),
    "no bias": nn.Sequential(nn.Flatten(-3), nn.Linear(16, 4, bias=False)),
    "one layer twice": nn.Sequential(nn.Flatten(-3), nn.Linear(16, 4), SHARED, nn.ReLU(), SHARED),
    "an activation first": nn.Sequential(nn.Flatten(-3), nn.ReLU(), nn.Linear(16, 4)),
    "two activations": nn.Sequential(nn.Flatten(-3), nn.Linear(16, 4), nn.ReLU(), nn.Tanh(), nn.Linear(4, 4)),
    "an activation last": nn.Sequential(nn.Flatten(-3), nn.Linear(16, 4), nn.ReLU()),
    "another layer": nn.Sequential(nn.Flatten(-3), nn.Linear(16, 4), nn.LayerNorm(4)),
    "a dense layer on images": nn.Sequential(nn.Linear(4, 4)),
    "dilation": nn.Sequential(nn.Conv2d(1, 4, 2, dilation=2)),
    "a stride that does not divide": nn.Sequential(nn.Conv2d(1, 4, 3, 3)),
    "two paddings": nn.Sequential(nn.Conv2d(1, 4, 2, 2, (0, 1))),
    "a hook": hooked(),
    "a module of its own": nn.Sequential(nn.Sequential(), nn.Identity()),
}


@pytest.mark.parametrize("module", NO_CHAINS.values(), ids=NO_CHAINS)
def test_what_is_no_chain_of_known_layers_is_left_to_autograd(module: nn.Module) -> None:
    assert layers_of(module, (1, 4, 4)) == ()


def test_a_network_that_goes_another_way_is_left_to_autograd() -> None:
    class Halved(VAE):
        def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
            mean, logvar = super().encode(x)
            return mean / 2, logvar

    packed = pack(runs("factor_vae"))
    other = replace(packed, vae=Halved(packed.vae.encoder, packed.vae.decoder))
    assert passes_for(packed, begin(packed)).vae.name == "chained"
    passes = passes_for(other, begin(other))
    assert passes.vae.name == "stacked"
    assert type(passes.critic).__name__ == "ChainedCritic"


def test_the_layers_of_a_chain_say_their_names_shapes_and_activations() -> None:
    encoder = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.1)), nn.Flatten(-3), nn.Linear(32, 6), nn.Tanh(),
        nn.Linear(6, 2),
    )  # fmt: skip
    decoder = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Unflatten(-1, (8, 2, 2)), Upsample(8, 3))
    found = layers_of(encoder, (3, 4, 4), "encoder")
    assert [layer[:5] for layer in found] == [
        ("encoder.0.0", Convolution(2, 1, False), Activation("leaky", 0.1), (3, 4, 4), (8, 2, 2)),
        ("encoder.2", None, Activation("tanh"), (32,), (6,)),
        ("encoder.4", None, Activation(), (6,), (2,)),
    ]
    assert [layer[:5] for layer in layers_of(decoder, (2,))] == [
        ("0", None, Activation("relu"), (2,), (32,)),
        ("3", Convolution(2, 1, True), Activation(), (8, 2, 2), (3, 4, 4)),
    ]


@pytest.fixture
def triton_kernels() -> Kernels:
    """Those of a GPU, which Triton's interpreter runs on a CPU."""
    pytest.importorskip("triton")
    from distaff.training.kernels import cuda

    return cast(Kernels, cuda)


def small(method: str, precision: str = "fp32", last_kernel: int = 2, models: int = 2) -> Pack:
    network = f"conv64(width=4, hidden=12, latents=3, last_kernel={last_kernel})"
    members = tuple(
        run("dsprites", method, network, "critic(width=10, depth=2)", seed=seed, batch=2, precision=precision)
        for seed in range(models)
    )
    return pack(members, DEVICE)


@pytest.mark.parametrize("method", ["beta_vae(beta=4)", "factor_vae"])
def test_the_kernels_of_a_gpu_train_convolutions_as_autograd_does(triton_kernels: Kernels, method: str) -> None:
    from triton_bounds import interpreted

    packed = small(method)
    with interpreted():
        found = gradients(packed, lambda *of: chained(*of, triton_kernels, autograd_passes(*of, loop)))
    expected = gradients(packed, lambda *of: autograd_passes(*of, loop))
    for name, part in expected.items():
        assert (found[name] - part).norm() <= 2e-5 * part.norm(), name


def test_kernels_that_are_wrong_are_found_out_before_they_train(
    triton_kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triton_bounds import interpreted

    runs_of = small("factor_vae", "bf16").runs
    with interpreted():
        assert disagreement(runs_of, DEVICE, triton_kernels) == ""
        dense_weights = triton_kernels.dense_weights

        def forgetful(x: Tensor, above: Tensor, of_w: Tensor, of_b: Tensor) -> None:
            dense_weights(x[:, :1].contiguous(), above[:, :1].contiguous(), of_w, of_b)

        monkeypatch.setattr(triton_kernels, "dense_weights", forgetful)
        assert "is off by" in disagreement(runs_of, DEVICE, triton_kernels)

"""What holds of every network and critic: its shapes, its layers, one network for training and for use, any engine."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from distaff.errors import DistaffError
from distaff.networks import VAE, initial, loaded
from distaff.plugins.file import Plugin
from distaff.plugins.registry import CRITICS, registry_of
from distaff.plugins.spec import Spec
from distaff.testing.check import Property, expect, expect_refusal, property_of
from distaff.testing.method_training import one_thread
from distaff.training.engines import Engine
from distaff.training.engines.channels_last import channels_last
from distaff.training.engines.loop import loop
from distaff.training.engines.mapped import mapped
from distaff.training.engines.stacked import stackable, stacked
from distaff.types import Params

NETWORK_PROPERTIES: list[Property[ModulesUnderCheck]] = []
CRITIC_PROPERTIES: list[Property[ModulesUnderCheck]] = []
SHAPES = ((16, 16, 1), (64, 64, 1), (64, 64, 3), (32, 32, 3), (28, 28, 1))  # of images; it need not take all
BATCH, MODELS, LATENTS = 4, 3, 10


@dataclass(frozen=True, eq=False)
class ModulesUnderCheck:
    """The network or critic of a specification, built for images or codes of small sizes."""

    spec: Spec
    plugin: Plugin
    build: Callable[..., nn.Module]

    @property
    def is_critic(self) -> bool:
        """Whether it judges codes rather than encoding images."""
        return self.spec.kind == CRITICS.kind

    def built(self, size: Any, **options: Any) -> nn.Module:
        """Its modules for images h w c, or for codes of so many latents."""
        return self.build(size, **{**dict(self.spec.values), **options})

    @functools.cached_property
    def shape(self) -> tuple[int, int, int]:
        """The first shape of images that it takes; `DistaffError` is how it refuses others."""
        for shape in SHAPES:
            try:
                self.built(shape)
            except DistaffError:
                continue
            return shape
        expect(False, f"it takes none of the shapes {SHAPES}")
        raise AssertionError

    @functools.cached_property
    def module(self) -> nn.Module:
        """Its modules, built once."""
        return self.built(LATENTS if self.is_critic else self.shape)

    @functools.cached_property
    def weights(self) -> list[Params]:
        """Those of a few seeds."""
        return [initial(self.module, seed) for seed in range(MODELS)]

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """A batch: images and posterior noise, or codes."""
        generator = torch.Generator().manual_seed(0)
        if self.is_critic:
            return (torch.randn(BATCH, LATENTS, generator=generator),)
        h, w, c = self.shape
        return torch.rand(BATCH, c, h, w, generator=generator), torch.randn(BATCH, self.latents, generator=generator)

    @property
    def latents(self) -> int:
        """The number of latents that it is built for."""
        return LATENTS if self.is_critic else int(dict(self.spec.values)["latents"])  # type: ignore[arg-type]

    def outputs(self, params: Params, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """What a training step sees of one model."""
        found = functional_call(self.module, params, inputs)
        return found if isinstance(found, tuple) else (found,)


def modules_under_check(spec: Spec) -> ModulesUnderCheck:
    """The network or critic of `spec`; its file is imported."""
    registry = registry_of(spec)
    return ModulesUnderCheck(spec, registry.plugin(spec.name), registry.unguarded(spec.name))


@property_of(NETWORK_PROPERTIES)
def it_has_latents_an_encoder_and_a_decoder(network: ModulesUnderCheck) -> None:
    """`latents` is a parameter by name, since runs, codes and pages read it there."""
    names = [parameter.name for parameter in network.plugin.parameters]
    expect("latents" in names, "it has no keyword-only parameter `latents: int = 10`")
    kind = type(network.module).__name__
    expect(isinstance(network.module, VAE), f"it returns {kind}; return VAE(encoder, decoder, likelihood)")


@property_of(CRITIC_PROPERTIES)
def it_judges_codes_of_any_number_of_latents(critic: ModulesUnderCheck) -> None:
    """From codes [b d] to logits [b 2]: real codes, and shuffled ones."""
    for latents in (1, 2, LATENTS):
        module = critic.built(latents)
        z = torch.randn(BATCH, latents, generator=torch.Generator().manual_seed(0))
        logits = functional_call(module, initial(module, 0), (z,))
        expect(tuple(logits.shape) == (BATCH, 2), f"logits of codes [{BATCH} {latents}] are {tuple(logits.shape)}")


@property_of(NETWORK_PROPERTIES)
def its_shapes_are_those_of_images_and_codes_whatever_the_number_of_latents(network: ModulesUnderCheck) -> None:
    """Images [b c h w] to mean and log-variance [b d] and back, for all shapes that it takes."""
    for shape in SHAPES:
        try:
            network.built(shape)
        except DistaffError:
            continue
        for latents in (1, network.latents):
            vae = network.built(shape, latents=latents)
            assert isinstance(vae, VAE)
            (h, w, c), x = shape, torch.empty(BATCH, shape[2], *shape[:2], device="meta")  # shapes need no numbers
            parts = dict(zip(("mean", "log-variance"), vae.encode(x), strict=True))
            raw, picture = vae.decode(parts["mean"]), vae.picture(parts["mean"])
            for name, part in parts.items():
                good = tuple(part.shape) == (BATCH, latents)
                expect(good, f"the {name} of {latents} latents is {tuple(part.shape)}, not {(BATCH, latents)}")
            good = tuple(raw.shape) == tuple(picture.shape) == (BATCH, c, h, w)
            expect(good, f"images {(BATCH, c, h, w)} are decoded as {tuple(raw.shape)}")


@property_of(NETWORK_PROPERTIES)
def its_pictures_are_in_the_unit_interval(network: ModulesUnderCheck) -> None:
    """E[x|z] under its likelihood, of codes far from 0 as well."""
    vae = loaded(network.module, network.weights[0])  # type: ignore[arg-type]
    z = 3 * torch.randn(BATCH, network.latents, generator=torch.Generator().manual_seed(1))
    picture = vae.picture(z)
    expect(bool(((picture >= 0) & (picture <= 1)).all()), "the mean image of some codes leaves [0, 1]")


@property_of(NETWORK_PROPERTIES)
@property_of(CRITIC_PROPERTIES)
def it_is_structure_alone_and_weights_come_from_the_seed(network: ModulesUnderCheck) -> None:
    """Built on the meta device, without buffers: weights live outside, drawn by `distaff.networks.initial`."""
    before = torch.get_rng_state()
    module = network.built(LATENTS if network.is_critic else network.shape)
    expect(torch.equal(before, torch.get_rng_state()), "building it draws random numbers: use torch.device('meta')")
    for name, parameter in module.named_parameters():
        expect(parameter.is_meta, f"{name} holds numbers: build layers inside `with torch.device('meta')`")
    buffers = [name for name, _ in module.named_buffers()]
    expect(
        not buffers, f"it keeps {buffers[:1]} between updates, which no engine does: GroupNorm and LayerNorm keep none"
    )
    first, other, again = network.weights[0], network.weights[1], initial(module, 0)
    same = all(torch.equal(weights, again[name]) for name, weights in first.items())
    expect(
        same and any(not torch.equal(w, other[name]) for name, w in first.items()), "the seed does not decide weights"
    )


@property_of(NETWORK_PROPERTIES)
@property_of(CRITIC_PROPERTIES)
def it_is_the_same_in_training_and_in_use(network: ModulesUnderCheck) -> None:
    """No Dropout, no BatchNorm: neither random numbers of their own nor statistics of a batch."""
    params, inputs = network.weights[0], network.inputs
    state = torch.get_rng_state()
    training = network.outputs(params, inputs) if network.module.train() else ()
    using = network.outputs(params, inputs) if network.module.eval() else ()
    network.module.train()
    for one, other in zip(training, using, strict=True):
        expect(torch.equal(one, other), "its outputs differ between train() and eval(): Dropout, or BatchNorm?")
    expect(torch.equal(state, torch.get_rng_state()), "it draws random numbers of its own: Dropout?")
    for part in using:
        expect(bool(torch.isfinite(part).all()), "its outputs at update 0 are not finite")


@property_of(NETWORK_PROPERTIES)
@property_of(CRITIC_PROPERTIES)
def a_row_does_not_depend_on_those_beside_it(network: ModulesUnderCheck) -> None:
    """A code is that of its image."""
    params, inputs = network.weights[0], network.inputs
    first = inputs[0]
    if network.is_critic:
        together = functional_call(network.module, params, (first,))
        alone = torch.cat([functional_call(network.module, params, (first[i : i + 1],)) for i in range(BATCH)])
    else:
        encoder = {n.removeprefix("encoder."): p for n, p in params.items() if n.startswith("encoder.")}
        module: nn.Module = network.module.encoder  # type: ignore[assignment]
        together = functional_call(module, encoder, (first,))
        alone = torch.cat([functional_call(module, encoder, (first[i : i + 1],)) for i in range(BATCH)])
    expect(
        torch.allclose(together, alone, atol=1e-5), "the code of an image depends on the images beside it: BatchNorm?"
    )


@property_of(NETWORK_PROPERTIES)
@property_of(CRITIC_PROPERTIES)
def every_engine_that_can_run_it_equals_the_loop(network: ModulesUnderCheck) -> None:
    """Outputs and gradients of three models at once are those of each alone."""
    models = network.weights
    inputs = tuple(torch.stack([part + 0.01 * k for k in range(MODELS)]) for part in network.inputs)

    def values(engine: Engine) -> list[Tensor]:
        params = {name: torch.stack([one[name] for one in models]).requires_grad_() for name in models[0]}
        outputs = engine(network.module, params, *inputs)
        total = torch.stack([part.square().mean() for part in outputs]).sum()
        return [*outputs, *torch.autograd.grad(total, list(params.values()), allow_unused=True, materialize_grads=True)]

    with one_thread():
        expected = values(loop)
        for name, engine in _engines(network.module).items():
            for one, other in zip(values(engine), expected, strict=True):
                near = torch.allclose(one, other, rtol=1e-4, atol=1e-5 * max(1.0, float(other.detach().abs().max())))
                apart = float((one - other).detach().abs().max())
                expect(near, f"the engine {name} differs from one model after the other by {apart:.2g}")


def _engines(module: nn.Module) -> dict[str, Engine]:
    """The engines by which training on a CPU might run it."""
    convolves = any(isinstance(layer, nn.Conv2d) for layer in module.modules())
    found: dict[str, Engine] = {"stacked": stacked} if stackable(module) else {}
    return found | ({"channels_last": channels_last} if convolves else {"mapped": mapped})


@property_of(NETWORK_PROPERTIES)
def no_latents_are_refused_in_words(network: ModulesUnderCheck) -> None:
    """By `distaff.networks.check_sizes`, or by a range that its decorator declares."""
    others = {name: value for name, value in network.spec.values if name != "latents"}
    registry = registry_of(network.spec)
    expect_refusal(
        lambda: registry.bind(registry.spec(network.spec.name, **others, latents=0))(network.shape),
        DistaffError, ("latents",), "latents=0",
    )  # fmt: skip

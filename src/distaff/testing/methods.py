"""What holds of every method: terms by name, gradients of finite differences, nothing drawn, the same in any pack."""

from __future__ import annotations

import math
import operator

import numpy as np
import torch
from torch import Tensor

from distaff.methods import Outputs
from distaff.plugins.registry import METHODS
from distaff.testing.check import Property, expect, property_of
from distaff.testing.gradients import gradient_fault
from distaff.testing.method_outputs import FACTORS, STEPS, MethodUnderCheck, as_leaves, drawn_outputs, each, method_of
from distaff.testing.oracles import oracle_of

METHOD_PROPERTIES: list[Property[MethodUnderCheck]] = []
CASES = 100  # random outputs and strengths that a slow version is compared on
SIZES = (3, 4, 8, 8)  # of factors, for second views


def _without_strength(method: MethodUnderCheck) -> str:
    return "" if method.strengths else "it has no Hyper parameter"


def _without_oracle(method: MethodUnderCheck) -> str:
    name = method.spec.name
    return "" if oracle_of(method.plugin) else f"there is no slow version: write oracles/{name}.py beside its folder"


def _without_critic(method: MethodUnderCheck) -> str:
    return "" if method.hooks.critic else "it declares no critic"


def _without_views(method: MethodUnderCheck) -> str:
    return "" if method.hooks.views else "it declares no views"


def _without_posterior(method: MethodUnderCheck) -> str:
    return "" if method.hooks.posterior else "it declares no posterior"


def _without_double(method: MethodUnderCheck) -> str:
    return "" if "same_as" in method.plugin.marks else "it declares no same_as"


@property_of(METHOD_PROPERTIES)
def terms_are_finite_numbers_by_name(method: MethodUnderCheck) -> None:
    """In single precision as in training, at the first update and at later ones."""
    for step in STEPS:
        out = each(method.seen(0, step=step), lambda part: part.float() if part.is_floating_point() else part)
        for name, term in method.terms(out).items():
            expect(math.isfinite(term), f"term {name!r} is {float(term)} at update {step:g}, with its default values")
            expect(term.dtype == torch.float32, f"term {name!r} is {term.dtype} of outputs in float32")


@property_of(METHOD_PROPERTIES)
def the_objective_holds_the_reconstruction(method: MethodUnderCheck) -> None:
    """Without it the decoder learns nothing."""
    out = as_leaves(method.seen(1))
    (gradient,) = torch.autograd.grad(method.objective(out), out.nll, allow_unused=True)
    expect(gradient is not None and float(gradient) > 0, "no term grows with out.nll: the decoder would learn nothing")


@property_of(METHOD_PROPERTIES)
def it_draws_nothing_and_repeats_itself(method: MethodUnderCheck) -> None:
    """Randomness is an argument: a run must repeat bit for bit."""
    torch_state, numpy_state = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    out = method.seen(2)
    first, second = method.terms(out), method.terms(out)
    for name, term in first.items():
        expect(torch.equal(term, second[name]), f"term {name!r} of the same outputs differs, a second time")
    same = torch.equal(torch_state, torch.get_rng_state()) and numpy_state == str(np.random.get_state())  # noqa: NPY002
    expect(same, "it draws random numbers of its own; a run would not repeat")


@property_of(METHOD_PROPERTIES)
def it_leaves_its_outputs_alone(method: MethodUnderCheck) -> None:
    """They are those of other methods in the pack as well."""
    out = method.seen(3)
    kept = [None if part is None else part.clone() for part in out]
    method.terms(out)
    for name, part, before in zip(Outputs._fields, out, kept, strict=True):
        expect(part is None or torch.equal(part, before), f"it writes into out.{name}")  # type: ignore[arg-type]


@property_of(METHOD_PROPERTIES, unless=_without_oracle)
def the_objective_is_that_of_its_slow_version(method: MethodUnderCheck) -> None:
    """Written from the paper's equation, one image and latent at a time."""
    slow = oracle_of(method.plugin)
    assert slow is not None
    generator = np.random.default_rng(0)
    for case in range(CASES):
        b, d, spread = int(generator.integers(2, 7)), int(generator.integers(1, 5)), generator.uniform(0.1, 2)
        b, d = (2 * b if method.hooks.views else b), (d + FACTORS if method.hooks.labels else d)
        step = float(generator.choice([generator.uniform(0, 25), generator.uniform(0, 2e5)]))
        out = drawn_outputs(case, b, d, step=step, spread=spread)
        strengths = {parameter.name: method.drawn_strength(parameter, generator) for parameter in method.strengths}
        found, expected = float(method.objective(out, **strengths)), slow(out, method.values(**strengths))
        expect(
            math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9),
            f"the objective is {found:.9g}, its slow version {expected:.9g}, at {strengths} and [{b} {d}] codes",
        )


@property_of(METHOD_PROPERTIES)
def its_gradient_is_that_of_finite_differences(method: MethodUnderCheck) -> None:
    """With respect to mean and log-variance, through z and through a critic that is linear in z."""
    generator = torch.Generator().manual_seed(1)
    b, d = 6, 3
    mean, logvar, noise = (torch.randn(b, d, generator=generator, dtype=torch.float64) for _ in range(3))
    weight = torch.randn(d, 2, generator=generator, dtype=torch.float64)
    given = method.seen(1, b=b, d=d)

    def objective(m: Tensor, lv: Tensor) -> Tensor:
        z = m + (lv / 2).exp() * noise
        logits = None if given.real is None else torch.tanh(z @ weight)
        return method.objective(given._replace(nll=z.square().mean(), mean=m, logvar=lv, z=z, real=logits))

    fault = gradient_fault(objective, {"mean": mean, "logvar": logvar})
    expect(not fault, f"{fault}; is a part of the computation detached, or done outside torch?")


@property_of(METHOD_PROPERTIES, unless=_without_strength)
def a_number_and_a_tensor_are_the_same_to_it_and_it_maps_over_models(method: MethodUnderCheck) -> None:
    """The engine stacks the strengths of many models: no `if`, no `float()` and no `.item()` on them."""
    strengths = {p.name: float(method.values()[p.name]) for p in method.strengths}
    out = method.seen(4)
    stacked = each(out, lambda part: torch.stack([part, part / 2 if part.is_floating_point() else part]))
    hyper = {name: torch.tensor([value, 2 * value], dtype=torch.float64) for name, value in strengths.items()}
    dims = each(stacked, lambda _: 0)
    try:
        mapped = torch.func.vmap(lambda o, h: method.terms(o, **h), in_dims=(dims, 0))(stacked, hyper)
    except RuntimeError as error:
        expect(False, f"it cannot be mapped over models, {str(error).splitlines()[0]}")
    for model in range(2):
        alone = each(stacked, operator.itemgetter(model))
        numbers = {name: float(values[model]) for name, values in hyper.items()}
        for term, value in method.terms(alone, **numbers).items():
            near = torch.allclose(mapped[term][model], value, rtol=1e-9, atol=1e-9)
            both = f"{float(mapped[term][model]):.6g} of model {model} of two, {float(value):.6g} alone"
            expect(near, f"term {term!r} is {both}")


@property_of(METHOD_PROPERTIES, unless=_without_critic)
def its_critics_loss_is_one_number_with_the_gradient_of_finite_differences(method: MethodUnderCheck) -> None:
    """With respect to the logits of real and of shuffled codes."""
    critic = method.hooks.critic
    assert critic is not None
    out = method.seen(5)
    assert out.real is not None
    assert out.fake is not None
    loss = critic(out)
    expect(isinstance(loss, Tensor) and loss.ndim == 0, "the critic's loss is not one number")
    expect(math.isfinite(loss), f"the critic's loss is {float(loss)}")
    logits = {"real": out.real, "fake": out.fake}
    fault = gradient_fault(lambda real, fake: critic(out._replace(real=real, fake=fake)), logits)
    expect(not fault, fault)


@property_of(METHOD_PROPERTIES, unless=_without_views)
def its_second_views_are_values_of_the_grid_and_a_function_of_the_uniforms(method: MethodUnderCheck) -> None:
    """Whole numbers [b f] within the sizes, an image's own whatever stands beside it."""
    views = method.hooks.views
    assert views is not None
    generator = np.random.default_rng(0)
    values = np.stack([generator.integers(size, size=200) for size in SIZES], 1)
    uniforms = generator.random((200, 2 + 2 * len(SIZES)))
    kept = values.copy(), uniforms.copy()
    found = views(values, SIZES, uniforms)
    expect((values == kept[0]).all() and (uniforms == kept[1]).all(), "views= writes into what it is given")
    expect(found.shape == values.shape, f"views= gives {found.shape} for factors {values.shape}")
    expect(np.issubdtype(found.dtype, np.integer), f"views= gives {found.dtype}; values are whole numbers")
    expect((found >= 0).all() and (found < np.array(SIZES)).all(), f"views= leaves the grid of {SIZES} values")
    expect((found == views(values, SIZES, uniforms)).all(), "views= gives other values for the same uniforms")
    some = slice(50, 90)
    same = (views(values[some], SIZES, uniforms[some]) == found[some]).all()
    expect(same, "a second view depends on the images beside it")


@property_of(METHOD_PROPERTIES, unless=_without_posterior)
def its_posterior_keeps_shapes_and_maps_over_models_with_the_gradient_of_finite_differences(
    method: MethodUnderCheck,
) -> None:
    """The engine gives it [b d] of one model, or [k b d] of a stack."""
    posterior = method.hooks.posterior
    assert posterior is not None
    generator = torch.Generator().manual_seed(6)
    mean, logvar = torch.randn(2, 3, 8, 4, generator=generator, dtype=torch.float64)
    stacked = posterior(mean, logvar)
    for k in range(3):
        for name, part, whole in zip(("mean", "logvar"), posterior(mean[k], logvar[k]), stacked, strict=True):
            expect(part.shape == (8, 4), f"the {name} of posterior= is {tuple(part.shape)} for [8 4]")
            near = torch.allclose(part, whole[k], rtol=1e-12, atol=1e-12)
            expect(near, f"the {name} of posterior= differs between one model and a stack of three")

    def both(m: Tensor, lv: Tensor) -> Tensor:
        new_mean, new_logvar = posterior(m, lv)
        return new_mean.square().sum() + new_logvar.sin().sum()

    fault = gradient_fault(both, {"mean": mean[0], "logvar": logvar[0]})
    expect(not fault, f"posterior=: {fault}")


@property_of(METHOD_PROPERTIES, unless=_without_double)
def a_method_that_is_said_to_be_another_has_its_loss_and_its_gradient(method: MethodUnderCheck) -> None:
    """With the values of `same_as`: the analysis counts runs of both once."""
    values, other = method.plugin.marks["same_as"]
    double = METHODS.parse(other)
    found = []
    for one in (method_of(METHODS.spec(method.spec.name, **values)), method_of(double)):
        out = as_leaves(drawn_outputs(7, 6))
        loss = one.objective(out)
        gradients = torch.autograd.grad(loss, (out.mean, out.logvar, out.z), allow_unused=True)
        nothing = torch.zeros_like(out.z)
        found.append([loss, *(nothing if part is None else part for part in gradients)])
    for name, part, same in zip(("loss", "d/dmean", "d/dlogvar", "d/dz"), *found, strict=True):
        expect(torch.allclose(part, same), f"with {values} its {name} is not that of {other}, as same_as says")

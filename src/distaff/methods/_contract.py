"""What a method gives: terms by name, each a finite number that follows from what it is given and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.random import get_state, set_state
from torch import Tensor
from torch.func import vmap

from distaff.errors import DistaffError, PluginError
from distaff.methods import Hooks, Outputs, hooks
from distaff.plugins.boundary import Origin, Violation
from distaff.plugins.file import REQUIRED, Parameter, Plugin

BATCH, LATENTS, SIZES = 32, 10, (3, 4, 5, 6, 7)  # of the trial: latents and factors as most studies have them
NOISE = "it draws noise of its own: request it by @method(noise=True), and take it from out.noise"


def received(origin: Origin, terms: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The terms of one call, which are scalars by name."""
    del origin, arguments, keywords
    if not isinstance(terms, dict) or not terms:
        raise Violation(f"it returned {_described(terms)}, not terms by name, such as {{'nll': out.nll}}")
    for name, term in terms.items():
        if not isinstance(name, str):
            raise Violation(f"it returned a term named {name!r}: names are texts")
        _check_scalar(f"the term {name}", term)
    return terms


def trial(function: Callable[..., Any], plugin: Plugin) -> None:
    """Two calls on ordinary codes at update 0, and one for two models at once; its hooks likewise."""
    if any(p.default is REQUIRED for p in plugin.parameters if not p.hyper):
        return  # which values it takes, only its author knows
    structure = {p.name: p.default for p in plugin.parameters if not p.hyper}
    hyper = {p.name: torch.tensor(_value(p)) for p in plugin.parameters if p.hyper}
    out = _outputs(plugin)
    before, numpys = torch.get_rng_state(), get_state()  # noqa: NPY002  (whether a generator moved is what is checked)
    try:
        terms, again = (function(out, **structure, **hyper) for _ in range(2))
        received(plugin.origin, terms, (), {})
        moved = not torch.equal(before, torch.get_rng_state()) or not _equal(numpys, get_state())  # noqa: NPY002
        if moved or any(not _same(term, again[name]) for name, term in terms.items()):
            raise Violation(NOISE)
        _check_terms(terms)
        _check_mapped(function, structure, hyper, out, terms)
        _check_hooks(hooks(plugin.name, **structure), out)
    except PluginError:
        raise
    except DistaffError:  # it refuses these sizes in its own words: whether it keeps its contract shows when it is used
        return
    finally:
        torch.set_rng_state(before)
        set_state(numpys)  # noqa: NPY002


def _value(parameter: Parameter) -> float:
    return 1.0 if parameter.default is REQUIRED else float(parameter.default)


def _outputs(plugin: Plugin) -> Outputs:
    """Codes as a network gives them before its first update, with a little spread; no generator is touched."""
    mean, logvar = _waves(1, LATENTS).requires_grad_(), (0.1 * _waves(2, LATENTS)).requires_grad_()
    critic = plugin.has("critic")
    return Outputs(
        torch.tensor(30.0, requires_grad=True),
        mean,
        logvar,
        mean + torch.exp(0.5 * logvar) * _waves(3, LATENTS),
        torch.tensor(0.0),
        real=_waves(4, 2).requires_grad_() if critic else None,
        fake=_waves(5, 2).requires_grad_() if critic else None,
        labels=_factors() if plugin.marks.get("labels") else None,
        noise=_waves(6, LATENTS) if plugin.marks.get("noise") else None,
    )


def _waves(number: int, columns: int) -> Tensor:
    """Numbers [b columns] from -1.5 to 1.5 in no order that a loss would notice."""
    return 1.5 * torch.sin(torch.arange(float(BATCH * columns)) * (0.7 + number)).view(BATCH, columns)


def _factors() -> Tensor:
    """Values of the factors [b f], each within its size."""
    return torch.stack([(torch.arange(BATCH) * (j + 3)) % size for j, size in enumerate(SIZES)], dim=1)


def _check_terms(terms: Mapping[str, Tensor]) -> None:
    for name, term in terms.items():
        if not torch.isfinite(term):
            raise Violation(
                f"the term {name} is {float(term.detach())} on ordinary codes at update 0: terms are finite"
            )
    if not sum(terms.values(), torch.tensor(0.0)).requires_grad:
        raise Violation("no term depends on the model, so that nothing could be learned")


def _check_mapped(
    function: Callable[..., Any], structure: dict[str, Any], hyper: dict[str, Tensor], out: Outputs,
    terms: Mapping[str, Tensor],
) -> None:  # fmt: skip
    """The terms of two models at once are those of each."""
    dims = Outputs(*(None if part is None or name == "step" else 0 for name, part in out._asdict().items()))  # type: ignore[arg-type]
    parts = {name: part for name, part in out._asdict().items() if part is not None and name != "step"}
    stacked = out._replace(**{name: torch.stack([part] * 2) for name, part in parts.items()})
    try:
        mapped = vmap(lambda one, values: function(one, **structure, **values), in_dims=(dims, 0))(
            stacked, {name: value.repeat(2) for name, value in hyper.items()}
        )
    except RuntimeError as error:
        if "random" in str(error):
            raise Violation(NOISE) from error
        raise Violation(
            f"it does not work for several models at once, under torch.func.vmap ({error}): write it in operations on "
            "tensors, without .item(), float() or an if on their values"
        ) from error
    for name, term in terms.items():
        if not torch.allclose(mapped[name], term.expand(2), rtol=1e-3, atol=1e-4):
            raise Violation(f"the term {name} of two models at once, under torch.func.vmap, is not that of each alone")


def _check_hooks(declared: Hooks, out: Outputs) -> None:
    if declared.critic is not None:
        _check_scalar("what critic= returns", declared.critic(out))
    if declared.posterior is not None:
        shared = declared.posterior(out.mean, out.logvar)
        if not isinstance(shared, tuple) or [part.shape for part in shared] != [out.mean.shape] * 2:
            raise Violation("what posterior= returns is not (mean, logvar), each of the shape that it was given")
    if declared.views is not None:
        values = _factors().numpy()
        second = declared.views(values, SIZES, (_waves(7, 2 + 2 * len(SIZES)) % 1).numpy())
        if np.shape(second) != values.shape or np.any((second < 0) | (second >= np.array(SIZES))):
            raise Violation("what views= returns are not values of the factors [b f], each within its size")


def _check_scalar(what: str, term: Any) -> None:
    if not isinstance(term, Tensor) or term.ndim or not term.is_floating_point():
        raise Violation(f"{what} is {_described(term)}, not a scalar tensor: take a sum, or a mean over the batch")


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of {value.dtype} {list(value.shape)}".replace("torch.", "")
    return (
        f"{type(value).__name__} {value!r:.40}" if isinstance(value, int | float | str) else f"a {type(value).__name__}"
    )


def _same(one: Any, other: Any) -> bool:
    return isinstance(other, Tensor) and torch.equal(torch.nan_to_num(one), torch.nan_to_num(other))


def _equal(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

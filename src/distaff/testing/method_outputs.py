"""A method under check, and outputs of small models that were never trained, drawn from a seed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distaff.errors import DistaffError
from distaff.methods import Hooks, Outputs, Terms, hooks
from distaff.plugins.file import Parameter, Plugin
from distaff.plugins.registry import METHODS
from distaff.plugins.spec import Spec
from distaff.testing.check import expect

FACTORS = 3  # of the labels that a method may ask for
STEPS = (0.0, 10.0, 2e5)  # updates so far


def drawn_outputs(seed: int, b: int = 5, d: int = 3, *, step: float = 10.0, spread: float = 1.0) -> Outputs:
    """Outputs [b d] in double precision, with everything that a method may see; `b` is even where there are views."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return spread * torch.randn(shape, generator=generator, dtype=torch.float64)

    mean, logvar = normal(b, d), normal(b, d) - 1
    return Outputs(
        nll=20 + normal(),
        mean=mean,
        logvar=logvar,
        z=mean + (logvar / 2).exp() * normal(b, d),
        step=torch.tensor(step, dtype=torch.float64),
        real=normal(b, 2),
        fake=normal(b, 2),
        labels=torch.randint(0, 4, (b, FACTORS), generator=generator),
        noise=normal(b, d),
    )


@dataclass(frozen=True, eq=False)
class MethodUnderCheck:
    """The method of a specification: its function with its parameters filled in, and what its decorator declares."""

    spec: Spec
    plugin: Plugin
    function: Callable[..., Terms]

    @property
    def strengths(self) -> list[Parameter]:
        """Its parameters that are data to the engine."""
        return [parameter for parameter in self.plugin.parameters if parameter.hyper]

    def drawn_strength(self, parameter: Parameter, generator: np.random.Generator) -> float:
        """A value from 0.5 to 20, or the default where its declared range does not hold that."""
        value = float(generator.uniform(0.5, 20))
        try:
            METHODS.spec(self.spec.name, **self.values(**{parameter.name: value}))
        except DistaffError:
            return float(self.values()[parameter.name])
        return value

    @functools.cached_property
    def hooks(self) -> Hooks:
        """What it declares beside its loss, with its structure filled in."""
        return hooks(self.spec.name, **self.structure)

    @property
    def structure(self) -> dict[str, Any]:
        """The values of its parameters that are no strengths."""
        names = {parameter.name for parameter in self.strengths}
        return {name: value for name, value in self.spec.values if name not in names}

    def values(self, **strengths: Any) -> dict[str, Any]:
        """All parameters by name, with other strengths."""
        return {**dict(self.spec.values), **strengths}

    def terms(self, out: Outputs, **strengths: Any) -> Mapping[str, Tensor]:
        """Its terms of these outputs, checked to be tensors by name."""
        terms = self.function(out, **self.values(**strengths))
        kind = type(terms).__name__
        expect(isinstance(terms, dict) and terms, f"it returns {kind} {terms!r}; return a term by name: {{'nll': ...}}")
        for name, term in terms.items():
            good = isinstance(name, str) and isinstance(term, Tensor) and term.ndim == 0 and term.is_floating_point()
            shape = tuple(term.shape) if isinstance(term, Tensor) else type(term).__name__
            expect(good, f"term {name!r} is {shape}; a term is one number, the mean over the batch")
        return terms

    def objective(self, out: Outputs, **strengths: Any) -> Tensor:
        """The sum of its terms."""
        return torch.stack(list(self.terms(out, **strengths).values())).sum()

    def seen(self, seed: int, **options: Any) -> Outputs:
        """Outputs as training gives them to it: logits with a critic only, labels where it declares them."""
        out = drawn_outputs(seed, **{"b": 6, **options})
        if self.hooks.critic is None:
            out = out._replace(real=None, fake=None)
        out = out if self.hooks.labels else out._replace(labels=None)
        return out if self.hooks.noise else out._replace(noise=None)


def method_of(spec: Spec) -> MethodUnderCheck:
    """The method of `spec`; its file is imported."""
    return MethodUnderCheck(spec, METHODS.plugin(spec.name), METHODS.unguarded(spec.name))


def each(out: Outputs, change: Callable[[Tensor], Any]) -> Outputs:
    """The same outputs with every part that is there changed alike."""
    return Outputs(*(None if part is None else change(part) for part in out))  # type: ignore[arg-type]


def as_leaves(out: Outputs) -> Outputs:
    """The same outputs as leaves of a gradient."""
    return each(out, lambda part: part.detach().requires_grad_() if part.is_floating_point() else part)

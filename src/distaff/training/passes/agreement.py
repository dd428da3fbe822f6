"""Whether the kernels of a GPU compute there what autograd does: tried before a pack is trained.

A compiler, a driver or a card that is new may be wrong where no test was run. Two models and one update tell, in about
a second: the gradient by hand of each tensor is compared with that of autograd in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from distaff.runs import Run
from distaff.training.engines.loop import loop
from distaff.training.kernels import Kernels
from distaff.training.pack import Pack, State, begin, pack
from distaff.training.passes import Passes
from distaff.training.passes.autograd import autograd_passes
from distaff.training.passes.by_hand import chained
from distaff.training.step import clock, draw_batch, update_models
from distaff.types import Params

MODELS = 2
TINY = 1e-12  # beside the norm of a gradient that is zero
BOUNDS = {"fp32": 1e-2, "bf16": 0.3}  # of a tensor's relative error: rounding is far below, a fault far above


def disagreement(runs: tuple[Run, ...], device: str, kernels: Kernels) -> str:
    """The tensor that the kernels are most wrong about, and by how much; nothing where they agree with autograd."""
    some = runs[:MODELS]
    ours, exact = pack(some, device), pack(tuple(replace(run, precision="fp32") for run in some), device)
    expected = _gradients(exact, lambda state: autograd_passes(exact, state, loop))
    found = _gradients(ours, lambda state: chained(ours, state, kernels, autograd_passes(ours, state, loop)))
    errors = {name: float((found[name] - of).norm() / (of.norm() + TINY)) for name, of in expected.items()}
    worst = max(errors, key=lambda name: errors[name] if errors[name] == errors[name] else math.inf)  # NaN is worst
    if errors[worst] <= BOUNDS[runs[0].precision]:
        return ""
    return f"the gradient of {worst} is off by {errors[worst]:.1%} of its norm"


def _gradients(packed: Pack, passes_of: Callable[[State], Passes]) -> Params:
    """The gradients of the first update of a pack."""
    state = begin(packed)
    passes = passes_of(state)
    update_models(packed, state, passes, draw_batch(packed, 0), clock(packed, 0))
    of_critic = {} if passes.critic is None else passes.critic.gradients()
    return passes.vae.gradients() | {f"critic.{name}": of for name, of in of_critic.items()}

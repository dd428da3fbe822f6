"""What holds of a method in training: it trains, in a pack as alone, whatever engine carries it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from distaff.runs import Optim, Run, run, side_by_side
from distaff.testing.check import expect, property_of
from distaff.testing.method_outputs import MethodUnderCheck
from distaff.testing.methods import METHOD_PROPERTIES
from distaff.training.engines import Engine
from distaff.training.engines.loop import loop
from distaff.training.pack import State, begin, pack
from distaff.training.passes.autograd import autograd_passes
from distaff.training.passes.choice import passes_for
from distaff.training.step import take_step

UPDATES = 8
NETWORK, CRITIC = "mlp(width=16, latents=5)", "critic(width=8, depth=2)"
NEIGHBOURS = ("beta_vae(beta=4)", "beta_tc_vae")
# seeds in which no unit of the network comes so close to its kink that rounding decides on which side it is
SEEDS = (2, 3)


@contextmanager
def one_thread() -> Iterator[None]:
    """As in a study, where every process has one: threads of a product split its sums differently for each size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _run(method: str, seed: int) -> Run:
    return run("toy", method, NETWORK, CRITIC, seed=seed, updates=UPDATES, batch=16, optim=Optim(lr=1e-3))


def _members(method: MethodUnderCheck) -> list[Run]:
    """Runs of it with two seeds, and of other methods where they can stand side by side."""
    own = [_run(str(method.spec), seed) for seed in SEEDS]
    others = [_run(name, seed) for name in NEIGHBOURS for seed in SEEDS]
    return own + [one for one in others if side_by_side(one) == side_by_side(own[0])]


def _trained(members: list[Run], engine: Engine | None = None) -> tuple[tuple[Run, ...], State]:
    packed = pack(tuple(members))
    state = begin(packed)
    passes = passes_for(packed, state) if engine is None else autograd_passes(packed, state, engine)
    for _ in range(UPDATES):
        state, _, _ = take_step(packed, state, passes)
    return packed.runs, state


@property_of(METHOD_PROPERTIES)
def packing_does_not_matter(method: MethodUnderCheck) -> None:
    """A run of a pack is the run alone, bit for bit on a CPU, and its weights stay finite."""
    with one_thread():
        order, together = _trained(_members(method))
        for place, one in ((place, one) for place, one in enumerate(order) if one.method == method.spec):
            _, alone = _trained([one])
            for name, weights in alone.params.items():
                finite = torch.isfinite(weights[0]).all()
                expect(finite, f"{name} of the network is not finite after {UPDATES} updates with {one.method}")
                same = torch.equal(together.params[name][place], weights[0])
                expect(same, f"{name} of the network differs between a run alone and in a pack of {len(order)}")


@property_of(METHOD_PROPERTIES)
def every_engine_equals_the_loop(method: MethodUnderCheck) -> None:
    """`loop`, one model after the other, is the oracle."""
    with one_thread():
        members = _members(method)
        _, expected = _trained(members, loop)
        _, found = _trained(members)
        for name, weights in expected.params.items():
            apart = float((found.params[name] - weights).detach().abs().max())
            expect(apart <= 1e-5, f"{name} of the network is {apart:.2g} off that of the loop after {UPDATES} updates")

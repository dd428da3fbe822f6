"""A step captured once as a CUDA graph and replayed: thousands of small kernels start as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from distaff.methods import Outputs
from distaff.training.adam import AdamStep
from distaff.training.engines import Engine
from distaff.training.pack import Pack, State
from distaff.training.step import Clock, Draws, clock, draw_batch, update_models

Step: TypeAlias = Callable[[State], tuple[State, list[dict[str, Tensor]], Outputs]]
WARM_UPS = 3  # runs before the capture, in which libraries choose their kernels and take their memory


def capture_step(pack: Pack, state: State, engine: Engine) -> Step:
    """A function that does what `step(pack, state, engine)` does, for this `state` and those that follow from it.

    Weights and moments stay where they are and are changed in place; the terms and outputs that it returns are
    overwritten by the next step.
    """
    draws, now = draw_batch(pack, state.step), _tensors(clock(pack, state.step), pack.device)
    before = [t.detach().clone() for t in _moving(state)]
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            update_models(pack, state, engine, draws, now)
    torch.cuda.current_stream().wait_stream(side)
    for tensor, old in zip(_moving(state), before, strict=True):
        tensor.detach().copy_(old)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        terms, outputs = update_models(pack, state, engine, draws, now)

    filled, done = torch.cuda.Event(), torch.cuda.Event()  # type: ignore[no-untyped-call]

    def replay(state: State) -> tuple[State, list[dict[str, Tensor]], Outputs]:
        side.wait_event(filled)
        with torch.cuda.stream(side):  # draws are made and copied while the GPU is at the update before
            new = draw_batch(pack, state.step)
        torch.cuda.current_stream().wait_stream(side)
        fill(draws, now, new, clock(pack, state.step))
        filled.record()
        graph.replay()
        done.synchronize()  # of the update before: one ahead is enough
        done.record()
        return state._replace(step=state.step + 1), terms, outputs

    return replay


def fill(draws: Draws, now: Clock, new: Draws, then: Clock) -> None:
    """Put the draws and the clock of another update into the tensors that the captured graph reads."""
    for old, fresh in zip(draws, new, strict=True):
        if old is not None and fresh is not None:
            old.copy_(fresh)
    for tensor, number in zip(_flat(now), _flat(then), strict=True):
        assert isinstance(tensor, Tensor)
        tensor.fill_(number)


def _tensors(clock: Clock, device: str) -> Clock:
    """The clock with tensors for numbers."""
    step, *of_both = (torch.tensor(float(number), device=device) for number in _flat(clock))
    return Clock(step, AdamStep(*of_both[:2]), AdamStep(*of_both[2:]))


def _flat(clock: Clock) -> tuple[float | Tensor, ...]:
    return clock.step, *clock.vae, *clock.critic


def _moving(state: State) -> Iterator[Tensor]:
    """All tensors that a step changes."""
    for part in (state.params, *state.moments, state.critic, *state.critic_moments):
        yield from part.values()
    yield state.sound

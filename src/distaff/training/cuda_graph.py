"""A step captured once as a CUDA graph and replayed: thousands of small kernels start as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from distaff.methods import Outputs
from distaff.runs import Optim
from distaff.training.adam import AdamStep, learning_rate
from distaff.training.device import usable_memory
from distaff.training.pack import Pack, State
from distaff.training.passes import Passes
from distaff.training.resident import Resident, draw_on_device, resident
from distaff.training.step import Clock, Draws, clock, draw_batch, update_models

Results: TypeAlias = tuple[list[dict[str, Tensor]], Outputs]
Step: TypeAlias = Callable[[State], tuple[State, list[dict[str, Tensor]], Outputs]]
WARM_UPS = 3  # runs before the capture, in which libraries choose their kernels and take their memory


def capture_step(pack: Pack, state: State, passes: Passes) -> Step:
    """A function that does what `take_step(pack, state, passes)` does, for this `state` and those that follow from it.

    Weights and moments stay where they are and are changed in place; the terms and outputs that it returns are
    overwritten by the next step. The graph draws its batches itself, where kernels alone can and the images fit.
    """
    held = resident(pack, usable_memory() // 2)
    return _drawn_on_host(pack, state, passes) if held is None else _drawn_in_graph(pack, state, passes, held)


def _drawn_in_graph(pack: Pack, state: State, passes: Passes, held: Resident) -> Step:
    """The host does nothing but start the graph, which counts the updates."""
    count = torch.tensor([state.step], device=pack.device)
    rates = [_rates(optim, pack) for optim in (pack.runs[0].optim, pack.runs[0].critic_optim)]

    def update() -> Results:
        draws = draw_on_device(pack, held, count[0], passes.vae.dtype)
        vae, critic = (AdamStep(of_update[count][0], (count + 1).float()[0]) for of_update in rates)
        results = update_models(pack, state, passes, draws, Clock(count.float()[0], vae, critic))
        count.add_(1)
        return results

    graph, results = _captured(state, passes, update, count)

    def replay(state: State) -> tuple[State, list[dict[str, Tensor]], Outputs]:
        graph.replay()
        return state._replace(step=state.step + 1), *results

    return _one_ahead(replay)


def _rates(optim: Optim, pack: Pack) -> Tensor:
    """The learning rate of each update, and of those by which a graph is warmed up."""
    updates = pack.runs[0].updates
    rates = [learning_rate(optim, at, updates) for at in range(updates)]
    return torch.tensor(rates + rates[-1:] * (WARM_UPS + 1), device=pack.device)


def _drawn_on_host(pack: Pack, state: State, passes: Passes) -> Step:
    """Draws are made and copied while the GPU is at the update before."""
    draws, now = draw_batch(pack, state.step), _tensors(clock(pack, state.step), pack.device)
    graph, results = _captured(state, passes, lambda: update_models(pack, state, passes, draws, now))
    side, filled = torch.cuda.Stream(), torch.cuda.Event()  # type: ignore[no-untyped-call]

    def replay(state: State) -> tuple[State, list[dict[str, Tensor]], Outputs]:
        side.wait_event(filled)
        with torch.cuda.stream(side):
            new = draw_batch(pack, state.step)
        torch.cuda.current_stream().wait_stream(side)
        fill(draws, now, new, clock(pack, state.step))
        filled.record()
        graph.replay()
        return state._replace(step=state.step + 1), *results

    return _one_ahead(replay)


def _captured(
    state: State, passes: Passes, update: Callable[[], Results], *counters: Tensor
) -> tuple[torch.cuda.CUDAGraph, Results]:
    """The graph of an `update` and what it returns; state and counters are as before."""
    moving = [*_moving(state), *passes.vae.copies(), *(passes.critic.copies() if passes.critic else ()), *counters]
    before = [tensor.detach().clone() for tensor in moving]
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            update()
    torch.cuda.current_stream().wait_stream(side)
    for tensor, old in zip(moving, before, strict=True):
        tensor.detach().copy_(old)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = update()
    return graph, results


def _one_ahead(replay: Step) -> Step:
    """The same, at most one update ahead of the GPU."""
    done = torch.cuda.Event()  # type: ignore[no-untyped-call]

    def one(state: State) -> tuple[State, list[dict[str, Tensor]], Outputs]:
        result = replay(state)
        done.synchronize()  # of the update before
        done.record()
        return result

    return one


def fill(draws: Draws, now: Clock, new: Draws, then: Clock) -> None:
    """Put the draws and the clock of another update into the tensors that the captured graph reads."""
    for old, fresh in zip(draws, new, strict=True):
        if isinstance(old, Tensor) and isinstance(fresh, Tensor):
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

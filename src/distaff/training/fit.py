"""The loop over steps: curves at a cadence, checkpoints by time, models that diverge marked."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from distaff.errors import DistaffError
from distaff.heap import keep_freed
from distaff.methods import Outputs, kl_by_latent
from distaff.runs import Run
from distaff.trained import Model
from distaff.training.checkpoint import NotSaved, load_checkpoint, save_somewhere, state_in
from distaff.training.cuda_graph import Step, capture_step
from distaff.training.device import exact, gpu_name
from distaff.training.memory import bytes_of
from distaff.training.pack import Pack, State, begin, latents, pack
from distaff.training.passes import Passes
from distaff.training.passes.choice import passes_for
from distaff.training.step import group_terms, objectives, ordinary_outputs, take_step
from distaff.types import Params
from distaff.weather import is_there

Log: TypeAlias = Callable[[Run, int, dict[str, float]], object]

CURVE_POINTS = 200  # points of a curve: enough to see its shape, little to store
PROGRESS_SECONDS = 1.0  # time between calls of `progress`, in which a caller may also stop
CHECKPOINT_SECONDS = 30.0  # time between checkpoints: what a crash can cost


class Trained(NamedTuple):
    """What training one run gave: the model, its curve, and the first update that was not finite, if one was not."""

    model: Model
    curve: Tensor  # [points columns], NaN where the run has no such column
    columns: tuple[str, ...]
    diverged: int | None
    milliseconds: tuple[float, ...] = ()  # of an update of one model, at each point; NaN before an interruption
    engine: str = ""  # what ran the models
    device: str = ""  # the GPU on which, if not the processor

    @property
    def run(self) -> Run:
        """What was trained."""
        return self.model.run

    @property
    def params(self) -> Params:
        """The weights that came of it."""
        return self.model.params


def fit(
    runs: tuple[Run, ...],
    *,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    log: Log | None = None,
    device: str = "cpu",
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    spare: Path | None = None,
) -> list[Trained]:
    """Train `runs` side by side on `device`, in one process of one thread; returns the result of each.

    With `checkpoint`, the state is saved to that file every `checkpoint_seconds` seconds, when training is interrupted
    between updates, when an update raises, and after the last one; it is loaded from there again, and the result is
    the same bit for bit. Where that file cannot be written, the state goes to `spare`. `progress` is called between
    updates, about once a second, with those done and in all: what it raises stops training there. `log` is called with
    each run, its update and the new point of its curve. Raises `DistaffError` where memory or the disk is full, and
    what a method raises.
    """
    with _single_thread(runs):
        return _fit(pack(runs, device), checkpoint, progress, log, checkpoint_seconds, spare)


def try_update(runs: tuple[Run, ...], checkpoint: bytes | None, device: str = "cpu") -> None:
    """One update of `runs` from the content of a checkpoint, or the first one, whose result is dropped.

    Raises what training them there raises: it tells which of many runs that were trained side by side is at fault.
    """
    with _single_thread(runs):
        packed = pack(runs, device)
        columns = columns_of(packed)
        state = begin(packed)
        if checkpoint is not None:
            state, _, known = state_in(checkpoint, packed)
            columns = known or columns
        if state.step < runs[0].updates:
            state, terms, outputs = take_step(packed, state, passes_for(packed, state))
            _point(packed, columns, state, terms, outputs)


@contextlib.contextmanager
def _single_thread(runs: tuple[Run, ...]) -> Iterator[None]:
    torch.set_num_threads(1)
    exact()
    keep_freed()
    try:
        with _memory(runs):
            yield
    except SystemExit as error:  # of a plug-in: this process is not its to end
        raise DistaffError(f"a plug-in calls sys.exit({error.code})") from error


@contextlib.contextmanager
def _memory(runs: tuple[Run, ...]) -> Iterator[None]:
    """Name the models that did not fit where memory ends: the numbers of an allocator help nobody."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        need = len(runs) * bytes_of(runs[0]) / 1e9
        raise DistaffError(
            f"out of memory ({error}): {len(runs)} models of {runs[0].network} side by side need about {need:.1f} GB. "
            "Fewer in a pack need less (distaff study run --memory), and so does a smaller network or batch"
        ) from error


@dataclass
class _Saved:
    """The state and the curve of a training, their checkpoint, and whether they may be saved at this moment."""

    pack: Pack
    columns: tuple[str, ...]
    curve: Tensor
    state: State
    path: Path | None
    spare: Path | None
    step: int  # the update of the last checkpoint
    # An interrupt may come inside an update, which changes weights in place, and what a method raises comes before
    # they change: `whole` and `intact` are for the one and the other.
    whole: bool = True
    intact: bool = True

    def save(self) -> None:
        """Write the checkpoint, unless that of this update is there."""
        if self.path is not None and self.state.step > self.step:
            save_somewhere(self.path, self.spare, self.pack, self.state, self.curve, self.columns, self.step)
            self.step = self.state.step

    @contextlib.contextmanager
    def whatever_comes(self) -> Iterator[None]:
        """Save when training is interrupted, when an update raises, and when all is done."""
        try:
            yield
        except KeyboardInterrupt:
            if self.whole:
                self.save()
            raise
        except NotSaved:
            raise
        except (Exception, SystemExit):
            if self.intact:
                self.save()
            raise
        self.save()


def _begun(packed: Pack, checkpoint: Path | None, spare: Path | None) -> _Saved:
    """The state at which training begins: that of the checkpoint, or update 0."""
    updates, cadence = packed.runs[0].updates, _cadence(packed)
    if checkpoint is not None and is_there(checkpoint):
        state, curve, columns = load_checkpoint(checkpoint, packed)
        return _Saved(packed, columns or columns_of(packed), curve, state, checkpoint, spare, state.step)
    columns = columns_of(packed)
    curve = torch.full((updates // cadence, len(packed.runs), len(columns)), torch.nan)
    return _Saved(packed, columns, curve, begin(packed), checkpoint, spare, 0)


def _cadence(packed: Pack) -> int:
    return max(1, packed.runs[0].updates // CURVE_POINTS)


def _fit(
    packed: Pack, checkpoint: Path | None, progress: Callable[[int, int], None] | None, log: Log | None,
    checkpoint_seconds: float, spare: Path | None,
) -> list[Trained]:  # fmt: skip
    runs, device = packed.runs, packed.device
    cadence = _cadence(packed)
    now = _begun(packed, checkpoint, spare)
    columns, curve = now.columns, now.curve
    ended = now.state.step >= runs[0].updates or _hopeless(now.state)
    passes = passes_for(packed, now.state)
    one_update = None if ended else _step_of(packed, now.state, passes)
    saved = pointed = reported = time.monotonic()
    since = now.state.step  # the update of `pointed`
    milliseconds = [math.nan] * len(curve)
    with now.whatever_comes():
        while one_update is not None and now.state.step < runs[0].updates:
            now.whole, now.intact = False, device == "cpu"
            state, terms, outputs = one_update(now.state)
            now.state, now.intact = state, False
            if at_point := state.step % cadence == 0:
                point = curve[state.step // cadence - 1] = _point(packed, columns, state, terms, outputs)
                clock = time.monotonic()
                milliseconds[state.step // cadence - 1] = 1e3 * (clock - pointed) / (state.step - since) / len(runs)
                pointed, since = clock, state.step
                if log is not None:
                    _log_point(log, packed, columns, state.step, point)
            now.whole = now.intact = True
            if progress is not None and (at_point or time.monotonic() - reported > PROGRESS_SECONDS):
                reported = time.monotonic()
                progress(state.step, runs[0].updates)
            if time.monotonic() - saved > checkpoint_seconds:
                now.save()
                saved = time.monotonic()
            if at_point and _hopeless(state):
                break
    results = [_trained(packed, k, now.state, curve[:, k], columns) for k in range(len(packed.runs))]
    return [
        one._replace(milliseconds=tuple(milliseconds), engine=passes.vae.name, device=gpu_name(device))
        for one in results
    ]


def _hopeless(state: State) -> bool:
    """Whether no model is left that could recover."""
    return state.step > 0 and bool((state.sound < state.step).all())


def _step_of(pack: Pack, state: State, passes: Passes) -> Step:
    """What takes an update of `pack`, replayed where a GPU runs it."""
    if pack.device != "cpu":
        return capture_step(pack, state, passes)
    return lambda now: take_step(pack, now, passes)


def columns_of(pack: Pack) -> tuple[str, ...]:
    """The columns of the pack's curves: step, objective, ELBO, kl of each latent, and every term of its methods."""
    outputs = ordinary_outputs(pack)
    names = sorted({name for group in pack.groups for name in group_terms(group, outputs)})
    by_latent = [f"kl.{d}" for d in range(latents(pack.runs[0]))]
    return "step", "objective", "elbo", *by_latent, *(f"term.{name}" for name in names)


def _point(
    pack: Pack, columns: tuple[str, ...], state: State, terms: list[dict[str, Tensor]], outputs: Outputs
) -> Tensor:
    """One point of every model's curve, [k columns]."""
    point = torch.full((len(pack.runs), len(columns)), torch.nan, device=pack.device)
    point[:, 0] = float(state.step)
    d = outputs.mean.shape[-1]
    point[:, 3 : 3 + d] = kl_by_latent(outputs.mean.detach(), outputs.logvar.detach())
    point[:, 2] = -outputs.nll.detach() - point[:, 3 : 3 + d].sum(1)
    for group, by_name in zip(pack.groups, terms, strict=True):
        for name, value in by_name.items():
            point[group.models, columns.index(f"term.{name}")] = value.detach()
    point[:, 1] = objectives(terms).detach()
    return point.cpu()


def _log_point(log: Log, pack: Pack, columns: tuple[str, ...], step: int, point: Tensor) -> None:
    for run, row in zip(pack.runs, point.tolist(), strict=True):
        log(run, step, {name: value for name, value in zip(columns[1:], row[1:], strict=True) if not math.isnan(value)})


def _trained(pack: Pack, k: int, state: State, curve: Tensor, columns: tuple[str, ...]) -> Trained:
    params = {
        name: weights[k].detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, weights in state.params.items()
    }
    healthy = all(bool(torch.isfinite(weights).all()) for weights in params.values())
    sound = int(state.sound[k])
    diverged = None if healthy and sound == state.step else min(sound + 1, state.step)
    return Trained(Model(pack.runs[k], params), curve, columns, diverged)

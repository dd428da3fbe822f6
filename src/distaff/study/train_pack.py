"""Training a pack: in sub-packs where memory is short, from its checkpoints, and without those of its runs that raise.

What a run raises is its own failure. Which run of many it was is found by training them apart for one update; the
others go on side by side, with the bits that they have without it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from distaff.runs import Run
from distaff.scoring.protocol import EvaluationProtocol
from distaff.store.provenance import joules, spent
from distaff.store.store import Store
from distaff.study.checkpoints import (
    SubPack,
    checkpoint_of,
    checkpoints,
    extract,
    extract_alone,
    is_whole,
    next_subpack,
    remove_obsolete,
    training_ended,
)
from distaff.study.faults.blame import find_guilty, kind_of, lost_gpu, reason_of
from distaff.study.faults.deaths import Deaths
from distaff.study.faults.failures import DIED
from distaff.study.faults.ready import check_room
from distaff.study.faults.spare import spare_path
from distaff.study.launch import CHECKPOINT_SECONDS
from distaff.study.leases import Lease
from distaff.study.plan import Train
from distaff.study.progress import read_progress, write_progress
from distaff.study.stop import Stop
from distaff.training.device import usable_memory
from distaff.weather import is_there, remove, weather_in

if TYPE_CHECKING:
    from distaff.training.fit import Trained

PROGRESS_SECONDS = 0.5  # time between writes of how far a pack has come
TRIES = 2  # of a pack that raises at the same update though none of its runs does so alone


class Limits(NamedTuple):
    """What bounds a worker: seconds of training between checkpoints, bytes of memory (0: no bound), the device."""

    checkpoint_seconds: float = CHECKPOINT_SECONDS
    memory: int = 0
    device: str = "cpu"


LIMITS = Limits()


def train(
    store: Store,
    job: Train,
    stop: Stop,
    limits: Limits = LIMITS,
    lease: Lease | None = None,
    protocol: EvaluationProtocol | None = None,
) -> None:
    """Train what is missing of a pack and store it; with `protocol`, a GPU computes the codes to be scored as well.

    What runs raise is recorded as their failures, except for a fault of the place, which is raised as it is.
    """
    _PackTraining(store, job, stop, limits, lease, Deaths.of(store.folder, job.name), protocol).train()


@dataclass
class _PackTraining:
    store: Store
    job: Train
    stop: Stop
    limits: Limits
    lease: Lease | None
    deaths: Deaths
    protocol: EvaluationProtocol | None = None
    raised: dict[tuple[str, int], int] = field(default_factory=dict)  # how often, by sub-pack and update, unexplained

    def train(self) -> None:
        most = self._prepare()
        while most and (subpack := next_subpack(self.store, self.job, most, self.deaths.part)):
            if self.deaths.kills(subpack.runs, subpack.name, subpack.step):
                self._give_up(subpack)
            else:
                self._attempt(subpack)
            remove_obsolete(self.store, self.job.name, self.job.whole)

    def _prepare(self) -> int:
        """How many models are trained side by side; 0 where what all runs share, as their data set, raises."""
        from distaff.trained import dataset_of

        run = self.job.runs[0]
        try:
            dataset_of(run.dataset)
        except Exception as error:
            if weather_in(error) is not None:
                raise
            self._fail_all(error, "data")
            return 0
        try:
            return _side_by_side(run, self.limits) or len(self.job.whole)
        except Exception as error:
            if weather_in(error) is not None:
                raise
            self._fail_all(error, kind_of(error))
            return 0

    def _attempt(self, subpack: SubPack) -> None:
        if self.lease:
            self.lease.begin(subpack.name, subpack.step)
        check_room(self.store, subpack.runs)
        try:
            _train_subpack(self.store, self.job, subpack, self.stop, self.limits, self.protocol)
        except Exception as error:
            if weather_in(error) is not None or _is_of_store(error, self.store):
                raise
            if lost_gpu(error):
                _die(error)
            self._blame(subpack, error)

    def _blame(self, subpack: SubPack, error: Exception) -> None:
        """Record the failure of the run that raises; where none does so alone, train them apart after a second try."""
        if len(subpack.runs) == 1:
            self._fail(subpack.runs[0], error)
            return
        ids = {run.id for run in subpack.runs}
        existing = checkpoints(self.store, self.job.name)
        holding = [one for one in existing if ids.issubset(one.runs) and is_whole(self.store, one)]
        held = subpack._replace(source=holding[0] if holding else None)
        guilty = find_guilty(held, self.job.whole, self.limits.device, self.stop.check)
        for one in guilty:
            self._fail(one.run, one.error)
        if not guilty:
            place = subpack.name, holding[0].step if holding else 0
            self.raised[place] = self.raised.get(place, 0) + 1
            if self.raised[place] >= TRIES:
                self.deaths.separate(subpack.runs, keep=False)

    def _give_up(self, subpack: SubPack) -> None:
        """Train runs that killed their workers apart; one that does so alone is recorded as the cause."""
        if len(subpack.runs) > 1:
            self.deaths.separate(subpack.runs, keep=True)
            return
        (run,) = subpack.runs
        number = self.deaths.at(subpack.name, subpack.step)
        reason = f"{number} workers in a row died at it without progress ({self.deaths.last})"
        self.store.fail(run, reason, kind=DIED, checkpoint=extract_alone(self.store, self.job, run))

    def _fail(self, run: Run, error: Exception) -> None:
        self.store.fail(
            run,
            reason_of(error),
            kind=kind_of(error),
            trace="".join(traceback.format_exception(error)),
            checkpoint=extract_alone(self.store, self.job, run),
        )

    def _fail_all(self, error: Exception, kind: str) -> None:
        for run in self.job.runs:
            if not training_ended(self.store, run):
                trace = "".join(traceback.format_exception(error))
                self.store.fail(run, reason_of(error), kind=kind, trace=trace,
                                checkpoint=checkpoint_of(self.store, self.job.name, run))  # fmt: skip


def _side_by_side(run: Run, limits: Limits) -> int:
    """How many models like `run` there is room for; 0 where nothing bounds them."""
    from distaff.training.memory import models_beside, models_within

    if limits.device != "cpu":
        return models_within(run, usable_memory())
    return models_beside(run, limits.memory) if limits.memory else 0


def _train_subpack(
    store: Store, job: Train, subpack: SubPack, stop: Stop, limits: Limits, protocol: EvaluationProtocol | None
) -> None:
    from distaff.training.fit import fit

    before = _seconds_so_far(subpack)
    if subpack.source:
        extract(subpack, job.whole)
    began, energy, last = time.monotonic(), joules(), 0.0
    sizes = {"models": len(subpack.runs), "runs": [run.id for run in subpack.runs]}

    def progress(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > PROGRESS_SECONDS or done == of:
            last = now
            write_progress(subpack.progress_path, {"updates": done, **sizes, "seconds": round(before + now - began, 3)})
        stop.check()

    trained = fit(
        subpack.runs,
        checkpoint=subpack.path,
        progress=progress,
        device=limits.device,
        checkpoint_seconds=limits.checkpoint_seconds,
        spare=spare_path(store.folder, subpack.path),
    )
    seconds = before + time.monotonic() - began
    record = {"pack": job.name, "models": len(subpack.runs), "joules_of_machine": spent(energy, joules())}
    if protocol is not None and limits.device != "cpu":  # before the runs are there for others to score
        _encode(store, trained, protocol, limits.device)
    for one in trained:
        try:
            store.put(one, seconds / len(subpack.runs), record)
        except Exception as error:  # what is trained stays in the checkpoint, and the others are stored
            if weather_in(error) is not None:
                raise
            store.fail(one.run, f"trained, but not stored: {reason_of(error)}", kind=kind_of(error),
                       trace=traceback.format_exc(), checkpoint=checkpoint_of(store, job.name, one.run))  # fmt: skip
    remove(subpack.progress_path)


def _encode(store: Store, trained: Sequence[Trained], protocol: EvaluationProtocol, device: str) -> None:
    from distaff.scoring.encoded import encode_trained

    encode_trained(store, [one.model for one in trained if one.diverged is None], protocol, device)


def _is_of_store(error: Exception, store: Store) -> bool:
    """Whether a file of the store could not be reached: it was moved, or its disk is gone."""
    name = error.filename if isinstance(error, OSError) else None
    return isinstance(name, str) and Path(name).is_relative_to(store.folder)


def _seconds_so_far(subpack: SubPack) -> float:
    """What the models of a sub-pack that is begun have taken so far."""
    checkpoint = subpack.source.path if subpack.source else subpack.path
    record = read_progress(checkpoint.with_suffix(".progress")) if is_there(checkpoint) else {}
    return float(record["seconds"]) * len(subpack.runs) / record["models"] if record else 0.0


def _die(error: Exception) -> None:
    """End this process at once, as a crash does: it cannot use its GPU again, and whoever started it sees it."""
    print(f"the GPU is lost: {reason_of(error)}", file=sys.stderr, flush=True)  # noqa: T201  (the parent reads it)
    os.kill(os.getpid(), signal.SIGABRT)

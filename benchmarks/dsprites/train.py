"""The process that has the GPU: it measures the pace, trains pack after pack to its end, and encodes each at once."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from distaff.atomic import write
from distaff.runs import Run, Study
from distaff.scoring.protocol import protocol_of
from distaff.store.files import read_json
from distaff.store.listing import listing
from distaff.store.store import Store
from distaff.study.plan import Train, pack_id, plan
from distaff.study.stop import Stop
from distaff.study.train_pack import Limits, train
from distaff.training.fit import fit
from dsprites import schedule
from dsprites.schedule import Cores, Pace, Trial

TRIAL_SECONDS = 2.0  # of updates, once they have begun
TRIAL_MODELS = 6  # FactorVAE's, for the trial of its pace
BUSY = 1.25  # how much slower a scoring may become when all cores are at one
ENCODE_SECONDS = 0.6  # of a model, before one was encoded here
PACE = "pace.json"  # in the folder of the store: what was measured, for the record


class Enough(Exception):
    """A trial has run for long enough."""


@dataclass
class Trainer:
    """Trains what is missing of a study, pack by pack, until the time that is left would not do for another."""

    store: Store
    study: Study
    missing: Callable[[], list[Run]]
    until: float  # of time.time(): when all must be scored
    cores: int
    score_seconds: float  # of a run, until some were scored here
    most: int  # models in a pack of the methods without a critic
    device: str
    stop: Stop
    log: Callable[[str], object]

    def run(self) -> None:
        """Train until nothing is missing or nothing more fits."""
        measured = self._measured()
        self.log(f"pace: {_shown(measured)}")
        write(self.store.folder / PACE, json.dumps(measured._asdict()).encode())
        first = True
        while missing := self.missing():
            pace = measured._replace(score=self._score_seconds())
            cores = Cores(self.cores, len(plan(self.study, self.store).unscored))
            left = self.until - time.time()
            pack = schedule.first_pack(missing, pace, cores, left, self.most) if first else []
            pack = pack or schedule.next_pack(missing, pace, cores, left, self.most)
            first = False
            if not pack:
                self.log(f"{left:.0f} s are left: no pack more ends in them")
                return
            self.log(f"{left:.0f} s are left: {len(pack)} models, about {pace.train(pack):.0f} s")
            measured = self._train(pack, measured)

    def _train(self, pack: Sequence[Run], pace: Pace) -> Pace:
        """Train a pack; returns the pace with what it really took, where that was more."""
        began, runs = time.monotonic(), tuple(pack)
        job = Train(pack_id(runs), runs, runs)
        limits = Limits(checkpoint_seconds=max(30.0, self.until - time.time()), device=self.device)
        train(self.store, job, self.stop, limits, protocol=protocol_of(self.study, self.store))
        took = time.monotonic() - began
        each = 1e6 * took / len(runs) / runs[0].updates
        self.log(f"{len(runs)} models in {took:.0f} s, {each:.0f} us a model-step with encoding and storing")
        if took <= pace.train(runs):
            return pace
        really = Trial(took - pace.encode * len(runs), len(runs))
        return pace._replace(**{"factor_vae" if runs[0].critic else "other": really})

    def _measured(self) -> Pace:
        factor_vae, others = schedule.split(self.missing())
        of_both = [self._trial(factor_vae[:TRIAL_MODELS]), self._trial(others[: self.most])]
        return Pace(*of_both, ENCODE_SECONDS if self.device != "cpu" else 0.0, self.score_seconds)

    def _trial(self, runs: Sequence[Run]) -> Trial:
        """What the whole training of `runs` would take, from its first updates."""
        if not runs:
            return Trial(0.0, 1)
        seen: list[tuple[float, int]] = []

        def progress(done: int, of: int) -> None:
            self.stop.check()
            seen.append((time.monotonic(), done))
            if done == of or (seen[-1][0] - seen[0][0] > TRIAL_SECONDS and done > seen[0][1]):
                raise Enough

        began = time.monotonic()
        with contextlib.suppress(Enough):
            fit(tuple(runs), progress=progress, device=self.device)
        (start, before), (end, done) = (seen[0], seen[-1]) if len(seen) > 1 else ((began, 0), seen[-1])
        return Trial((end - start) / (done - before) * runs[0].updates, len(runs))

    def _score_seconds(self) -> float:
        """What a scoring takes here when all cores score, or what was said it does."""
        made = [
            read_json(path).get("made", {})
            for id in listing(self.store).runs
            for path in self.store.run_folder(id).glob("scores-*.json")
        ]
        took = [sum(one["seconds"].values()) for one in made if "seconds" in one]
        return BUSY * median(took) if took else self.score_seconds


def trained_or_failed(store: Store) -> frozenset[str]:
    """The runs of a store that need no training."""
    stored = listing(store)
    return frozenset(stored.runs | stored.failed)


def pace_of(folder: Path) -> dict[str, Any]:
    """What a trainer measured, if it came to that."""
    path = folder / PACE
    return json.loads(path.read_bytes()) if path.exists() else {}


def _shown(pace: Pace) -> str:
    of_both = (("FactorVAE", pace.factor_vae), ("others", pace.other))
    trials = [f"{trial.seconds:.1f} s for {trial.models} {name}" for name, trial in of_both]
    return f"{', '.join(trials)}, {pace.encode:.1f} s to encode and {pace.score:.0f} s to score each"

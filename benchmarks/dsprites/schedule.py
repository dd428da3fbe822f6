"""Which models are trained next, so that all of them are trained to their end and scored before time is up.

A slice is one strength of one seed of all six methods. Slices have one order, seed by seed, so that whatever was
trained so far is balanced over methods. FactorVAE's share of the slices is one pack, the first, since its few models
are cheapest together; the other methods follow in packs of about as many models as there are cores, each scored while
the next is trained.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from distaff.runs import Run

STRENGTHS = (0, 5, 2, 4, 1, 3)  # the order of the six: ends and middle first
OTHERS = 5  # methods beside FactorVAE
FIXED = 0.3  # of an update's time on a GPU: what it takes to start its kernels, whatever the number of models


class Trial(NamedTuple):
    """Seconds that the whole training of a pack of so many models would take, by its first updates."""

    seconds: float
    models: int

    def of(self, models: int) -> float:
        """Seconds for a pack of another size: a smaller one keeps a part of them, whatever its size."""
        share = models / self.models
        return self.seconds * max(share, FIXED + (1 - FIXED) * share)


class Pace(NamedTuple):
    """What packs take, with a critic and without, and in seconds a model its encoding and its scoring."""

    factor_vae: Trial
    other: Trial
    encode: float
    score: float

    def train(self, runs: Sequence[Run]) -> float:
        """Seconds of a pack, until its runs can be scored."""
        trial = self.factor_vae if runs[0].critic else self.other
        return trial.of(len(runs)) + self.encode * len(runs)


class Cores(NamedTuple):
    """How many processes score, and how many runs are trained and not scored yet."""

    number: int
    waiting: int = 0


def in_order(runs: Iterable[Run]) -> list[Run]:
    """The runs by slice, and within a slice by method."""
    runs = list(runs)
    values: dict[str, set[float]] = defaultdict(set)
    for run in runs:
        values[run.method.name].add(_strength(run))
    rank = {(name, value): i for name, found in values.items() for i, value in enumerate(sorted(found))}

    def place(run: Run) -> tuple[int, int, str]:
        strength = rank[run.method.name, _strength(run)]
        return run.seed, STRENGTHS.index(strength) if strength in STRENGTHS else strength, run.method.name

    return sorted(runs, key=place)


def some_of(runs: Sequence[Run], number: int) -> list[Run]:
    """The first `number` of runs in order, FactorVAE's and the others' as in whole slices, but at least one."""
    factor_vae, others = split(runs)
    n = -(-number // (1 + OTHERS))
    return [*factor_vae[:n], *others[: number - n]]


def finish(packs: Sequence[Sequence[Run]], pace: Pace, cores: Cores) -> float:
    """In how many seconds `packs` are trained one after the other, and all runs are scored."""
    free = [0.0] * cores.number
    for _ in range(cores.waiting):
        heapq.heapreplace(free, free[0] + pace.score)
    trained = 0.0
    for pack in packs:
        trained += pace.train(pack)
        for _ in pack:
            heapq.heapreplace(free, max(free[0], trained) + pace.score)
    return max(free)


def first_pack(missing: Sequence[Run], pace: Pace, cores: Cores, seconds: float, most: int) -> list[Run]:
    """FactorVAE's runs of as many slices as fit into `seconds` with those of the other methods; () if none does.

    `missing` is in order, and `most` is the size of the others' packs.
    """
    factor_vae, others = split(missing)
    best: list[Run] = []
    for n in range(1, len(factor_vae) + 1):
        rest = others[: OTHERS * n]
        if finish([factor_vae[:n], *chunks(rest, most)], pace, cores) > seconds:
            break
        best = factor_vae[:n]
    return best


def next_pack(missing: Sequence[Run], pace: Pace, cores: Cores, seconds: float, most: int) -> list[Run]:
    """The next runs of the other methods, at most `most` of them, as many as fit into `seconds`."""
    _, others = split(missing)
    sizes = range(min(most, len(others)), 0, -1)
    return next((others[:n] for n in sizes if finish([others[:n]], pace, cores) <= seconds), [])


def split(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Those with a critic, FactorVAE's, and the others."""
    return [run for run in runs if run.critic], [run for run in runs if not run.critic]


def chunks(runs: Sequence[Run], most: int) -> list[Sequence[Run]]:
    """Runs in parts of at most `most`."""
    return [runs[i : i + most] for i in range(0, len(runs), most)]


def _strength(run: Run) -> float:
    return run.strength[1] if run.strength else 0.0

"""A rehearsal before a study: each kind of run for one update, stored, evaluated and drawn in a scratch folder.

It takes seconds, in a process of its own, so that what kills it harms nobody. What stands in the way of all is an
error before any training; what one plug-in raises is a warning, since its runs fail by themselves and others go on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from distaff.errors import DistaffError, PluginError
from distaff.metrics.evaluate import evaluate_table
from distaff.plugins.registry import metric_or_task, registry_of
from distaff.plugins.spec import Spec
from distaff.runs import Run, Study, side_by_side, structure
from distaff.scoring.protocol import protocol_of
from distaff.store.store import Store
from distaff.store.studies import read_study, save_study
from distaff.study.plan import Plan

if TYPE_CHECKING:
    from distaff.trained import Model
    from distaff.training.fit import Trained

SIZES = {"rows": 50, "test_rows": 50, "grid_rows": 1_000}  # of an evaluation: enough for any metric to run
PATIENCE = 180.0  # seconds that one attempt may take; data sets may have to be fetched
DATA_SET, STORING = "data set", "storing a run"
OURS = ("the start", STORING)  # what no plug-in takes part in
SHOWN = 5  # mistakes that one message names; the rest are counted

Say: TypeAlias = Callable[[str, str], object]  # takes a kind of line, "trying", "warning" or "mistake", and its text
T = TypeVar("T")


def rehearse(study: Study, todo: Plan, log: Callable[[str], None] = lambda _: None) -> list[str]:
    """Try everything that `todo` will need on a small scale; returns warnings, one a plug-in that raises.

    `log` is called with what is tried. Raises `DistaffError` that names every mistake of the study and the machine: a
    data set that cannot be had, a network that does not fit its images, a plug-in that cannot be imported, a metric
    with impossible options, a package that is missing.
    """
    short = sample(study, todo)
    if not short.runs:
        return []
    with tempfile.TemporaryDirectory(prefix="distaff-rehearsal-") as scratch:
        path = save_study(Path(scratch), short)
        lines = list(_lines(path, log))
    if mistakes := [text for kind, text in lines if kind == "mistake"]:
        more = f" (and {len(mistakes) - SHOWN} more)" if len(mistakes) > SHOWN else ""
        raise DistaffError(f"study {study.name} cannot run: {'; '.join(mistakes[:SHOWN])}{more}")
    return [text for kind, text in lines if kind == "warning"]


def sample(study: Study, todo: Plan) -> Study:
    """The study with one run of each kind that `todo` holds, of one update, and evaluations of few rows.

    A kind is what may be trained side by side and has one method with one structure.
    """
    kinds: dict[object, Run] = {}
    for run in [run for pack in todo.packs for run in pack.runs] + [job.run for job in todo.unscored]:
        kinds.setdefault((side_by_side(run), structure(run)), run)
    runs = {one.id: one for one in (replace(run, updates=1) for run in kinds.values())}
    sizes = {name: min(getattr(study, name), most) for name, most in SIZES.items()}
    return replace(study, runs=tuple(runs.values()), **sizes)


def _lines(path: Path, log: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    """What the process that rehearses says, and a line more where something killed it or kept it from ending."""
    trying, slow = "the start", threading.Event()
    command = [sys.executable, "-m", "distaff.study.rehearsal", str(path)]
    one_thread = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")}
    with (
        tempfile.TemporaryFile("w+", errors="replace") as messages,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages, env=one_thread, text=True
        ) as process,
    ):

        def kill() -> None:
            slow.set()
            process.kill()

        assert process.stdout is not None
        timer = threading.Timer(PATIENCE, kill)
        for line in process.stdout:
            timer.cancel()
            kind, text = json.loads(line)
            if kind == "trying":
                trying = text
                log(text)
            else:
                yield kind, text
            timer = threading.Timer(PATIENCE, kill)
            if not trying.startswith(DATA_SET):  # which may have to be fetched first
                timer.start()
        timer.cancel()
        process.wait()
        messages.seek(0)
        errors = messages.read().strip().splitlines()
    if process.returncode:
        ended = f"signal {-process.returncode}" if process.returncode < 0 else f"status {process.returncode}"
        how = f"did not end in {PATIENCE:.0f} s" if slow.is_set() else f"ended the process with {ended}"
        kind = "mistake" if trying in OURS else "warning"
        yield kind, f"{trying} {how}" + (f" ({errors[-1]})" if errors else "") + "; the rest is not rehearsed"


def main() -> int:
    """Rehearse the study in the file that is named, with the lines on standard output."""
    path, out = Path(sys.argv[1]), os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a plug-in prints must not stand among the lines
    attempts = Attempts(lambda kind, text: out.write(json.dumps([kind, " ".join(text.split())]) + "\n"))
    rehearse_here(read_study(path), path.parent / "scratch", attempts)
    return 0


class Attempts:
    """Reports what is tried and how it ended."""

    def __init__(self, say: Say) -> None:
        self.say, self.stopped = say, False

    def attempt(self, name: str, action: Callable[[], T]) -> T | None:
        """What `action` gives, or None where it raises: a warning where one plug-in is at fault, else a mistake."""
        self.say("trying", name)
        try:
            return action()
        except Exception as error:  # noqa: BLE001  (whatever a plug-in raises)
            mistake = _concerns_all(error)
            self.stopped |= mistake
            text = str(error) if isinstance(error, DistaffError) else f"{type(error).__name__}: {error}"
            self.say("mistake" if mistake else "warning", text if text.startswith(name) else f"{name}: {text}")
            return None


def _concerns_all(error: Exception) -> bool:
    """Whether an error is of the study or the machine, and not of what one plug-in does when it is called."""
    if isinstance(error, PluginError):
        return isinstance(error.__cause__, (ImportError, SyntaxError))
    return isinstance(error, (DistaffError, OSError, ImportError)) and not isinstance(error.__cause__, MemoryError)


def rehearse_here(study: Study, scratch: Path, attempts: Attempts) -> None:
    """Import every plug-in, open every data set, then train, store, evaluate and draw what works so far."""
    specs = [spec for run in study.runs for spec in _specs(run)]
    works = {}
    for spec in dict.fromkeys([*specs, *map(metric_or_task, study.metrics)]):
        load = partial(registry_of(spec).function, spec.name)
        works[spec] = attempts.attempt(f"{spec.kind} {spec.name}", load) is not None
    for dataset in dict.fromkeys(run.dataset for run in study.runs):
        works[dataset] = bool(works[dataset] and attempts.attempt(f"{DATA_SET} {dataset}", partial(_open, dataset)))
    if attempts.stopped:
        return
    runs = [run for run in study.runs if all(works[spec] for spec in _specs(run))]
    trained = [one for run in runs if (one := _train(run, attempts))]
    store = Store(scratch)
    for one in trained:
        attempts.attempt(STORING, partial(store.put, one, 0.0))
    if healthy := [one.model for one in trained if one.diverged is None]:
        _evaluate(
            study, [metric for metric in map(metric_or_task, study.metrics) if works[metric]], healthy[0], attempts
        )
        if study.pictures and find_spec("vl_convert"):
            attempts.attempt("a picture", partial(_draw, healthy[0], scratch))


def _specs(run: Run) -> list[Spec]:
    return [spec for spec in (run.dataset, run.method, run.network, run.critic) if spec]


def _open(dataset: Spec) -> bool:
    from distaff.trained import dataset_of

    dataset_of(dataset).images(np.arange(1))
    return True


def _train(run: Run, attempts: Attempts) -> Trained | None:
    """One update of a run, by itself: what raises is then known to be its own."""
    from distaff.training.fit import fit

    name = f"{run.method} on {run.dataset} with {run.network}"
    return attempts.attempt(name, lambda: fit((run,))[0])


def _evaluate(study: Study, metrics: Sequence[Spec], model: Model, attempts: Attempts) -> None:
    from distaff.scoring.grid_codes import encode_grid

    protocol = replace(protocol_of(study), metrics=tuple(metrics))
    codes = attempts.attempt("codes", partial(encode_grid, model, protocol.grid_rows, protocol.metrics))
    if codes is not None:
        table = codes.table("mean", protocol)
        for spec in protocol.metrics:
            attempts.attempt(f"{spec.kind} {spec}", partial(evaluate_table, spec, table))


def _draw(model: Model, scratch: Path) -> None:
    from distaff.pictures.draw import draw_pictures

    draw_pictures(model, scratch / "pictures")


if __name__ == "__main__":
    sys.exit(main())

"""Scoring a trained run: its pictures, then those of its metrics that it lacks; what raises is left out or recorded."""

from __future__ import annotations

import shutil
import traceback
from importlib.util import find_spec

from distaff.atomic import process_token
from distaff.plugins.spec import Spec
from distaff.runs import Run
from distaff.store.files import read_json
from distaff.store.store import Store
from distaff.study.faults.blame import kind_of, reason_of
from distaff.study.faults.deaths import Deaths
from distaff.study.faults.failures import DIED
from distaff.study.leases import Lease
from distaff.study.plan import Evaluate
from distaff.study.stop import Stop
from distaff.weather import is_there, retrying, weather_in


def score(store: Store, job: Evaluate, stop: Stop, lease: Lease | None = None) -> None:
    """Do the evaluations that a run lacks, and draw it where the study requests pictures.

    A metric that raises is a failed row beside the scores of the others, and counts as failed until it is tried again;
    a picture that fails is left out, with its reason. A fault of the place is raised as it is.
    """
    deaths, progress = Deaths.of(store.folder, job.name), rows_so_far(store, job)
    if deaths.kills((job.run,), job.name, progress):
        reason = f"scoring: {deaths.at(job.name, progress)} workers in a row died at it without progress"
        store.fail(job.run, f"{reason} ({deaths.last})", kind=DIED, name=job.name)
        return
    if lease:
        lease.begin(job.name, progress)
    try:
        with stop.interruptible():
            _score(store, job)
    except Exception as error:
        if weather_in(error) is not None:
            raise
        trace = traceback.format_exc()
        store.fail(job.run, f"scoring: {reason_of(error)}", kind=kind_of(error), name=job.name, trace=trace)


def rows_so_far(store: Store, job: Evaluate) -> int:
    """How many scores of a run that is being scored are on the disk."""
    path = store.folder / "packs" / f"{job.name}.json"
    return len(read_json(path)["scores"]) if is_there(path) else 0


def _score(store: Store, job: Evaluate) -> None:
    from distaff.scoring.score import score_run

    left_out: dict[str, str] = {}
    if job.pictures and find_spec("vl_convert"):  # without the [report] extra, scores are all there is
        _draw(store, job.run, left_out)

    def record(failed: dict[Spec, Exception]) -> None:
        rest = job.protocol.without(frozenset(job.protocol.metrics) - failed.keys())
        first = next(iter(failed.values()))
        reasons = "; ".join(f"{spec}: {reason_of(error)}" for spec, error in failed.items())
        trace = "".join(part for error in failed.values() for part in traceback.format_exception(error))
        name = f"{job.run.id}-{rest.id}"
        store.fail(job.run, f"scoring: {reasons}", kind=kind_of(first), name=name, trace=trace)

    score_run(store, job.run.id, job.protocol, left_out, record)


def _draw(store: Store, run: Run, left_out: dict[str, str]) -> None:
    """Draw the pictures of a run, those that can be drawn; `left_out` is given the reason of each other one."""
    from distaff.pictures.draw import FACTORS, draw_pictures

    folder, aside = store.run_folder(run.id), store.folder / "packs" / f".{run.id}.{process_token()}"
    if is_there(folder / FACTORS):  # the last of them
        return

    def failed(name: str, error: Exception) -> None:
        if weather_in(error) is not None:
            raise error
        left_out[name] = reason_of(error)

    try:
        for path in draw_pictures(store.model(run.id), aside, failed):
            retrying(lambda path=path: path.replace(folder / path.name))  # type: ignore[misc]
    finally:
        shutil.rmtree(aside, ignore_errors=True)

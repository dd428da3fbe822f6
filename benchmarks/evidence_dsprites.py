"""The study of 2019 on dSprites, as far as minutes of a GPU take it, and what is kept of it in evidence/dsprites/.

    make evidence-dsprites                                             nine minutes of the GPU here, then the merge
    python benchmarks/evidence_dsprites.py --minutes 9 --out FOLDER    the first half: scores and curves, as parquet
    python benchmarks/evidence_dsprites.py --merge FOLDER              the second, anywhere: into evidence/dsprites/
    python benchmarks/evidence_dsprites.py --score                     what was trained and not scored in time, here
    python benchmarks/evidence_dsprites.py --page                      its page again, from what is there
    python benchmarks/evidence_dsprites.py --rehearsal                 two models of a few updates on a CPU

One process has the GPU. It measures the pace of the first updates, trains as many models to their end as can also be
scored in time, FactorVAE's first, and encodes each for its scores. A process on each other core scores them. What is
scored is written to FOLDER every few seconds, so that whatever ends the command costs only what was not. Runs that are
trained and not scored when time is up go there as they are, up to 15 of them; --merge puts them into the store of the
work here, and --score scores and merges them. Runs that evidence/dsprites/ has are not trained again; the next call
goes on with those that are missing.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsprites import schedule
from dsprites.carry import carry, unpack
from dsprites.keep import Kept, kept_of, known, merged, read_kept
from dsprites.page import write_page
from dsprites.train import Trainer, pace_of, trained_or_failed

from distaff.errors import DistaffError
from distaff.runs import Run, Study
from distaff.store.provenance import COMMAND, commit, processor
from distaff.store.store import Store
from distaff.store.studies import load_study, read_study, save_study
from distaff.study.executors.memory import available
from distaff.study.plan import plan
from distaff.study.stop import Stop
from distaff.trained import dataset_of
from distaff.training.device import gpu_name, gpus

HERE = Path(__file__).parent.parent
EVIDENCE = HERE / "evidence" / "dsprites"
STUDIES = {100_000: "studies/dsprites_2019.py", 300_000: "studies/dsprites_2019.py:full"}
MARGIN = 12.0  # seconds at the end in which everything is stopped and written
STOP_SECONDS = 5.0  # for processes to end by themselves
EVERY = 10.0  # seconds between looks for what was scored
SCORE_SECONDS = 110.0  # of a core, for a run: measured on one of 2024
SCORER_BYTES = 1_500_000_000
SMALL = {"rows": 300, "test_rows": 200, "grid_rows": 2_000}  # of a rehearsal


@dataclass(frozen=True)
class Request:
    """What the command is asked for; processes that it starts read it from their own command lines."""

    study: Study
    folder: Path  # of the store in which the work is done
    device: str
    until: float  # of time.time(): when everything is to be scored and written
    cores: int
    score_seconds: float
    most: int  # models in a pack of the methods without a critic
    done: frozenset[str]  # that need not be trained: kept already, or not asked for

    def missing(self) -> list[Run]:
        """The runs to train, in order."""
        ended = self.done | trained_or_failed(Store(self.folder))
        return [run for run in schedule.in_order(self.study.runs) if run.id not in ended]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0, help="of the whole command")
    parser.add_argument("--out", type=Path, default=Path("out/dsprites_evidence"), help="where scores and curves go")
    parser.add_argument("--work", type=Path, help="the store in which the work is done; by default out/NAME")
    parser.add_argument("--merge", type=Path, help="a folder that --out wrote, to be merged into --evidence")
    parser.add_argument("--score", action="store_true", help="train nothing: score what the store of the work holds")
    parser.add_argument("--page", action="store_true", help="only write the page of --evidence again")
    parser.add_argument("--evidence", type=Path, default=EVIDENCE, help="what is kept, and whose runs are not repeated")
    parser.add_argument("--updates", type=int, default=100_000, help="100000, 300000, or any number to rehearse with")
    parser.add_argument("--runs", type=int, default=0, help="only the first so many runs; 0 for all")
    parser.add_argument("--pack", type=int, default=15, help="models side by side, of the methods beside FactorVAE")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to rehearse")
    parser.add_argument("--score-seconds", type=float, default=SCORE_SECONDS, help="of a run, before one was scored")
    parser.add_argument("--commit", default="", help="of the code, where it is no checkout")
    parser.add_argument("--rehearsal", action="store_true", help="--device cpu --updates 20 --runs 2, few rows")
    parser.add_argument("--process", choices=("train", "score"), help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, default=0.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        if given.page:
            given.evidence.mkdir(parents=True, exist_ok=True)
            write_page(given.evidence, read_kept(given.evidence))
            return 0
        if given.merge:
            return merge(given)
        return process(given) if given.process else run(given)
    except DistaffError as error:
        print(error, file=sys.stderr)
        return 2


def merge(given: argparse.Namespace) -> int:
    """Add what a sitting gave to what is kept, and write its page again."""
    folder, evidence = given.merge, given.evidence
    if not (folder / "runs.parquet").exists():
        raise DistaffError(f"{folder} holds no runs.parquet: name a folder that --out wrote")
    before = read_kept(evidence)
    together, different = merged(before, read_kept(folder))
    together.write(evidence)
    write_page(evidence, together)
    print(f"{evidence}: {len(together.runs)} runs, {len(together.runs) - len(before.runs)} of them new")
    for id in different:
        print(f"run {id}: scores differ from those that are kept, which stay")
    request = request_of(given, 0.0)
    with tempfile.TemporaryDirectory() as scratch:
        waiting = unpack(folder, Store(request.folder), request.study, Path(scratch))
    if waiting:
        print(f"{waiting} runs were not scored in time: they are in {request.folder}, and --score scores them")
    return 0


def request_of(given: argparse.Namespace, until: float) -> Request:
    """What the options ask for."""
    if given.rehearsal:
        given.device, given.updates, given.runs = "cpu", min(given.updates, 20), given.runs or 2
    study = study_of(given.updates)
    study = replace(study, **SMALL) if given.rehearsal else study
    folder = given.work or HERE / "out" / study.name
    cores = max(1, min(len(os.sched_getaffinity(0)) - 1, available() // SCORER_BYTES))
    request = Request(study, folder, given.device, until, cores, given.score_seconds, given.pack, known(given.evidence))
    if given.runs:
        chosen = {run.id for run in schedule.some_of(schedule.in_order(study.runs), given.runs)}
        request = replace(request, done=request.done | {run.id for run in study.runs if run.id not in chosen})
    return request


def study_of(updates: int) -> Study:
    """The study of that length; one of another length, to rehearse with, has a name of its own."""
    study = load_study(HERE / STUDIES.get(updates, STUDIES[100_000]))
    if updates not in STUDIES:
        runs = tuple(replace(run, updates=updates) for run in study.runs)
        study = replace(study, name=f"dsprites_{updates}", runs=runs)
    return replace(study, pictures=0)


def process(given: argparse.Namespace) -> int:
    """One of the processes that `run` starts."""
    from dsprites.score import score_all

    stop = Stop()
    stop.listen()
    request = request_of(given, given.until)
    store = Store(request.folder)
    try:
        if given.process == "score":
            score_all(store, read_study(request.folder / "studies" / f"{request.study.name}.json"), stop, _log)
        else:
            Trainer(store, request.study, request.missing, request.until, request.cores, request.score_seconds,
                    request.most, request.device, stop, _log).run()  # fmt: skip
    except KeyboardInterrupt:
        return 130
    return 0


def run(given: argparse.Namespace) -> int:
    """Train and score until time is up or nothing is missing."""
    began = time.time()
    request = request_of(given, began + 60 * given.minutes - MARGIN)
    if request.device != "cpu" and not given.score and gpus() == 0:
        raise DistaffError("there is no GPU here, on which models are trained; --rehearsal tries the command on a CPU")
    missing, store = [] if given.score else request.missing(), Store(request.folder)
    if not missing and not (store.folder / "runs").is_dir():
        print(f"{request.study.name}: nothing is missing")
        return 0
    os.environ.setdefault(COMMAND, "make evidence-dsprites")
    save_study(store.folder, request.study)
    dataset_of(request.study.runs[0].dataset).images([0])  # drawn once, before many processes want it
    _log(f"{len(missing)} runs of {request.study.name} are missing; {request.cores} processes score")
    sitting = sitting_of(given, request, began)
    trainer = _start(request, "train") if missing else None
    scorers = [_start(request, "score") for _ in range(request.cores)]
    try:
        _watch(request, store, trainer, scorers, given.out, sitting)
    finally:
        processes = [*scorers, *([trainer] if trainer else [])]
        for one in processes:
            one.terminate()
        kept = _write(request, store, given.out, {**sitting, "seconds": round(time.time() - began)})
        rest = carry(store, [job.run.id for job in plan(request.study, store).unscored], given.out)
        _end(processes)
    status = trainer.returncode if trainer else 0
    if status and time.time() < request.until:
        print(f"the process that trains ended with status {status}", file=sys.stderr)
    counts = (
        f"{kept.sittings[0]['runs']} runs scored, {kept.sittings[0]['failed']} failed, {len(rest)} to be scored later"
    )
    print(f"{given.out}: {counts}")
    return 0 if len(kept.runs) or rest else status or 1


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait for processes that were asked to stop; those that do not in time are killed."""
    late = time.monotonic() + STOP_SECONDS
    for one in processes:
        try:
            one.wait(max(0.1, late - time.monotonic()))
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()


def sitting_of(given: argparse.Namespace, request: Request, began: float) -> dict[str, Any]:
    """What is recorded of this call, beside its runs."""
    now = datetime.datetime.fromtimestamp(began, datetime.UTC).isoformat(timespec="seconds")
    return {
        "sitting": now,
        "study": request.study.name,
        "minutes": given.minutes,
        "gpu": gpu_name(request.device),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "commit": given.commit or commit()["commit"],
    }


def _watch(
    request: Request,
    store: Store,
    trainer: subprocess.Popen[bytes] | None,
    scorers: list[subprocess.Popen[bytes]],
    out: Path,
    sitting: dict[str, Any],
) -> None:
    """Write what is scored as it comes, until time is up or all is done."""
    written, looked, helped = 0, 0.0, trainer is None
    while time.time() < request.until:
        time.sleep(0.5)
        training = trainer is not None and trainer.poll() is None
        if not training and not helped:  # its core is free
            scorers.append(_start(request, "score"))
            helped = True
        if time.time() - looked < EVERY and training:
            continue
        looked = time.time()
        todo = plan(request.study, store)
        if todo.done + todo.failed > written:
            written = todo.done + todo.failed
            _write(request, store, out, sitting)
            _log(f"{todo.done} of {todo.trained} trained runs are scored, {todo.failed} failed")
        if not training and not todo.unscored:
            return
    _log("time is up")


def _write(request: Request, store: Store, out: Path, sitting: dict[str, Any]) -> Kept:
    pace = pace_of(store.folder)
    kept = kept_of(store, request.study, {**sitting, **({"pace": pace} if pace else {})})
    kept.write(out)
    return kept


def _start(request: Request, kind: str) -> subprocess.Popen[bytes]:
    """A process of one thread that trains or scores, as this one was asked to."""
    words = [sys.executable, *sys.argv, "--process", kind, "--until", str(request.until)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    unseen = {"CUDA_VISIBLE_DEVICES": ""} if kind == "score" else {}
    return subprocess.Popen(words, env={**os.environ, **threads, **unseen}, process_group=0)


def _log(line: str) -> None:
    print(f"{datetime.datetime.now(datetime.UTC):%H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""local: all cores of this machine, one process of one thread each."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from distaff.study.plan import Plan
from distaff.study.score import Scoring
from distaff.study.work import score, train_pack


def run_local(
    folder: Path, plan: Plan, scoring: Scoring, tick: Callable[[int, int], None], workers: int | None = None
) -> None:
    """Train and score all that `plan` lists; `tick` is called about twice a second with packs and scores left.

    A run is scored as soon as its pack is trained, behind the packs that still wait. An interrupt stops the workers,
    which keep their state first.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # read by the workers when they start
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers or os.cpu_count() or 1, mp_context=context)
    training: set[Future[Any]] = {pool.submit(train_pack, folder, runs) for runs in plan.packs}
    scoring_jobs: set[Future[Any]] = {pool.submit(score, folder, id, scoring) for id in plan.unscored}
    try:
        while training or scoring_jobs:
            done, _ = wait(training | scoring_jobs, timeout=0.5, return_when=FIRST_COMPLETED)
            for job in done:
                result = job.result()
                if job in training:
                    scoring_jobs |= {pool.submit(score, folder, id, scoring) for id in result}
            training -= done
            scoring_jobs -= done
            tick(len(training), len(scoring_jobs))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

"""`python -m distaff.study.worker FOLDER STUDY`: one worker, a process of one thread, started by an executor.

It exits with 0 when nothing is left to do, 130 when it was asked to stop, and 2 with one line when it cannot go on.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from distaff.errors import DistaffError
from distaff.study.stop import Stop

STOPPED = 130
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main() -> int:
    """Read the arguments and work."""
    stop = Stop()
    stop.listen()
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("study")
    parser.add_argument("--kinds", default="train,score")
    parser.add_argument("--only", default="")
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--keep-seconds", type=float, default=30.0)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--attached", action="store_true")
    given = parser.parse_args()
    if given.attached:
        threading.Thread(target=_follow_parent, daemon=True).start()
    for name in THREADS:
        os.environ.setdefault(name, "1")
    try:
        _work(given, stop)
    except KeyboardInterrupt:
        return STOPPED
    except DistaffError as error:
        print(error, file=sys.stderr)  # noqa: T201  (the executor reads it)
        return 2
    return 0


def _work(given: argparse.Namespace, stop: Stop) -> None:
    from distaff.store.store import Store
    from distaff.store.studies import kept_study
    from distaff.study.leases import BEAT, Claims
    from distaff.study.select import only
    from distaff.study.work import work

    study = kept_study(given.folder / "studies" / f"{given.study}.json")
    claims = Claims(given.folder / "claims", given.patience, min(BEAT, given.patience / 6))
    ids = only(study, given.only) if given.only else None
    kinds = tuple(given.kinds.split(","))
    sizes = {"keep_seconds": given.keep_seconds, "memory": given.memory, "device": given.device}
    work(Store(given.folder), study, kinds=kinds, ids=ids, claims=claims, stop=stop, **sizes)


def _follow_parent() -> None:
    """Stop when stdin ends: whoever started us is gone."""
    while os.read(0, 64):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())

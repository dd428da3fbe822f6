"""`python -m distaff.study.worker FOLDER STUDY`: one worker, a process of one thread, started by an executor.

It exits with 0 when nothing is left to do, 130 when it was stopped, and 2 with one line when it cannot go on.
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
from distaff.weather import weather_in

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
    parser.add_argument("--checkpoint-seconds", type=float, default=30.0)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--attached", action="store_true")
    arguments = parser.parse_args()
    if arguments.attached:
        threading.Thread(target=_stop_with_parent, daemon=True).start()
    for name in THREADS:
        os.environ.setdefault(name, "1")
    try:
        _work(arguments, stop)
    except KeyboardInterrupt:
        return STOPPED
    except (DistaffError, OSError) as error:
        if not isinstance(error, DistaffError) and weather_in(error) is None:
            raise
        print(" ".join(str(error).split()), file=sys.stderr)  # noqa: T201  (the executor reads it)
        return 2
    return 0


def _work(arguments: argparse.Namespace, stop: Stop) -> None:
    from distaff.store.store import Store
    from distaff.store.studies import read_study
    from distaff.study.leases import leases_of
    from distaff.study.select import select
    from distaff.study.work import work

    study = read_study(arguments.folder / "studies" / f"{arguments.study}.json")
    leases = leases_of(arguments.folder, arguments.patience)
    ids = select(study, arguments.only) if arguments.only else None
    kinds = tuple(arguments.kinds.split(","))
    limits = {
        "checkpoint_seconds": arguments.checkpoint_seconds,
        "memory": arguments.memory,
        "device": arguments.device,
    }
    work(Store(arguments.folder), study, kinds=kinds, ids=ids, leases=leases, stop=stop, **limits)


def _stop_with_parent() -> None:
    """Stop when stdin ends: the process that started us is gone."""
    while os.read(0, 64):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())

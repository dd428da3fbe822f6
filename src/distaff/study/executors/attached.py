"""One worker, attached to the process that runs it: a task of Ray, a job of SLURM."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from distaff.study.executors.memory import kills
from distaff.study.faults.deaths import Death, cause_of_death, died
from distaff.study.leases import leases_of
from distaff.study.worker import STOPPED

ALONE_SECONDS = 1.5  # that we outlive the worker before its death counts: what kills both kills us in between


def run_attached(command: list[str], folder: Path) -> str:
    """Run the worker that `command` starts to its end; returns its message if it could not go on, else nothing.

    One that is killed is started again, and its death is recorded in the store in `folder`, so that no job kills
    workers for ever. When this process is ended, in whatever way, the worker's stdin closes; it keeps its state and
    stops, and no death is recorded.
    """
    while True:
        killed = kills()
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            lines = process.stderr.read().strip().splitlines()
            code = process.wait()
        if code in (0, STOPPED):
            return ""
        if code > 0:
            return lines[-1] if lines else f"a worker ended with status {code} and without a message"
        if died(code):
            notes = leases_of(folder).notes_of(process.pid)
            death = Death(folder, notes, cause_of_death(code, kills() > killed, False, lines))
            time.sleep(ALONE_SECONDS)
            death.record()

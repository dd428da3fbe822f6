"""One worker, attached to the process that runs it: a task of Ray, a job of SLURM."""

from __future__ import annotations

import subprocess

from distaff.study.worker import STOPPED


def run_attached(command: list[str]) -> str:
    """Run the worker that `command` starts to its end; returns its message if it could not go on, else nothing.

    One that is killed is started again: the jobs see to it that none kills workers for ever. When this process is
    ended, in whatever way, the worker's stdin closes; it keeps its state and stops.
    """
    while True:
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

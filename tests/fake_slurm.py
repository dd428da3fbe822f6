"""A SLURM of one machine: sbatch, srun, sacct, scontrol and scancel as submitit calls them, by their names.

Each task of an array is a process that a keeper watches over. `scontrol requeue` ends a task as SLURM does, by SIGTERM,
and the keeper starts it again. States are files in $FAKE_SLURM.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ.get("FAKE_SLURM", "."))


def install(folder: Path) -> dict[str, str]:
    """Put the five commands in `folder`, and return the environment in which they are found."""
    for name in ("sbatch", "srun", "sacct", "scontrol", "scancel"):
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {name} "$@"\n')
        path.chmod(0o755)
    state = folder / "state"
    state.mkdir()
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}", "FAKE_SLURM": str(state)}


def sbatch(file: str) -> None:
    array = re.search(r"--array=0-(\d+)", Path(file).read_text())
    tasks = [f"_{task}" for task in range(int(array.group(1)) + 1)] if array else [""]  # one alone is no array
    job = str(1000 + len(list(STATE.glob("*.job"))))
    (STATE / f"{job}.job").touch()
    for task in tasks:
        (STATE / f"{job}{task}.state").write_text("PENDING")
        words = [sys.executable, __file__, "keep", file, job, task]
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)  # fmt: skip
    sys.stdout.write(f"Submitted batch job {job}\n")


def keep(file: str, job: str, task: str) -> None:
    """Run a task of an array until it ends without having been queued again."""
    state, again = STATE / f"{job}{task}.state", STATE / f"{job}{task}.requeue"
    restarts = 0
    while True:
        variables = {"JOB_ID": f"{job}{task}".replace("_", ""), "NTASKS": "1", "JOB_NUM_NODES": "1", "NODEID": "0",
                "PROCID": "0", "LOCALID": "0", "JOB_NODELIST": "localhost", "RESTART_COUNT": str(restarts)}  # fmt: skip
        if task:
            variables |= {"ARRAY_JOB_ID": job, "ARRAY_TASK_ID": task.removeprefix("_")}
        environment = {**os.environ, **{f"SLURM_{name}": value for name, value in variables.items()}}
        process = subprocess.Popen(["bash", file], env=environment, start_new_session=True)
        (STATE / f"{job}{task}.pid").write_text(str(process.pid))
        state.write_text("RUNNING")
        ending = False
        while (code := process.poll()) is None:
            time.sleep(0.1)
            if again.exists() and not ending:
                os.killpg(process.pid, signal.SIGTERM)
                ending = True
        if not again.exists():
            break
        again.unlink()
        restarts += 1
        (STATE / f"{job}{task}.restarts").write_text(str(restarts))
    state.write_text("COMPLETED" if code == 0 else "FAILED")


def srun(*words: str) -> None:
    """Run what follows the options, with its output in the files that they name."""
    rest, files = list(words), {}
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("--output", "--error"):
            patterns = {"%A": os.environ.get("SLURM_ARRAY_JOB_ID", ""), "%a": os.environ.get("SLURM_ARRAY_TASK_ID", ""),
                    "%j": os.environ["SLURM_JOB_ID"], "%t": "0"}  # fmt: skip
            name = rest.pop(0)
            for mark, value in patterns.items():
                name = name.replace(mark, value)
            files[option] = name
    for option, handle in (("--output", 1), ("--error", 2)):
        os.dup2(os.open(files[option], os.O_WRONLY | os.O_CREAT | os.O_APPEND), handle)
    os.execvp(rest[0], rest)


def sacct(*_: str) -> None:
    sys.stdout.write("JobID|State|NodeList\n")
    for path in sorted(STATE.glob("*.state")):
        sys.stdout.write(f"{path.stem}|{path.read_text()}|localhost\n")


def scontrol(_: str, job: str) -> None:
    (STATE / f"{job}.requeue").touch()


def scancel(*words: str) -> None:
    for path in STATE.glob(f"{words[0]}*.pid"):
        os.killpg(int(path.read_text()), signal.SIGTERM)


if __name__ == "__main__":
    {"sbatch": sbatch, "keep": keep, "srun": srun, "sacct": sacct, "scontrol": scontrol, "scancel": scancel}[
        sys.argv[1]
    ](*sys.argv[2:])

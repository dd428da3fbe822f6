"""A SLURM of one machine: sbatch, srun, sacct, scontrol and scancel as submitit calls them, told apart by their names.

Each task of an array is a process that a keeper watches over. `scontrol requeue` ends a task as SLURM does, by SIGTERM,
and the keeper starts it again. States are files in $FAKE_SLURM.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
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
    found = re.search(r"--array=0-(\d+)", Path(file).read_text())
    tasks = int(found.group(1)) + 1 if found else 1
    job = str(1000 + len(list(STATE.glob("*.job"))))
    (STATE / f"{job}.job").touch()
    for task in range(tasks):
        (STATE / f"{job}_{task}.state").write_text("PENDING")
        words = [sys.executable, __file__, "keep", file, job, str(task)]
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)  # fmt: skip
    sys.stdout.write(f"Submitted batch job {job}\n")


def keep(file: str, job: str, task: str) -> None:
    """Run a task of an array until it ends without having been queued again."""
    state, again = STATE / f"{job}_{task}.state", STATE / f"{job}_{task}.requeue"
    restarts = 0
    while True:
        told = {"JOB_ID": f"{job}{task}", "ARRAY_JOB_ID": job, "ARRAY_TASK_ID": task, "NTASKS": "1",
                "JOB_NUM_NODES": "1", "NODEID": "0", "PROCID": "0", "LOCALID": "0", "JOB_NODELIST": "localhost",
                "RESTART_COUNT": str(restarts)}  # fmt: skip
        environment = {**os.environ, **{f"SLURM_{name}": value for name, value in told.items()}}
        process = subprocess.Popen(["bash", file], env=environment, start_new_session=True)
        (STATE / f"{job}_{task}.pid").write_text(str(process.pid))
        state.write_text("RUNNING")
        code = process.wait()
        if not again.exists():
            break
        again.unlink()
        restarts += 1
        (STATE / f"{job}_{task}.restarts").write_text(str(restarts))
    state.write_text("COMPLETED" if code == 0 else "FAILED")


def srun(*words: str) -> None:
    """Run what follows the options, with its output in the files that they name."""
    rest, files = list(words), {}
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("--output", "--error"):
            told = {"%A": os.environ["SLURM_ARRAY_JOB_ID"], "%a": os.environ["SLURM_ARRAY_TASK_ID"], "%t": "0"}
            name = rest.pop(0)
            for mark, value in told.items():
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
    scancel(job)


def scancel(*words: str) -> None:
    for path in STATE.glob(f"{words[0]}*.pid"):
        os.killpg(int(path.read_text()), signal.SIGTERM)


if __name__ == "__main__":
    {"sbatch": sbatch, "keep": keep, "srun": srun, "sacct": sacct, "scontrol": scontrol, "scancel": scancel}[
        sys.argv[1]
    ](*sys.argv[2:])

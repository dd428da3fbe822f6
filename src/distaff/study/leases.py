"""Leases on jobs: exclusive files with a heartbeat, so that runners on one store neither clash nor repeat each other.

A lease on job J is the file claims/J.G: JSON that names its owner, and then one dot for every beat of the owner's
heart. The highest G holds the job. Whoever sees that it no longer grows takes the job over by creating J.G+1, which
only one can; nobody compares clocks. On the same machine a dead process is seen at once.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from distaff.atomic import process_token

FOLDER = "claims"  # of a store: the name that it has on the disk since format 1
BEAT = 5.0  # seconds between beats
PATIENCE = 120.0  # seconds without a beat after which an owner counts as dead; a network file system may lag by 60
DEATHS = 3  # owners in a row that died without progress at the job: it is the job that kills them


class LeaseFile(NamedTuple):
    """A lease as its file shows it to other processes."""

    job: str
    generation: int
    size: int
    owner: dict[str, Any]


@dataclass
class Leases:
    """The leases in `folder`, with this process's memory of when each last grew."""

    folder: Path
    patience: float = PATIENCE
    beat: float = BEAT
    growth: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)

    def held(self) -> dict[str, LeaseFile]:
        """The lease that holds each job at present."""
        current: dict[str, LeaseFile] = {}
        for name in sorted(self._names()):
            job, _, generation = name.rpartition(".")
            lease = self._read(job, int(generation)) if generation.isdigit() else None
            if lease and (job not in current or current[job].generation < lease.generation):
                current[job] = lease
        self.growth = {key: size_and_time for key, size_and_time in self.growth.items() if key[0] in current}
        return current

    def expired(self, lease: LeaseFile) -> bool:
        """Whether the owner of `lease` is gone: its process, if it is ours to see, or its heartbeat."""
        if lease.owner.get("host") == host() and not alive(int(lease.owner["pid"])):
            return True
        key, now = (lease.job, lease.generation), time.monotonic()
        size, since = self.growth.get(key, (-1, now))
        if lease.size != size:
            self.growth[key] = (lease.size, now)
            return False
        return now - since > self.patience

    def acquire(self, job: str, progress: int = 0) -> Lease | None:
        """A lease on `job`, or None if a living owner holds it; `progress` says how far the job has come already."""
        generations = self._generations(job)
        if generations and not self.expired(generations[-1]):
            return None
        number = generations[-1].generation + 1 if generations else 0
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{job}.{number}"
        owner = {"owner": process_token(), "host": host(), "pid": os.getpid(), "advance": progress}
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(owner) + "\n")
        except FileExistsError:
            return None
        last = generations[-DEATHS:]
        stuck = len(last) == DEATHS and all(lease.owner.get("advance") == progress for lease in last)
        return Lease(path, [self._path(lease) for lease in generations], self.beat, stuck)

    def remove_expired(self) -> None:
        """Remove the leases of dead owners; for the end of a study, when no job waits for them."""
        for lease in self.held().values():
            if self.expired(lease):
                for older in self._generations(lease.job):
                    self._path(older).unlink(missing_ok=True)

    def _generations(self, job: str) -> list[LeaseFile]:
        numbers = [int(name.rpartition(".")[2]) for name in self._names() if name.rpartition(".")[0] == job]
        return [lease for number in sorted(numbers) if (lease := self._read(job, number))]

    def _read(self, job: str, generation: int) -> LeaseFile | None:
        try:
            content = (self.folder / f"{job}.{generation}").read_bytes()
        except FileNotFoundError:
            return None
        try:
            owner = json.loads(content.partition(b"\n")[0])
        except ValueError:  # not written yet, or damaged: its growth alone shows whether the owner lives
            owner = {}
        return LeaseFile(job, generation, len(content), owner if isinstance(owner, dict) else {})

    def _path(self, lease: LeaseFile) -> Path:
        return self.folder / f"{lease.job}.{lease.generation}"

    def _names(self) -> list[str]:
        return os.listdir(self.folder) if self.folder.is_dir() else []


def leases_of(folder: Path, patience: float = PATIENCE) -> Leases:
    """The leases of the store in `folder`."""
    return Leases(folder / FOLDER, patience, min(BEAT, patience / 6))


class Lease:
    """A job that this process holds, with a heartbeat until it is released; `stuck`: it killed its last owners."""

    def __init__(self, path: Path, older: list[Path], beat: float, stuck: bool) -> None:
        self.stuck = stuck
        self._path, self._older, self._beat = path, older, beat
        self._released = threading.Event()
        self._heart = threading.Thread(target=self._beat_until_released, daemon=True)
        self._heart.start()

    def release(self) -> None:
        """Give the job up: finished or not, another may take it."""
        self._released.set()
        self._heart.join()
        for path in (*self._older, self._path):
            path.unlink(missing_ok=True)

    def _beat_until_released(self) -> None:
        """Beat as long as the rest of the process computes: one that waits for ever counts as dead."""
        worked = -1.0
        while not self._released.wait(self._beat):
            now = time.process_time() - time.thread_time()
            if now - worked < 1e-4:
                continue
            worked = now
            try:
                with open(self._path, "r+b") as file:  # never created anew: it is gone if others gave us up
                    file.seek(0, os.SEEK_END)
                    file.write(b".")
            except OSError:
                continue  # a folder that is away for a while; if it stays away, others take over, as they should


def alive(pid: int) -> bool:
    """Whether a process of this machine runs under `pid`; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):  # no Linux, or gone this moment
        return True


@functools.lru_cache(maxsize=1)
def host() -> str:
    """Names the space in which process ids mean something: this boot of this machine, or this container of it."""
    parts = [platform.node()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        parts.append("?")
    return " ".join(parts)

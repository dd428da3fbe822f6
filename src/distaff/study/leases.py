"""Leases on jobs: exclusive files with a heartbeat, so that runners on one store neither clash nor repeat each other.

A lease on job J is the file claims/J.G: JSON that names its owner, and then one dot for every beat of the owner's
heart, and a line for each part of the job that it begins. The highest G holds the job. Whoever sees that it no longer
grows takes the job over by creating J.G+1, which only one can; nobody compares clocks. On the same machine a dead
process is seen at once. An expired lease blames nobody: what its owner died of, only a parent knows (faults/deaths.py).
"""

from __future__ import annotations

import contextlib
import errno
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
from distaff.study.faults.deaths import note, read_note
from distaff.untrusted.regular import read_bytes
from distaff.weather import names_in, remove, retrying

FOLDER = "claims"  # of a store: the name that it has on the disk since format 1
BEAT = 5.0  # seconds between beats
PATIENCE = 120.0  # seconds without a beat after which an owner counts as dead; a network file system may lag by 60
LOOKS = 4  # at least so many looks make up the patience: a process that was frozen saw nothing in the meantime


class LeaseFile(NamedTuple):
    """A lease as its file shows it to other processes."""

    job: str
    generation: int
    size: int
    owner: dict[str, Any]
    note: dict[str, Any] | None = None  # the part of the job that the owner began last


@dataclass
class Leases:
    """The leases in `folder`, with this process's memory of when each last grew."""

    folder: Path
    patience: float = PATIENCE
    beat: float = BEAT
    growth: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)
    watched: float = 0.0  # seconds in which this process was able to see a beat
    looked: float = field(default_factory=time.monotonic)

    def held(self) -> dict[str, LeaseFile]:
        """The lease that holds each job at present."""
        current: dict[str, LeaseFile] = {}
        for name in names_in(self.folder):
            lease = self._named(name)
            if lease and (lease.job not in current or current[lease.job].generation < lease.generation):
                current[lease.job] = lease
        self.growth = {key: size_and_time for key, size_and_time in self.growth.items() if key[0] in current}
        return current

    def expired(self, lease: LeaseFile) -> bool:
        """Whether the owner of `lease` is gone: its process, if it is ours to see, or its heartbeat."""
        if lease.owner.get("host") == host() and not alive(int(lease.owner["pid"])):
            return True
        key, now = (lease.job, lease.generation), self._watch()
        size, since = self.growth.get(key, (-1, now))
        if lease.size != size:
            self.growth[key] = (lease.size, now)
            return False
        return now - since > self.patience

    def notes_of(self, pid: int) -> list[tuple[str, dict[str, Any]]]:
        """The jobs of a process of this machine, also those that were taken over since, each with its note."""
        leases = [lease for name in names_in(self.folder) if (lease := self._named(name))]
        ours = [one for one in leases if one.owner.get("host") == host() and one.owner.get("pid") == pid]
        return [(one.job, one.note) for one in ours if one.note]

    def acquire(self, job: str) -> Lease | None:
        """A lease on `job`, or None if a living owner holds it."""
        generations = self._generations(job)
        if generations and not self.expired(generations[-1]):
            return None
        number = generations[-1].generation + 1 if generations else 0
        path = self.folder / f"{job}.{number}"
        owner = {"owner": process_token(), "host": host(), "pid": os.getpid()}
        try:
            retrying(lambda: _create(path, json.dumps(owner) + "\n"))
        except FileExistsError:
            return None
        try:
            return Lease(path, [self._path(lease) for lease in generations], self.beat)
        except RuntimeError as error:  # no more threads for its heart
            remove(path)
            raise OSError(errno.EAGAIN, str(error)) from error

    def _watch(self) -> float:
        """The seconds in which this process watched: while it is frozen it sees no beat, and neither do they beat."""
        now = time.monotonic()
        self.watched += min(now - self.looked, self.patience / LOOKS)
        self.looked = now
        return self.watched

    def remove_expired(self) -> None:
        """Remove the leases of dead owners; for the end of a study, when no job waits for them."""
        for lease in self.held().values():
            if self.expired(lease):
                for older in self._generations(lease.job):
                    remove(self._path(older))

    def _generations(self, job: str) -> list[LeaseFile]:
        leases = [lease for name in names_in(self.folder) if (lease := self._named(name, job))]
        return sorted(leases, key=lambda lease: lease.generation)

    def _named(self, name: str, job: str | None = None) -> LeaseFile | None:
        """The lease in the file of that name, if it is one, and of `job` where that is given."""
        of, _, generation = name.rpartition(".")
        return self._read(of, int(generation)) if generation.isdigit() and job in (None, of) else None

    def _read(self, job: str, generation: int) -> LeaseFile | None:
        try:
            content = read_bytes(self.folder / f"{job}.{generation}")
        except FileNotFoundError:
            return None
        first, *rest = content.split(b"\n")
        try:
            owner = json.loads(first)
        except ValueError:  # not written yet, or damaged: its growth alone shows whether the owner lives
            owner = {}
        notes = [note for line in rest if (note := read_note(line))]
        return LeaseFile(
            job, generation, len(content), owner if isinstance(owner, dict) else {}, notes[-1] if notes else None
        )

    def _path(self, lease: LeaseFile) -> Path:
        return self.folder / f"{lease.job}.{lease.generation}"


def leases_of(folder: Path, patience: float = PATIENCE) -> Leases:
    """The leases of the store in `folder`."""
    return Leases(folder / FOLDER, patience, min(BEAT, patience / 6))


def _create(path: Path, content: str) -> None:
    """Create a file that must not be there; one that cannot be filled is not left there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            with contextlib.suppress(OSError):  # then it expires
                path.unlink()
            raise


class Lease:
    """A job that this process holds, with a heartbeat until it is released; `vanished`: owners that never did."""

    def __init__(self, path: Path, older: list[Path], beat: float) -> None:
        self.vanished = len(older)
        self._path, self._older, self._beat = path, older, beat
        self._released = threading.Event()
        self._heart = threading.Thread(target=self._beat_until_released, daemon=True)
        self._heart.start()

    def begin(self, what: str, progress: int) -> None:
        """Note the part of the job that begins now, and how far it has come: what is to blame if we die of it."""
        self._append(b"\n" + json.dumps(note(what, progress)).encode() + b"\n")

    def release(self) -> None:
        """Give the job up: finished or not, another may take it."""
        self._released.set()
        self._heart.join()
        for path in (*self._older, self._path):
            remove(path)

    def _append(self, content: bytes) -> None:
        """Lengthen the file, if it is there: it is gone if others gave us up, and is never created anew."""
        with contextlib.suppress(OSError):  # if its folder stays away, others take over, as they should
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(handle, content)
            finally:
                os.close(handle)

    def _beat_until_released(self) -> None:
        """Beat as long as the rest of the process computes: one that waits for ever counts as dead."""
        worked = -1.0
        while not self._released.wait(self._beat):
            now = time.process_time() - time.thread_time()
            if now - worked < 1e-4:
                continue
            worked = now
            self._append(b".")


def alive(pid: int) -> bool:
    """Whether a process of this machine runs under `pid`; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def stopped(pid: int) -> bool:
    """Whether somebody has stopped a process of this machine, as SIGSTOP does."""
    return _state(pid) in ("T", "t")


def _state(pid: int) -> str:
    """The letter by which Linux shows the state of a process; "?" where it is no Linux, or gone this moment."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "?"


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

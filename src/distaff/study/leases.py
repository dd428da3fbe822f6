"""Claims on work: exclusive files with a heartbeat, so that runners on one store neither clash nor repeat each other.

A claim on job J is the file claims/J.G: JSON that names its owner, and then one dot for every beat of the owner's
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

from distaff.store.files import token

BEAT = 5.0  # seconds between beats
PATIENCE = 120.0  # seconds without a beat after which an owner counts as dead; a network file system may lag by 60
DEATHS = 3  # owners in a row that died without having advanced the job: it is the job that kills them


class Held(NamedTuple):
    """A claim as others see it."""

    job: str
    generation: int
    size: int
    owner: dict[str, Any]


@dataclass
class Claims:
    """The claims of the store in `folder`, with this process's memory of when each was last seen to grow."""

    folder: Path
    patience: float = PATIENCE
    beat: float = BEAT
    seen: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)

    def held(self) -> dict[str, Held]:
        """The claim that holds each job at present."""
        found: dict[str, Held] = {}
        for name in sorted(self._names()):
            job, _, generation = name.rpartition(".")
            claim = self._read(job, int(generation)) if generation.isdigit() else None
            if claim and (job not in found or found[job].generation < claim.generation):
                found[job] = claim
        self.seen = {key: seen for key, seen in self.seen.items() if key[0] in found}
        return found

    def dead(self, claim: Held) -> bool:
        """Whether the owner of `claim` is gone: its process, if it is ours to see, or its heartbeat."""
        if claim.owner.get("host") == host() and not alive(int(claim.owner["pid"])):
            return True
        key, now = (claim.job, claim.generation), time.monotonic()
        size, since = self.seen.get(key, (-1, now))
        if claim.size != size:
            self.seen[key] = (claim.size, now)
            return False
        return now - since > self.patience

    def take(self, job: str, advance: int = 0) -> Claim | None:
        """The claim on `job`, or None if a living owner holds it; `advance` says how far the job has come already."""
        generations = self._generations(job)
        if generations and not self.dead(generations[-1]):
            return None
        number = generations[-1].generation + 1 if generations else 0
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{job}.{number}"
        owner = {"owner": token(), "host": host(), "pid": os.getpid(), "advance": advance}
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(owner) + "\n")
        except FileExistsError:
            return None
        last = generations[-DEATHS:]
        stuck = len(last) == DEATHS and all(claim.owner.get("advance") == advance for claim in last)
        return Claim(path, [self._path(claim) for claim in generations], self.beat, stuck)

    def tidy(self) -> None:
        """Remove the claims of dead owners; for the end of a study, when no job waits for them."""
        for claim in self.held().values():
            if self.dead(claim):
                for older in self._generations(claim.job):
                    self._path(older).unlink(missing_ok=True)

    def _generations(self, job: str) -> list[Held]:
        numbers = [int(name.rpartition(".")[2]) for name in self._names() if name.rpartition(".")[0] == job]
        return [claim for number in sorted(numbers) if (claim := self._read(job, number))]

    def _read(self, job: str, generation: int) -> Held | None:
        try:
            content = (self.folder / f"{job}.{generation}").read_bytes()
        except FileNotFoundError:
            return None
        try:
            owner = json.loads(content.partition(b"\n")[0])
        except ValueError:  # not written yet, or spoilt: its growth alone tells whether somebody lives
            owner = {}
        return Held(job, generation, len(content), owner if isinstance(owner, dict) else {})

    def _path(self, claim: Held) -> Path:
        return self.folder / f"{claim.job}.{claim.generation}"

    def _names(self) -> list[str]:
        return os.listdir(self.folder) if self.folder.is_dir() else []


class Claim:
    """A job that is ours: it beats until it is released. `stuck` says that the job killed its last owners."""

    def __init__(self, path: Path, older: list[Path], beat: float, stuck: bool) -> None:
        self.stuck = stuck
        self._path, self._older, self._beat = path, older, beat
        self._done = threading.Event()
        self._heart = threading.Thread(target=self._live, daemon=True)
        self._heart.start()

    def release(self) -> None:
        """Give the job up: finished or not, another may take it."""
        self._done.set()
        self._heart.join()
        for path in (*self._older, self._path):
            path.unlink(missing_ok=True)

    def _live(self) -> None:
        """Beat as long as the rest of the process computes: one that waits for ever counts as dead."""
        worked = -1.0
        while not self._done.wait(self._beat):
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
    """Whether a process of this machine runs under `pid`; one that only waits to be buried does not."""
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
    told = [platform.node()]
    try:
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
        told.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        told.append("?")
    return " ".join(told)

"""A lease is exclusive, outlives no owner, and is judged by its heartbeat, never by a clock."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import distaff
from distaff.study.leases import Leases, host

HOLD = """
import sys, time
from pathlib import Path
from distaff.study.leases import Leases
lease = Leases(Path(sys.argv[1]), beat=0.05).acquire("job")
print("held", lease is not None, flush=True)
while sys.argv[2] == "works":
    sum(range(1000))
time.sleep(600)
"""


def hold(folder: Path, how: str = "works") -> subprocess.Popen[str]:
    """A process that acquires the lease on `job` and keeps it."""
    words = [sys.executable, "-c", HOLD, str(folder), how]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("held True")
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def elsewhere(folder: Path) -> None:
    """Make the leases look as if they were acquired on another machine, whose processes cannot be seen from here."""
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(host().encode(), b"another machine"))


def test_a_job_is_held_by_one_until_it_is_released(tmp_path: Path) -> None:
    first, second = Leases(tmp_path), Leases(tmp_path)
    lease = first.acquire("job")
    assert lease is not None
    assert second.acquire("job") is None
    assert second.acquire("another") is not None
    lease.release()
    assert second.acquire("job") is not None


def test_of_many_processes_one_gets_the_job(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLD, str(tmp_path), "sleeps"]
    processes = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    held = [process.stdout.readline().split()[1] for process in processes if process.stdout]
    for process in processes:
        end(process)
    assert sorted(held) == ["False", "False", "False", "True"]


def test_a_dead_process_of_this_machine_gives_its_job_up_at_once(tmp_path: Path) -> None:
    owner = hold(tmp_path)
    assert Leases(tmp_path).acquire("job") is None
    end(owner)
    assert Leases(tmp_path).acquire("job") is not None


def test_an_owner_elsewhere_is_dead_when_its_heart_stands_still_and_not_before(tmp_path: Path) -> None:
    leases = Leases(tmp_path, patience=2.0)
    owner = hold(tmp_path)
    elsewhere(tmp_path)  # it goes on beating: the file is written to in place
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        assert leases.acquire("job") is None, "it lives"
        time.sleep(0.05)
    os.kill(owner.pid, signal.SIGSTOP)
    began = time.monotonic()
    while (lease := leases.acquire("job")) is None:
        assert time.monotonic() - began < 30
        time.sleep(0.05)
    assert time.monotonic() - began >= 1.5
    lease.release()
    os.kill(owner.pid, signal.SIGCONT)  # it comes back, and finds that its job is gone: it does not take it again
    time.sleep(0.3)
    assert list(tmp_path.iterdir()) == []
    end(owner)


def test_a_process_that_waits_for_ever_has_no_heartbeat(tmp_path: Path) -> None:
    leases = Leases(tmp_path, patience=0.5)
    owner = hold(tmp_path, how="sleeps")
    elsewhere(tmp_path)
    began = time.monotonic()
    while leases.acquire("job") is None:
        assert time.monotonic() - began < 30
        time.sleep(0.05)
    end(owner)


def test_clocks_of_files_do_not_matter(tmp_path: Path) -> None:
    leases = Leases(tmp_path, patience=1.5)
    owner = hold(tmp_path)
    elsewhere(tmp_path)
    for year in (1971, 2170):
        for path in tmp_path.iterdir():
            os.utime(path, ((year - 1970) * 3.15e7,) * 2)
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            assert leases.acquire("job") is None
            time.sleep(0.05)
    end(owner)


def test_the_study_room_reads_no_clock_of_the_day() -> None:
    for path in (
        path for room in ("store", "scoring", "study") for path in (Path(distaff.__file__).parent / room).rglob("*.py")
    ):
        if path.name == "sources.py":  # a file's time is part of the key under which its checksum is kept, no more
            continue
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not names & {"st_mtime", "st_mtime_ns", "now", "utcnow", "today"}, path
        assert "time.time()" not in path.read_text(), path


def test_what_an_owner_worked_on_is_known_when_it_is_gone(tmp_path: Path) -> None:
    lease = Leases(tmp_path, beat=0.01).acquire("job")
    assert lease is not None
    lease.begin("one part", 5)
    lease.begin("another", 7)
    time.sleep(0.1)  # a few beats stand behind the notes
    assert Leases(tmp_path).notes_of(os.getpid()) == [("job", {"at": "another", "progress": 7})]
    assert Leases(tmp_path).notes_of(2**22 + 1) == []
    lease.release()


def test_whoever_was_frozen_with_all_others_does_not_take_them_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = hold(tmp_path, how="sleeps")  # it beats no more, as in the first moment after all are thawed
    elsewhere(tmp_path)
    clock = [0.0]
    monkeypatch.setattr("distaff.study.leases.time.monotonic", lambda: clock[0])
    leases = Leases(tmp_path, patience=120.0)
    assert leases.acquire("job") is None
    clock[0] += 3600.0
    assert leases.acquire("job") is None, "the hour in which nobody could look does not count"
    for _ in range(3000):
        clock[0] += 0.5
        if (lease := leases.acquire("job")) is not None:
            break
    assert lease is not None
    assert clock[0] > 3600.0 + 80, "it was watched for the patience, but for the one look after the hour"
    lease.release()
    end(owner)

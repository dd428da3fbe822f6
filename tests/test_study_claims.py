"""A claim is exclusive, outlives no owner, and is judged by its heartbeat, never by a clock."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import distaff
from distaff.study.leases import Claims, host

HOLD = """
import sys, time
from pathlib import Path
from distaff.study.leases import Claims
claim = Claims(Path(sys.argv[1]), beat=0.05).take("job", int(sys.argv[2]))
print("held", claim is not None, claim is not None and claim.stuck, flush=True)
while sys.argv[3] == "works":
    sum(range(1000))
time.sleep(600)
"""


def hold(folder: Path, advance: int = 0, how: str = "works") -> subprocess.Popen[str]:
    """A process that claims `job` and keeps it."""
    words = [sys.executable, "-c", HOLD, str(folder), str(advance), how]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("held True")
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def elsewhere(folder: Path) -> None:
    """Make the claims look as if they were made on another machine, whose processes cannot be seen from here."""
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(host().encode(), b"another machine"))


def test_a_job_is_held_by_one_until_it_is_released(tmp_path: Path) -> None:
    first, second = Claims(tmp_path), Claims(tmp_path)
    claim = first.take("job")
    assert claim is not None
    assert second.take("job") is None
    assert second.take("another") is not None
    claim.release()
    assert second.take("job") is not None


def test_of_many_processes_one_gets_the_job(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLD, str(tmp_path), "0", "sleeps"]
    rivals = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [rival.stdout.readline().split()[1] for rival in rivals if rival.stdout]
    for rival in rivals:
        end(rival)
    assert sorted(said) == ["False", "False", "False", "True"]


def test_a_dead_process_of_this_machine_gives_its_job_up_at_once(tmp_path: Path) -> None:
    owner = hold(tmp_path)
    assert Claims(tmp_path).take("job") is None
    end(owner)
    assert Claims(tmp_path).take("job") is not None


def test_an_owner_elsewhere_is_dead_when_its_heart_stands_still_and_not_before(tmp_path: Path) -> None:
    claims = Claims(tmp_path, patience=2.0)
    owner = hold(tmp_path)
    elsewhere(tmp_path)  # it goes on beating: the file is written to in place
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        assert claims.take("job") is None, "it lives"
        time.sleep(0.05)
    os.kill(owner.pid, signal.SIGSTOP)
    began = time.monotonic()
    while (claim := claims.take("job")) is None:
        assert time.monotonic() - began < 30
        time.sleep(0.05)
    assert time.monotonic() - began >= 1.5
    claim.release()
    os.kill(owner.pid, signal.SIGCONT)  # it comes back, and finds that its job is gone: it does not take it again
    time.sleep(0.3)
    assert list(tmp_path.iterdir()) == []
    end(owner)


def test_a_process_that_waits_for_ever_has_no_heartbeat(tmp_path: Path) -> None:
    claims = Claims(tmp_path, patience=0.5)
    owner = hold(tmp_path, how="sleeps")
    elsewhere(tmp_path)
    began = time.monotonic()
    while claims.take("job") is None:
        assert time.monotonic() - began < 30
        time.sleep(0.05)
    end(owner)


def test_clocks_of_files_do_not_matter(tmp_path: Path) -> None:
    claims = Claims(tmp_path, patience=1.5)
    owner = hold(tmp_path)
    elsewhere(tmp_path)
    for year in (1971, 2170):
        for path in tmp_path.iterdir():
            os.utime(path, ((year - 1970) * 3.15e7,) * 2)
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            assert claims.take("job") is None
            time.sleep(0.05)
    end(owner)


def test_the_study_room_reads_no_clock_of_the_day() -> None:
    for path in (
        path for room in ("store", "scoring", "study") for path in (Path(distaff.__file__).parent / room).rglob("*.py")
    ):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not names & {"st_mtime", "st_mtime_ns", "now", "utcnow", "today"}, path
        assert "time.time()" not in path.read_text(), path


def test_a_job_that_kills_three_owners_without_getting_further_is_stuck(tmp_path: Path) -> None:
    for _ in range(3):
        end(hold(tmp_path, advance=5))
    further = Claims(tmp_path).take("job", advance=6)
    assert further is not None
    assert not further.stuck, "it got further"
    further._done.set()  # it dies without releasing
    for path in tmp_path.iterdir():
        told = json.loads(path.read_text().splitlines()[0])
        path.write_text(json.dumps({**told, "advance": 6, "host": host(), "pid": 2**22 + 1}) + "\n")
    stuck = Claims(tmp_path).take("job", advance=6)
    assert stuck is not None
    assert stuck.stuck

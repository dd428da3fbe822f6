"""A study ends whole on a machine whose disk fails and fills up, whose clock jumps, and whose processes are frozen.

The faults are real to the processes: a library that is loaded before all others makes calls of the system fail, one in
so many.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from real_studies import (
    distaff,
    ends_like_an_undisturbed_one,
    start,
    study_file,
    wait_for,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")]
SOURCE = Path(__file__).with_name("faults.c")
METHODS = ("beta_vae(beta=2)", "dip_vae_i", "factor_vae")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", path, SOURCE, "-ldl"], check=True)
    return path


def run_until_done(file: Path, tries: int, environment: dict[str, str]) -> list[int]:
    """The same command again and again, on a machine like that; how each ended, none of them in a traceback."""
    ended: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        while (not ended or ended[-1] != 0) and len(ended) < tries:
            done = distaff("study", "run", file, "--no-rehearsal", "--workers", "2", cwd=file.parent)
            ended.append(done.returncode)
            assert done.returncode in (0, 1, 2), done.stderr
            assert "Traceback" not in done.stderr, done.stderr
    return ended


@pytest.mark.parametrize("rate", [20, 60, 200])
def test_a_disk_that_fails_and_fills_up_costs_no_run(tmp_path: Path, library: Path, rate: int) -> None:
    """One call in `rate` of write, fsync and rename fails on files of the store, with EIO or ENOSPC."""
    (tmp_path / "spare").mkdir()
    file = study_file(tmp_path, METHODS, 4, 1_500, pack=4)
    faults = {"LD_PRELOAD": str(library), "FAULTS_PLACE": "/out/small/", "FAULTS_RATE": str(rate)}
    ended = run_until_done(file, 60, {**faults, "DISTAFF_RETRY_SECONDS": "2", "TMPDIR": str(tmp_path / "spare")})
    assert rate > 100 or set(ended) != {0}, "faults were met"
    ends_like_an_undisturbed_one(file, tmp_path)


def test_a_clock_that_jumps_costs_no_run(tmp_path: Path, library: Path) -> None:
    """Every second the time of day is another, by up to a day, and in each process the same."""
    file = study_file(tmp_path, METHODS, 4, 1_500, pack=4)
    ended = run_until_done(file, 3, {"LD_PRELOAD": str(library), "FAULTS_CLOCK": "86400"})
    assert ended == [0]
    ends_like_an_undisturbed_one(file, tmp_path)


def test_a_worker_that_is_frozen_for_longer_than_the_patience_costs_no_run(tmp_path: Path) -> None:
    """It is stopped while it trains, another command goes on beside it, and it is woken again."""
    file = study_file(tmp_path, METHODS, 4, 6_000, pack=4)
    folder = tmp_path / "out" / "small"
    first = start("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=tmp_path)
    wait_for(lambda: bool(list(folder.glob("claims/*"))))
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGSTOP)
    second = start("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=tmp_path)
    time.sleep(150)  # the patience is two minutes
    for child in children:
        with contextlib.suppress(ProcessLookupError):  # its command took it for one that hangs, and started another
            os.kill(int(child), signal.SIGCONT)
    for process in (first, second):
        output = process.communicate(timeout=600)
        assert process.returncode == 0, output
    ends_like_an_undisturbed_one(file, tmp_path)

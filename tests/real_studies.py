"""Small studies that run as real processes, and what their stores hold beside provenance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from distaff.store.check import check
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.work import work

SMALL = """
from distaff.runs import Optim, Study, cross

study = Study(
    "{name}",
    cross(["toy"], {methods!r}, range({seeds}), network="mlp(width=8, latents=3)", critic="critic(width=8, depth=1)",
          updates={updates}, optim=Optim(lr=1e-3)),
    ("mig", "gaussian_total_correlation"),
    rows=200,
    test_rows=100,
    pack={pack},
)
"""
DISTAFF = [sys.executable, "-c", "from distaff.cli import main; main()"]


def study_file(
    folder: Path,
    methods: tuple[str, ...] = ("beta_vae(beta=2)", "factor_vae"),
    seeds: int = 2,
    updates: int = 40,
    pack: int = 2,
    name: str = "small",
) -> Path:
    """A study of small models on toy, as a file."""
    path = folder / f"{name}.py"
    text = SMALL.format(name=name, methods=list(methods), seeds=seeds, updates=updates, pack=pack)
    path.write_text(text, encoding="utf-8")
    return path


def start(*words: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """`distaff WORDS` as the leader of a process group, as a terminal starts it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*DISTAFF, *map(str, words)], cwd=cwd, env=environment, process_group=0, **pipes)  # type: ignore[call-overload,no-any-return]


def distaff(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`distaff WORDS`, waited for."""
    return subprocess.run([*DISTAFF, *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False)


def wait_for(true: Callable[[], bool], seconds: float = 600.0) -> None:
    """Until `true()`; fails after a long time."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def results(folder: Path) -> dict[str, bytes]:
    """Every file of runs/ and failed/ with its content, but for its provenance and how long it took."""
    contents = {}
    for path in sorted(p for place in ("runs", "failed") for p in (folder / place).rglob("*") if p.is_file()):
        content = path.read_bytes()
        if path.name.startswith("scores-"):
            record = json.loads(content)
            content = json.dumps({key: record[key] for key in record if key not in ("sha256", "made")}).encode()
        elif path.name == "curve.parquet":
            content = pl.read_parquet(content).drop("milliseconds", strict=False).write_csv().encode()
        if path.name != "provenance.json":
            contents[path.relative_to(folder).as_posix()] = content
    return contents


def undisturbed(file: Path, folder: Path) -> dict[str, bytes]:
    """What the store of the study in `file` holds when this process does all of it."""
    work(Store(folder), load_study(file))
    return results(folder)


def leftovers(folder: Path) -> list[str]:
    """What stands in a store beside finished results, and does not belong there when a study is done."""
    places = ("packs", "claims")
    rest = [path for place in places for path in (folder / place).glob("*")]
    return sorted(path.relative_to(folder).as_posix() for path in [*rest, *folder.rglob(".*.*")])


def ends_like_an_undisturbed_one(file: Path, folder: Path) -> None:
    """The command that is run once more does the rest, and the store in `folder` is that of a quiet machine."""
    store = folder / "out" / file.stem
    done = distaff("study", "run", file, "--no-rehearsal", "--workers", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert results(store) == undisturbed(file, folder / "twin")
    assert leftovers(store) == []
    assert list(check(Store(store))) == []

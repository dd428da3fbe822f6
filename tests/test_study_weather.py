"""Faults of the place at every door, while a small study runs: it ends as the undisturbed one, or in one line."""

from __future__ import annotations

import errno
import io
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distaff.errors import DistaffError
from distaff.store.store import Store
from distaff.store.studies import load_study, save_study
from distaff.study.leases import leases_of
from distaff.study.plan import plan
from distaff.study.prune import remove_leftovers
from distaff.study.work import work
from real_studies import leftovers, results, study_file, undisturbed

PASSING = (errno.EMFILE, errno.ENOMEM, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENOTCONN, errno.ESTALE, errno.EIO)
LASTING = (errno.ENOSPC, errno.EROFS, errno.EACCES)


class Door:
    """Every call that reaches a folder, and what it raises there: `fault` gives the number of an error, or 0."""

    def __init__(self, folder: Path, fault: Callable[[str], int]) -> None:
        self.folder, self.fault, self.calls = str(folder), fault, 0

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for place, name, kind in (
            (os, "open", "open"), (os, "fsync", "fsync"), (os, "listdir", "list"), (os, "stat", "stat"),
            (os, "rename", "rename"), (os, "replace", "rename"), (os, "unlink", "unlink"), (os, "mkdir", "mkdir"),
            (io, "open", "read"), (os, "close", "close"), (os, "write", "write"), (os, "truncate", "write"),
        ):  # fmt: skip
            patch.setattr(place, name, self.guarded(getattr(place, name), kind))

    def guarded(self, real: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def call(first: Any, *arguments: Any, **options: Any) -> Any:
            if not self.reaches(first):
                return real(first, *arguments, **options)
            number = self.fault(kind)
            if kind == "close":  # the file is closed whatever is raised
                real(first)
            if number:
                self.calls += 1
                raise OSError(number, os.strerror(number), first if isinstance(first, str) else str(first))
            return None if kind == "close" else real(first, *arguments, **options)

        return call

    def reaches(self, first: Any) -> bool:
        try:
            path = os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else os.fspath(first)
        except (OSError, TypeError):
            return False
        return str(path).startswith(self.folder)


def every(n: int, numbers: tuple[int, ...]) -> Callable[[str], int]:
    """A fault at every n-th call, of each number in turn."""
    turn, calls = itertools.cycle(numbers), itertools.count(1)
    return lambda _: next(turn) if next(calls) % n == 0 else 0


def from_call(n: int, kind: str, number: int) -> Callable[[str], int]:
    """The same fault at all calls of a kind from the n-th on."""
    calls = itertools.count(1)
    return lambda called: number if called == kind and next(calls) >= n else 0


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("weather")
    file = study_file(folder, ("beta_vae(beta=2)",), 1, 12)
    file.write_text(file.read_text().replace("rows=200", "pictures=0,\n    rows=200"))
    return file, undisturbed(file, folder / "twin")


def finish(store: Store, file: Path) -> None:
    study = load_study(file)
    save_study(store.folder, study)
    work(store, study, leases=leases_of(store.folder, 1.0))  # this process holds those that it could not remove
    remove_leftovers(store, [study])


def test_a_fault_of_every_kind_at_every_ninth_call_changes_nothing(
    study: tuple[Path, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, whole = study
    store, door = Store(tmp_path / "store"), Door(tmp_path / "store", every(9, PASSING))
    monkeypatch.setenv("DISTAFF_RETRY_SECONDS", "1")
    with monkeypatch.context() as patch:
        door.install(patch)
        finish(store, file)
    assert door.calls > 20
    assert results(store.folder) == whole
    assert leftovers(store.folder) == []
    assert not (store.folder / "damaged").exists()


@pytest.mark.parametrize(
    ("kind", "n", "number"),
    [
        ("fsync", 5, errno.ENOSPC), ("rename", 6, errno.EROFS), ("unlink", 3, errno.EACCES), ("list", 6, errno.EIO),
        ("read", 4, errno.ETIMEDOUT), ("list", 1, errno.EACCES),
    ],
)  # fmt: skip
def test_a_fault_that_lasts_is_one_line_and_the_same_command_goes_on(
    study: tuple[Path, dict[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    n: int,
    number: int,
) -> None:
    file, whole = study
    store, door = Store(tmp_path / "store"), Door(tmp_path / "store", from_call(n, kind, number))
    save_study(store.folder, load_study(file))
    monkeypatch.setenv("DISTAFF_RETRY_SECONDS", "0.05")
    with monkeypatch.context() as patch:
        door.install(patch)
        with pytest.raises(DistaffError) as raised:
            work(store, load_study(file))
    assert door.calls
    assert "\n" not in str(raised.value)
    assert os.strerror(number) in str(raised.value)
    assert plan(load_study(file), store).failed == 0, "no run is to blame"
    assert not (store.folder / "damaged").exists()
    finish(store, file)
    assert results(store.folder) == whole
    assert leftovers(store.folder) == []

"""A file is what it was or what was written, whole, whatever is raised, killed or done by others at the same time."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distaff import atomic
from distaff.atomic import ASIDE, process_token, publish_folder, write
from killed_writer import NEW

OLD = b"old"
SCRIPT = Path(__file__).with_name("killed_writer.py")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("fsync", [True, False])
def test_bytes_and_what_a_function_writes_stand_at_the_path_and_nothing_beside_it(tmp_path: Path, fsync: bool) -> None:
    path = tmp_path / "a" / "b" / "file"
    assert write(path, OLD, fsync=fsync) == path
    assert path.read_bytes() == OLD
    write(path, lambda file: (file.write(NEW), file.seek(0), file.read(3), file.seek(1), file.write(b"E")), fsync=fsync)
    assert path.read_bytes() == b"nEw" + NEW[3:]
    assert names(path.parent) == ["file"]


def test_a_file_has_the_permissions_of_any_other_that_the_process_makes(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(OLD)
    assert write(tmp_path / "file", OLD).stat().st_mode == (tmp_path / "plain").stat().st_mode


def refusing(number: int) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


class Full:
    """A file on a disk that is full: it takes some bytes and no more."""

    def __init__(self, file: BinaryIO, room: int) -> None:
        self.file, self.room = file, room

    def write(self, content: bytes) -> int:
        self.file.write(content[: self.room])
        if len(content) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(content)


@pytest.mark.parametrize("there", [True, False], ids=["written over", "new"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("where", ["open", "fsync", "replace"])
def test_an_error_of_the_disk_is_raised_as_it_is_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, number: int, there: bool
) -> None:
    path = tmp_path / "file"
    if there:
        path.write_bytes(OLD)
    with monkeypatch.context() as patch:
        patch.setattr(*{"open": (os, "open"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[where],
                      refusing(number))  # fmt: skip
        with pytest.raises(OSError, match=os.strerror(number)) as raised:
            write(path, NEW)
    assert raised.value.errno == number
    assert names(tmp_path) == ["file"] * there
    assert not there or path.read_bytes() == OLD
    assert write(path, NEW).read_bytes() == NEW


@given(st.integers(0, len(NEW) - 1))
def test_a_disk_that_is_full_after_any_number_of_bytes_leaves_what_was_there(
    tmp_path_factory: pytest.TempPathFactory, room: int
) -> None:
    path = tmp_path_factory.mktemp("full") / "file"
    write(path, OLD)
    with pytest.raises(OSError, match="No space left"):
        write(path, lambda file: Full(file, room).write(NEW))
    assert path.read_bytes() == OLD
    assert names(path.parent) == ["file"]


def test_what_was_wrong_first_is_raised_where_nothing_can_be_removed_either_and_the_next_writer_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "file", OLD)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refusing(errno.ENOSPC))
        patch.setattr(Path, "unlink", refusing(errno.EIO))
        with pytest.raises(OSError, match="No space left"):
            write(path, NEW)
    assert path.read_bytes() == OLD
    assert len(names(tmp_path)) == 2
    assert write(path, b"short").read_bytes() == b"short", "and not the rest of what was left"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupt_or_an_error_of_the_writing_function_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def stop(file: BinaryIO) -> None:
        file.write(NEW)
        raise error

    path = write(tmp_path / "file", OLD)
    with pytest.raises(error):
        write(path, stop)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("where", ["half", "fsync", "replace"])
def test_what_a_killed_process_left_is_gone_with_the_next_writer_and_the_old_file_stands_until_then(
    tmp_path: Path, where: str
) -> None:
    path = write(tmp_path / "file", OLD)
    for _ in range(2):
        done = subprocess.run([sys.executable, str(SCRIPT), str(path), where], check=False)
        assert done.returncode == -signal.SIGKILL
        assert path.read_bytes() == OLD
        (left,) = (name for name in names(tmp_path) if name != "file")
        assert ASIDE.fullmatch(left)
    assert write(path, b"short").read_bytes() == b"short"
    assert names(tmp_path) == ["file"]


def test_a_process_killed_at_any_moment_leaves_one_of_the_two_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "file", OLD)
    loop = "import sys; from pathlib import Path; from distaff.atomic import write\n"
    loop += "while True: [write(Path(sys.argv[1]), bytes([i]) * 300_000) for i in range(256)]"
    for wait in (0.0, 0.003, 0.007, 0.013):
        with subprocess.Popen([sys.executable, "-c", loop, str(path)]) as process:
            before = path.stat().st_ino
            while path.stat().st_ino == before:
                time.sleep(0.001)
            time.sleep(wait)
            process.kill()
        content = path.read_bytes()
        assert content == content[:1] * 300_000
        assert len(names(tmp_path)) <= 2
    write(path, OLD)
    assert names(tmp_path) == ["file"]


def test_who_writes_at_the_same_time_takes_another_file_aside_and_one_of_the_two_wins(tmp_path: Path) -> None:
    path, held = tmp_path / "file", []

    def slowly(file: BinaryIO) -> None:
        file.write(b"slow")
        write(path, b"quick")
        held.extend(names(tmp_path))
        file.write(b"er")

    write(path, slowly)
    assert path.read_bytes() == b"slower"
    assert len(held) == 2, "the slow one's file aside was left alone"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: write(path, bytes([i]) * 50_000), range(200)))
    content = path.read_bytes()
    assert content == content[:1] * 50_000
    assert names(tmp_path) == ["file"]


def test_a_disk_without_locks_is_written_to_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "try_lock", refusing(errno.ENOSYS))
    path = write(tmp_path / "file", OLD)
    assert write(path, NEW).read_bytes() == NEW
    assert names(tmp_path) == ["file"]
    with pytest.raises(ValueError, match="no"):
        write(path, lambda file: (file.write(OLD), [].index("no")))
    assert path.read_bytes() == NEW
    assert names(tmp_path) == ["file"]


def test_files_and_their_names_are_forced_to_the_disk_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[str] = []
    real = os.fsync

    def watched(handle: int) -> None:
        forced.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("open files have no names here")
    monkeypatch.setattr(os, "fsync", watched)
    write(tmp_path / "new" / "file", NEW)
    assert forced[0] == tmp_path.name, "the folder that was made is a name in the one above"
    assert forced[1].startswith(".file.")
    assert forced[2:] == ["new"]
    forced.clear()
    write(tmp_path / "other" / "file", NEW, fsync=False)
    assert forced == []


def test_a_folder_that_was_filled_aside_appears_whole(tmp_path: Path) -> None:
    aside = tmp_path / f".done.{process_token()}"
    write(aside / "file", NEW)
    assert ASIDE.fullmatch(aside.name)
    publish_folder(aside, tmp_path / "done")
    assert names(tmp_path) == ["done"]
    assert (tmp_path / "done" / "file").read_bytes() == NEW


def test_a_folder_that_is_a_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(OSError, match="file"):
        write(tmp_path / "file" / "below", NEW)

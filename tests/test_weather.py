"""A fault of the place that passes is waited for, one that lasts is raised at once, and neither is anybody's fault."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distaff.atomic import process_token, publish_folder, write
from distaff.errors import DistaffError
from distaff.weather import is_weather, names_in, read_bytes, remove, retrying, waits, weather_in

PASSING = [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENOTCONN, errno.ESTALE,
           errno.EIO, errno.EAGAIN, errno.ENETDOWN]  # fmt: skip
LASTING = [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT]
CALLS: dict[str, tuple[Any, str]] = {
    "open": (os, "open"), "fsync": (os, "fsync"), "rename": (Path, "replace"), "mkdir": (Path, "mkdir"),
}  # fmt: skip


def failing(real: Callable[..., Any], number: int, times: int) -> Callable[..., Any]:
    """`real`, but for its first calls: they raise the error of that number."""
    left = [times]

    def call(*arguments: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    return call


@pytest.mark.parametrize("number", PASSING)
@pytest.mark.parametrize("where", sorted(CALLS))
def test_a_file_is_written_whole_when_a_passing_fault_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, number: int
) -> None:
    place, name = CALLS[where]
    monkeypatch.setattr(place, name, failing(getattr(place, name), number, 2))
    assert write(tmp_path / "folder" / "file", b"content").read_bytes() == b"content"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["file"]


@pytest.mark.parametrize("number", LASTING)
def test_a_lasting_fault_is_raised_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise OSError(number, os.strerror(number))

    with pytest.raises(OSError, match=os.strerror(number)) as raised:
        retrying(fail, [0.0] * 5)
    assert len(calls) == 1
    assert is_weather(raised.value)


def test_a_fault_that_does_not_pass_is_raised_in_the_end_and_waited_for_once() -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise OSError(errno.EIO, "no")

    with pytest.raises(OSError, match="no"):
        retrying(lambda: retrying(fail, [0.0] * 3), [0.0] * 3)
    assert len(calls) == 4, "the outer one does not wait again"


def test_the_waits_grow_and_end() -> None:
    assert list(waits(0.0)) == []
    assert sum(waits(30.0)) == pytest.approx(30.0)
    assert max(waits(300.0)) == 5.0


def test_reading_listing_and_removing_wait_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    for place, name in ((Path, "read_bytes"), (os, "listdir"), (Path, "unlink")):
        monkeypatch.setattr(place, name, failing(getattr(place, name), errno.ESTALE, 1))
    assert read_bytes(path) == b"content"
    assert names_in(tmp_path) == ["file"]
    assert names_in(tmp_path / "nowhere") == []
    remove(path)
    assert names_in(tmp_path) == []


def test_a_folder_whose_rename_was_done_though_its_reply_was_lost_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, replies = Path.rename, [1]

    def rename(self: Path, target: Path) -> Path:
        moved = real(self, target)
        if replies:
            replies.pop()
            raise OSError(errno.ETIMEDOUT, "timed out")
        return moved

    monkeypatch.setattr(Path, "rename", rename)
    aside = tmp_path / f".done.{process_token()}"
    aside.mkdir()
    publish_folder(aside, tmp_path / "done")
    assert names_in(tmp_path) == ["done"]


def test_the_fault_behind_an_error_is_found() -> None:
    def raise_from(cause: Exception) -> DistaffError:
        try:
            raise DistaffError("cannot be read") from cause
        except DistaffError as error:
            return error

    assert weather_in(raise_from(OSError(errno.EIO, "no"))) is not None
    assert weather_in(raise_from(ValueError("no"))) is None
    assert weather_in(FileNotFoundError(errno.ENOENT, "no")) is None

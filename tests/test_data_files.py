"""The cache of built sets: whole or not there, whatever happens meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from distaff.data.cache.built import ARRAY, FOLDER, RECORD, built_folder, cache_folder, open_or_build, verify
from distaff.errors import DistaffError

ROWS = np.arange(12, dtype=np.uint8).reshape(4, 3)

SLOW_BUILD = """
import sys, time
import numpy as np
from distaff.data.cache.built import open_or_build

def parts():
    open(sys.argv[1], "a").write("started\\n")
    yield np.arange(6, dtype=np.uint8).reshape(2, 3)
    time.sleep(float(sys.argv[2]))
    yield np.arange(6, 12, dtype=np.uint8).reshape(2, 3)

open_or_build("tiny", (4, 3), "|u1", parts())
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


def build():
    return open_or_build("tiny", (4, 3), "|u1", [ROWS[:2], ROWS[2:]])


def start(log, seconds):
    return subprocess.Popen([sys.executable, "-c", SLOW_BUILD, str(log), str(seconds)])


def wait_until(happened):
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_parts_are_built_once_and_mapped_from_then_on(cache):
    np.testing.assert_array_equal(build(), ROWS)
    again = open_or_build("tiny", (4, 3), "|u1", iter(()))  # nothing left to build from
    np.testing.assert_array_equal(again, ROWS)
    assert not again.flags.writeable
    verify(built_folder("tiny"))


def test_a_killed_build_leaves_no_set_and_the_next_one_clears_up(cache, tmp_path):
    log = tmp_path / "log"
    process = start(log, seconds=600)
    wait_until(log.exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not built_folder("tiny").exists()
    np.testing.assert_array_equal(build(), ROWS)
    assert not list(cache.glob(".*building*"))


def test_two_processes_at_once_build_once(cache, tmp_path):
    log = tmp_path / "log"
    processes = [start(log, seconds=1.0) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert log.read_text() == "started\n"
    np.testing.assert_array_equal(build(), ROWS)


def test_a_changed_byte_is_found_by_verify_and_the_error_says_what_to_do(cache):
    build()
    path = built_folder("tiny") / ARRAY
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DistaffError, match=r"is damaged: its SHA-256 .* Delete that folder"):
        verify(built_folder("tiny"))


def test_a_truncated_file_is_found_at_opening(cache):
    build()
    path = built_folder("tiny") / ARRAY
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(DistaffError, match=r"has \d+ bytes, where the record has \d+.*Delete that folder"):
        build()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_broken_record_is_found_at_opening(cache, text):
    build()
    (built_folder("tiny") / RECORD).write_text(text)
    with pytest.raises(DistaffError, match=r"is damaged.*Delete that folder"):
        build()


def test_an_array_of_another_shape_is_refused(cache):
    build()
    with pytest.raises(DistaffError, match=r"holds uint8 \(4, 3\) where uint8 \(2, 6\) belongs"):
        open_or_build("tiny", (2, 6), "|u1", iter(()))


def test_an_array_that_the_disk_has_no_room_for_is_refused_before_it_is_made(cache):
    with pytest.raises(
        DistaffError, match=r"huge takes 1.2 EB in .*, where .* are free: free space or set DISTAFF_DATA"
    ):
        open_or_build("huge", (2**60,), "|u1", iter(()))
    assert [path.name for path in cache.iterdir()] == [".huge-v1.lock"]


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [([ROWS[:2]], "holds 2 rows where 4 belong"), ([ROWS, ROWS], "does not fit"), ([ROWS[:, :2]], "does not fit")],
)
def test_parts_that_do_not_fill_the_shape_leave_nothing(cache, parts, complaint):
    with pytest.raises(DistaffError, match=complaint):
        open_or_build("tiny", (4, 3), "|u1", parts)
    assert [path.name for path in cache.iterdir()] == [".tiny-v1.lock"]


def test_parts_may_come_in_any_order_with_the_rows_where_they_belong(cache):
    parts = [(np.array([3, 0, 1]), ROWS[[3, 0, 1]]), (np.array([2]), ROWS[2:3])]
    np.testing.assert_array_equal(open_or_build("tiny", (4, 3), "|u1", parts), ROWS)
    verify(built_folder("tiny"))


@pytest.mark.parametrize("rows", [[0, 0, 1, 2], [0, 1, 2, 4]])
def test_rows_that_come_twice_or_lie_outside_are_refused(cache, rows):
    with pytest.raises(DistaffError, match=r"a row twice|does not fit"):
        open_or_build("tiny", (4, 3), "|u1", [(np.array(rows), ROWS)])
    assert not built_folder("tiny").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file"))
    with pytest.raises(DistaffError, match=f"cannot be written.*{FOLDER}"):
        build()


def test_the_record_can_be_read_by_anybody(cache):
    build()
    record = json.loads((built_folder("tiny") / RECORD).read_text())
    assert (record["name"], record["shape"], record["dtype"]) == ("tiny", [4, 3], "|u1")
    assert len(record["sha256"]) == 64


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform != "darwin":
        assert cache_folder() == tmp_path / "distaff"

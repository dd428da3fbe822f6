"""Fetching from hosts that fail in every way: one clear error, nothing half-made, and the rest when they recover."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import official_files as files
from distaff import data
from distaff.data import cars3d, load, smallnorb
from distaff.data.cache import fetch as _fetch
from distaff.data.cache.built import FOLDER, built_folder
from distaff.data.cache.fetch import RECORDED, fetch
from distaff.data.cache.published import File, open_cached
from distaff.data.dataset import PUBLISHED
from distaff.errors import DistaffError
from failing_host import Host

CARS = ["car_010_mesh", "car_002_mesh", "car_001_mesh"]


@pytest.fixture
def host():
    server = Host()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))
    open_cached.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def archive(tmp_path, monkeypatch, host) -> bytes:
    """The archive of three cars on the host, where cars3d now fetches it from, with its checksum."""
    noise = np.random.default_rng(0).bytes(2_000_000)
    content = files.cars(tmp_path / "cars.tar.gz", CARS, **{"data/sprites/noise": noise}).read_bytes()
    host.content[cars3d.ARCHIVE] = content
    monkeypatch.setattr(cars3d, "SIZES", (2, 3, 3))
    publish(monkeypatch, host, f"md5:{hashlib.md5(content).hexdigest()}")
    return content


def publish(monkeypatch, host, checksum, size=None):
    file = File(cars3d.ARCHIVE, f"{host.url}/{cars3d.ARCHIVE}", checksum, size)
    release = data.published("cars3d")._replace(files=(file,))
    monkeypatch.setitem(PUBLISHED, "cars3d", release)


def left(cache: Path) -> list[str]:
    """What the cache holds, without locks and empty folders."""
    return sorted(str(p.relative_to(cache)) for p in cache.rglob("*") if p.is_file() and p.suffix != ".lock")


WHOLE = ["cars3d-v1/images.npy", "cars3d-v1/record.json"]


def test_a_set_is_fetched_checked_converted_and_its_download_deleted(host, archive, cache):
    lines: list[str] = []
    fetch("cars3d", log=lines.append)
    assert left(cache) == WHOLE
    assert "no licence is stated" in lines[0]
    np.testing.assert_array_equal(load("cars3d").images(np.array([4]))[0, 0, 0], [0, 50, 20])
    fetch("cars3d", log=lines.append)
    assert "in the cache already" in lines[-1]
    assert len(host.ranges_requested) == 1


def test_a_cut_connection_goes_on_where_it_was_cut(host, archive, cache):
    host.cuts = 2
    fetch("cars3d", log=lambda _: None)
    third = len(archive) // 3
    assert host.ranges_requested == [None, f"bytes={third}-", f"bytes={third + (len(archive) - third) // 3}-"]
    assert left(cache) == WHOLE


def test_a_host_without_ranges_is_asked_for_the_whole_again(host, archive, cache):
    host.cuts, host.ranges = 1, False
    fetch("cars3d", log=lambda _: None)
    assert host.ranges_requested == [None, None]
    assert left(cache) == WHOLE


def test_what_has_come_before_the_last_cut_is_kept_for_the_next_day(host, archive, cache):
    host.cuts = 4
    with pytest.raises(DistaffError, match=r"after 4 tries; [\d,]+ bytes are saved, the same command continues"):
        fetch("cars3d", log=lambda _: None)
    assert not built_folder("cars3d").exists()
    assert all(Path(name).name.startswith(".") for name in left(cache))  # no file of the name of the whole
    missing = len(archive)
    for _ in range(4):
        missing -= missing // 3
    fetch("cars3d", log=lambda _: None)
    assert host.ranges_requested[4:] == [f"bytes={len(archive) - missing}-"]
    assert left(cache) == WHOLE


def test_a_file_that_has_changed_meanwhile_is_fetched_anew(host, archive, cache, monkeypatch, tmp_path):
    host.cuts = 4
    with pytest.raises(DistaffError, match="continues"):
        fetch("cars3d", log=lambda _: None)
    host.content[cars3d.ARCHIVE] = files.cars(tmp_path / "b.tar.gz", CARS, **{"more.txt": b"!"}).read_bytes()
    publish(monkeypatch, host, f"md5:{hashlib.md5(host.content[cars3d.ARCHIVE]).hexdigest()}")
    fetch("cars3d", log=lambda _: None)
    assert left(cache) == WHOLE


@pytest.mark.parametrize(
    ("fault", "complaint", "tries"),
    [
        ("404", "the server returned 404 Not Found", 1),
        ("503", "after 4 tries: 503 Server Error", 4),
        ("html", "a page of HTML instead of the file", 1),
        ("html without saying so", "a page of HTML instead of the file", 1),
        ("checksum", r"has the checksum md5:\w+, not the published md5:0+: it is another file", 1),
        ("closed", "could not be fetched after 4 tries", 0),
    ],
)
def test_a_host_that_fails_is_one_error_and_leaves_nothing(host, archive, cache, monkeypatch, fault, complaint, tries):
    host.fault = fault
    if fault == "404":
        host.content.clear()
    if fault == "checksum":
        publish(monkeypatch, host, "md5:" + "0" * 32)
    if fault == "closed":
        publish(monkeypatch, type("Closed", (), {"url": "http://127.0.0.1:9"}), None)
    with pytest.raises(DistaffError, match=complaint):
        fetch("cars3d", log=lambda _: None)
    assert len(host.ranges_requested) == tries
    assert left(cache) == []


def test_a_host_that_sends_more_than_the_file_has_is_refused(host, archive, cache, monkeypatch):
    publish(monkeypatch, host, f"md5:{hashlib.md5(archive).hexdigest()}", len(archive) - 1)
    with pytest.raises(DistaffError, match=f"the server sends more than the {len(archive) - 1:,} bytes"):
        fetch("cars3d", log=lambda _: None)
    assert len(host.ranges_requested) == 1
    assert left(cache) == []


def test_without_a_published_checksum_the_first_one_is_recorded_and_logged(host, archive, cache, monkeypatch, tmp_path):
    publish(monkeypatch, host, None)
    lines: list[str] = []
    fetch("cars3d", log=lines.append)
    checksum = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    assert f"no checksum of {cars3d.ARCHIVE} is published: {checksum} is recorded" in lines
    assert json.loads((cache / RECORDED).read_text()) == {cars3d.ARCHIVE: checksum}
    for path in built_folder("cars3d").iterdir():
        path.unlink()
    built_folder("cars3d").rmdir()
    host.content[cars3d.ARCHIVE] = archive + b"\0"
    for place in (None, str(tmp_path / "mine.tar.gz")):
        (tmp_path / "mine.tar.gz").write_bytes(archive + b"\0")
        with pytest.raises(
            DistaffError, match=r"not the recorded sha256:\w+: it is another file \(--unchecked accepts it"
        ):
            fetch("cars3d", place, log=lambda _: None)


def test_a_file_that_one_has_is_recorded_too_where_no_checksum_is_published(
    host, archive, cache, monkeypatch, tmp_path
):
    publish(monkeypatch, host, None)
    (tmp_path / "mine.tar.gz").write_bytes(archive)
    fetch("cars3d", str(tmp_path / "mine.tar.gz"), log=lambda _: None)
    assert json.loads((cache / RECORDED).read_text()) == {
        cars3d.ARCHIVE: f"sha256:{hashlib.sha256(archive).hexdigest()}"
    }
    (cache / RECORDED).write_text("{")
    with pytest.raises(DistaffError, match=r"checksums.json is damaged .*: delete it"):
        _fetch._recorded_checksums()


def test_a_damaged_set_is_not_reported_as_present(host, archive, cache):
    fetch("cars3d", log=lambda _: None)
    open_cached.cache_clear()
    (built_folder("cars3d") / "images.npy").write_bytes(b"")
    with pytest.raises(
        DistaffError, match=r"cars3d-v1 is damaged: .* Delete that folder: it is rebuilt at its next use, or fetched"
    ):
        fetch("cars3d", log=lambda _: None)


@pytest.mark.parametrize("harm", ["truncated", "escapes", "of other cars"])
def test_an_archive_that_cannot_be_converted_leaves_nothing_and_no_record(
    host, cache, archive, monkeypatch, tmp_path, harm
):
    publish(monkeypatch, host, None)
    other = {"escapes": {"../out": b"!"}}.get(harm, {})
    content = files.cars(tmp_path / "b.tar.gz", CARS if harm != "of other cars" else CARS[:2], **other).read_bytes()
    host.content[cars3d.ARCHIVE] = content[: len(content) // 2] if harm == "truncated" else content
    with pytest.raises(DistaffError, match=r"cut short|points out of it|names 2 cars"):
        fetch("cars3d", log=lambda _: None)
    assert left(cache) == []


def test_a_mirror_may_be_the_file_or_its_folder(host, archive, cache, monkeypatch):
    publish(monkeypatch, type("Gone", (), {"url": "http://127.0.0.1:9"}), f"md5:{hashlib.md5(archive).hexdigest()}")
    host.content["deep/mirror/" + cars3d.ARCHIVE] = archive
    fetch("cars3d", f"{host.url}/deep/mirror", log=lambda _: None)
    assert left(cache) == WHOLE
    release = data.published("cars3d")
    assert _fetch._url(release, release.files[0], "https://a.b/c.tar.gz?d=1") == "https://a.b/c.tar.gz?d=1"


def test_a_mirror_may_have_the_other_form_of_a_file():
    release = data.published("dsprites")
    for form in (release.files[0], release.alternatives[0]):
        url = f"https://a.b/{form.name}?d=1"
        assert _fetch._requested(release, url) == (form,)
        assert _fetch._url(release, form, url) == url
    assert _fetch._requested(release, "https://a.b") == release.files
    norb = data.published("smallnorb")
    assert _fetch._url(norb, norb.files[1], "https://a.b/") == f"https://a.b/{norb.files[1].name}"


@pytest.mark.parametrize("folder", [True, False])
def test_local_files_are_checked_converted_and_left(host, archive, cache, tmp_path, folder):
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / cars3d.ARCHIVE
    path.write_bytes(archive + b"\0")
    place = str(path.parent if folder else path)
    with pytest.raises(DistaffError, match="--unchecked accepts it all the same"):
        fetch("cars3d", place, log=lambda _: None)
    renamed = path.with_name("cars (1).tar.gz")
    renamed.write_bytes(archive + b"\0")
    with pytest.raises(DistaffError, match="--unchecked accepts it all the same"):
        fetch("cars3d", str(renamed), log=lambda _: None)
    path.write_bytes(archive)
    fetch("cars3d", place, log=lambda _: None)
    assert left(cache) == WHOLE
    assert path.read_bytes() == archive
    assert host.ranges_requested == []


def test_norb_is_read_from_a_folder_of_its_files_unpacked_or_not(tmp_path, monkeypatch, cache):
    import gzip

    monkeypatch.setattr(smallnorb, "SIZES", (1, 2, 2, 2, 1))
    written = files.norb(tmp_path / "norb")
    with pytest.raises(DistaffError, match=r"training-dat.mat.gz has the checksum sha256:\w+, not the published"):
        fetch("smallnorb", str(tmp_path / "norb"), log=lambda _: None)
    for path in written.values():
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    lines: list[str] = []
    fetch("smallnorb", str(tmp_path / "norb"), log=lines.append)
    assert len([line for line in lines if "no checksum is published of this form" in line]) == 6
    assert load("smallnorb").images(np.arange(8))[:, 9, 9, 0].tolist() == [10 * row for row in range(8)]
    with pytest.raises(DistaffError, match=r"lacks .*shapes.h5"):
        fetch("shapes3d", str(tmp_path / "norb"), log=lambda _: None)


FETCH = """
import sys
from distaff import data
from distaff.data import cars3d
from distaff.data.cache.fetch import fetch
from distaff.data.cache.published import File
from distaff.data.dataset import PUBLISHED
cars3d.SIZES = (2, 3, 3)
release = data.published("cars3d")._replace(files=(File(cars3d.ARCHIVE, sys.argv[1], sys.argv[2]),))
PUBLISHED["cars3d"] = release
fetch("cars3d")
"""


def test_a_killed_fetch_leaves_no_set_and_goes_on(host, archive, cache):
    host.fault = "slow"
    words = [f"{host.url}/{cars3d.ARCHIVE}", f"md5:{hashlib.md5(archive).hexdigest()}"]
    process = subprocess.Popen([sys.executable, "-c", FETCH, *words], stdout=subprocess.DEVNULL)
    part = cache / "downloads" / "cars3d" / f".{cars3d.ARCHIVE}.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    have = part.stat().st_size
    assert 0 < have < len(archive)
    assert not built_folder("cars3d").exists()
    host.fault = ""
    fetch("cars3d", log=lambda _: None)
    assert host.ranges_requested[1:] == [f"bytes={have}-"]
    assert [name for name in left(cache) if not name.startswith("downloads")] == WHOLE


def test_a_right_file_is_kept_when_the_disk_is_full(host, archive, cache, monkeypatch):
    def full(*_: object) -> None:
        raise DistaffError("no space")

    release = data.published("cars3d")
    monkeypatch.setitem(PUBLISHED, "cars3d", release._replace(convert=full))
    with pytest.raises(DistaffError, match="no space"):
        fetch("cars3d", log=lambda _: None)
    monkeypatch.setitem(PUBLISHED, "cars3d", release)
    fetch("cars3d", log=lambda _: None)
    assert len(host.ranges_requested) == 1


def test_a_generated_set_cannot_be_fetched():
    with pytest.raises(DistaffError, match="toy is drawn here or made of files of your own: it is not fetched"):
        fetch("toy")


def test_a_cache_that_cannot_be_written_is_one_error(host, archive, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file"))
    with pytest.raises(DistaffError, match="cannot be written"):
        fetch("cars3d", log=lambda _: None)

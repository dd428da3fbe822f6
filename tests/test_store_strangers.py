"""Another's store: no link leads out of it, nothing damaged is copied, nothing is fetched beyond what it announces."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from distaff.errors import DistaffError
from distaff.seal import digest
from distaff.store.aside import folder_aside, remove_dead_folders, remove_litter
from distaff.store.check import check
from distaff.store.files import read_json
from distaff.store.listing import listing
from distaff.store.merge import merge
from distaff.store.remote import pull, push
from distaff.store.store import Store
from distaff.store.studies import read_study, save_study
from distaff.study.prune import prune

STORES = Path(__file__).parent / "stores"
RUN = "668d5fe22dfc4e00"  # of the store of format 2
KILLED = """
import os, sys
from distaff.store import {module}, merge
from distaff.store.store import Store
from distaff.store import aside as _aside
import distaff.store.merge as merging

written = merging.write
def write(path, content):
    done = written(path, content)
    if path.name == "run.json":
        print("half", flush=True)
        sys.stdin.read()
    return done
merging.write = write
{call}
"""


@pytest.fixture
def source(tmp_path: Path) -> Store:
    shutil.copytree(STORES / "format_2", tmp_path / "source")
    return Store(tmp_path / "source")


@pytest.fixture
def target(tmp_path: Path) -> Store:
    (tmp_path / "target" / "runs").mkdir(parents=True)
    return Store(tmp_path / "target")


def hidden(store: Store) -> list[str]:
    return sorted(path.relative_to(store.folder).as_posix() for path in store.folder.rglob(".*"))


@pytest.mark.parametrize("file", ["run.json", "model.safetensors", "scores", "failed", "studies"])
def test_a_link_in_a_strangers_store_is_not_followed(file: str, source: Store, target: Store, tmp_path: Path) -> None:
    folder = source.folder / file if file in ("failed", "studies") else source.run_folder(RUN)
    (path,) = folder.glob("*" if file in ("failed", "studies") else f"{file}*")
    outside = tmp_path / "secret"
    outside.write_bytes(path.read_bytes())  # a copy, so that only the link is wrong
    path.unlink()
    path.symlink_to(outside)
    done = merge(source, target)
    assert path in [damage.path for damage in done.damaged]
    assert "it is a link" in str(done.damaged)
    copied = target.folder / path.relative_to(source.folder)
    assert not copied.exists()
    assert done.runs == (1 if file in ("failed", "studies") else 0)


def test_folders_that_are_links_are_not_followed(source: Store, target: Store, tmp_path: Path) -> None:
    for name in ("failed", "studies"):
        (source.folder / name).rename(tmp_path / name)
        (source.folder / name).symlink_to(tmp_path / name)
    source.run_folder(RUN).rename(tmp_path / RUN)
    source.run_folder(RUN).symlink_to(tmp_path / RUN)
    done = merge(source, target)
    assert (done.runs, done.files) == (0, 0)
    (source.folder / "runs").rename(tmp_path / "runs")
    (source.folder / "runs").symlink_to(tmp_path / "runs")
    with pytest.raises(DistaffError, match="is a link out of the store"):
        merge(source, target)


def test_a_pipe_is_not_waited_for(source: Store, target: Store) -> None:
    os.mkfifo(source.run_folder(RUN) / "scores-0123456789abcdef.json")
    os.mkfifo(source.folder / "failed" / "0123456789abcdef.json")
    done = merge(source, target)
    assert done.runs == 0
    problem = "it is a named pipe, where a regular file is needed"
    assert [damage.problem for damage in done.damaged] == [problem] * 2
    assert [damage.problem for damage in check(source)] == [problem] * 2


@pytest.mark.parametrize("name", ["run.json", "curve.parquet", "model.safetensors", "provenance.json", "scores"])
def test_a_damaged_run_is_reported_and_not_copied(name: str, source: Store, target: Store) -> None:
    (path,) = source.run_folder(RUN).glob(f"{name}*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = merge(source, target)
    assert (done.runs, [damage.path for damage in done.damaged]) == (0, [path])
    assert not target.has(RUN)
    assert hidden(target) == []


def test_files_that_no_store_has_are_left_where_they_are(source: Store, target: Store) -> None:
    for place in (f"runs/{RUN}/evil.py", f"runs/{RUN}/.hidden", "runs/not-a-run/run.json", "failed/x.json", "x.json"):
        (source.folder / place).parent.mkdir(exist_ok=True)
        (source.folder / place).write_text("{}")
    assert merge(source, target).damaged == []
    assert {path.name for path in target.run_folder(RUN).iterdir()} == {
        path.name for path in (STORES / "format_2" / "runs" / RUN).iterdir()
    }
    assert listing(target).runs == {RUN}
    assert not (target.folder / "failed" / "x.json").exists()


def test_the_plugins_of_a_store_travel_with_it_where_their_names_are_those_of_their_texts(
    source: Store, target: Store
) -> None:
    folder = source.folder / "plugins" / "methods"
    folder.mkdir(parents=True)
    good, bad = folder / f"mine-{digest(b'text')[:16]}.py", folder / f"mine-{'0' * 16}.py"
    good.write_bytes(b"text")
    bad.write_bytes(b"text")
    assert [damage.path for damage in merge(source, target).damaged] == [bad]
    assert [path.name for path in (target.folder / "plugins" / "methods").iterdir()] == [good.name]


@pytest.mark.parametrize("what", ["merge", "pull"])
def test_a_killed_merge_or_pull_leaves_nothing_that_the_next_one_does_not_remove(
    what: str, source: Store, target: Store, tmp_path: Path
) -> None:
    url = str(tmp_path / "place")
    push(source, url)
    call = f"merge.merge(Store({str(source.folder)!r}), Store({str(target.folder)!r}))"
    if what == "pull":
        call = f"remote.pull({url!r}, Store({str(target.folder)!r}))"
    script = KILLED.format(
        module="remote",
        call="from pathlib import Path\n" + call.replace("Store('", "Store(Path('").replace("')", "'))"),
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    assert remove_dead_folders(target) == 0, "its process lives"
    assert hidden(target) != []
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.communicate()
    assert not target.has(RUN)
    assert list(check(target)) == []
    assert (merge(source, target) if what == "merge" else pull(url, target)).runs == 1
    assert hidden(target) == []


def test_mending_removes_what_killed_processes_left(target: Store) -> None:
    (target.folder / "runs" / f".{RUN}.4194305-00c0ffee").mkdir()
    (target.folder / "runs" / ".aside-00c0ffee").mkdir()
    (target.folder / "runs" / ".aside-00c0ffee" / "lock").touch()
    (target.folder / "failed").mkdir()
    (target.folder / "failed" / ".x.json.0-00c0ffee").touch()
    (target.folder / ".mine").touch()
    with folder_aside(target) as mine:
        assert not (target.folder / "runs" / ".aside-00c0ffee").exists()
        assert remove_litter(target) == 2
        assert mine.is_dir(), "of a process that lives"
    assert hidden(target) == [".mine"]


def remade(place: Path, change: str) -> None:
    """Change what a place holds, as a stranger could."""
    index = json.loads((place / "index.json").read_text())
    (part,) = index["parts"]
    sizes = index["sizes"][part]
    if change == "a file is larger":
        name = f"runs/{RUN}/run.json"
        sizes["files"][name] -= 1
    elif change == "the part is larger":
        sizes["tar"] -= 1
    elif change == "it leaves its folder":
        index["parts"][part].append("../../evil")
    elif change == "no room":
        sizes["tar"] = 10**18
    elif change == "a link":
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo(f"runs/{RUN}/run.json")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
        content = buffer.getvalue()
        (place / "parts" / f"{digest(content)}.tar").write_bytes(content)
        index["parts"] = {digest(content): [f"runs/{RUN}/run.json"]}
        index["sizes"] = {digest(content): {"tar": len(content), "files": {}}}
    elif change == "later":
        index["format"] = 99
    (place / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("a file is larger", "holds 'runs/.*/run.json', not as the index lists it"),
        ("the part is larger", "is larger than the .* bytes that are announced"),
        ("it leaves its folder", r"lists '\.\./\.\./evil', which is no file of a store"),
        ("no room", "takes .* bytes while it is fetched, and .* has .* free"),
        ("a link", "holds 'runs/.*/run.json', not as the index lists it"),
        ("later", "is of format 99"),
    ],
)
def test_nothing_is_fetched_beyond_what_the_index_says(
    change: str, error: str, source: Store, target: Store, tmp_path: Path
) -> None:
    for name in ("failed", "studies"):
        shutil.rmtree(source.folder / name)
    push(source, str(tmp_path / "place"))
    remade(tmp_path / "place", change)
    with pytest.raises(DistaffError, match=error):
        pull(str(tmp_path / "place"), target)
    assert [path for path in target.folder.rglob("*") if path.is_file()] == []


def test_an_index_without_sizes_is_of_an_earlier_version_and_is_read(
    source: Store, target: Store, tmp_path: Path
) -> None:
    push(source, str(tmp_path / "place"))
    path = tmp_path / "place" / "index.json"
    index = json.loads(path.read_text())
    del index["sizes"]
    path.write_text(json.dumps(index))
    assert pull(str(tmp_path / "place"), target).runs == 1
    assert list(check(target)) == []
    for wrong in (b"[]", b"{", b'{"format": 2}', b'{"format": 2, "parts": {"x": [1]}}'):
        path.write_bytes(wrong)
        with pytest.raises(DistaffError, match="index"):
            pull(str(tmp_path / "place"), target)


def test_weights_that_another_study_needs_are_kept_and_that_is_said(source: Store) -> None:
    study = read_study(source.folder / "studies" / "small.json")
    study = replace(study, runs=tuple(run for run in study.runs if run.id == RUN), sampling="2019")
    save_study(source.folder, replace(study, name="more", metrics=(*study.metrics, "sap")))
    done = prune(source, study, [RUN])
    assert done == (0, {"more": [RUN]})
    assert (source.run_folder(RUN) / "model.safetensors").exists()
    with pytest.raises(DistaffError, match="1 of these runs are not scored yet"):
        prune(source, replace(study, metrics=("sap",)), [RUN])
    (source.folder / "studies" / "more.json").unlink()
    assert prune(source, study, [RUN]).bytes > 0
    assert read_json(source.run_folder(RUN) / "run.json")["id"] == RUN

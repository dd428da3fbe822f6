"""What was trained is not trained again: after a failure at the end, on a full disk, from a torn checkpoint."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from distaff.errors import DistaffError
from distaff.store.check import check
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.checkpoints import checkpoints
from distaff.study.faults.failures import failures, retry
from distaff.study.plan import plan
from distaff.study.prune import remove_leftovers
from distaff.study.train_pack import Limits, train
from distaff.study.work import work
from real_studies import leftovers, results, study_file, undisturbed
from test_study_blame import count_updates
from test_study_memory import After


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_failure_after_the_last_update_keeps_the_training_and_a_retry_computes_no_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, store = study_file(tmp_path, ("beta_vae", "dip_vae_i"), 1, 20), Store(tmp_path / "store")
    study = load_study(file)

    def fails() -> dict[str, Any]:
        raise RuntimeError("nobody knows who made it")

    with monkeypatch.context() as patch:
        patch.setattr("distaff.store.store.provenance", fails)
        work(store, study)
    found = failures(study, store)
    assert [one.kind for one in found] == ["error", "error"]
    assert "trained, but not stored: RuntimeError: nobody knows who made it" in found[0].reason
    remove_leftovers(store, [study])
    assert all((store.folder / str(one.checkpoint)).is_file() for one in found), (
        "only a command that says so deletes it"
    )
    assert retry(study, store) == 2
    with monkeypatch.context() as patch:
        steps = count_updates(patch)
        work(store, study)
    assert steps == []
    assert plan(study, store).complete
    assert leftovers(store.folder) == []
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")


def test_a_retry_from_scratch_deletes_the_checkpoints_of_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, store = study_file(tmp_path, ("beta_vae",), 1, 20), Store(tmp_path / "store")
    study = load_study(file)
    with monkeypatch.context() as patch:
        patch.setattr("distaff.store.store.curve_end_means", lambda _: {}["nothing"])
        work(store, study)
    (job,) = [plan(study, Store(tmp_path / "other")).packs[0]]
    assert len(checkpoints(store, job.name)) == 1
    assert retry(study, store, from_scratch=True) == 1
    assert checkpoints(store, job.name) == []


def test_a_source_tree_without_metadata_has_the_version_of_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    import distaff
    from distaff.store.provenance import provenance

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("distaff.store.provenance.version", missing)
    assert provenance()["distaff"] == distaff.__version__


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_of_results_that_cannot_be_written_to_is_found_before_the_first_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    file, store = study_file(tmp_path, ("beta_vae",), 1, 20), Store(tmp_path / "store")
    real = os.open

    def refusing(path: Any, *arguments: Any, **options: Any) -> int:
        if "/runs" in str(path):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *arguments, **options)

    steps = count_updates(monkeypatch)
    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(DistaffError, match="no run is to blame, nothing is lost"):
        work(store, load_study(file))
    assert steps == []


def test_a_disk_without_room_for_the_results_is_found_before_the_first_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    file, store = study_file(tmp_path, ("beta_vae",), 1, 20), Store(tmp_path / "store")
    steps = count_updates(monkeypatch)
    real = shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real(path)._replace(free=1000))
    with pytest.raises(DistaffError, match=r"No space left on device: 1 models need .* MB, 0 free"):
        work(store, load_study(file))
    assert steps == []


def full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk of `folder` be full: what is written there is not taken."""
    real = os.fsync

    def fsync(handle: int) -> None:
        if str(folder) in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)


def test_on_a_full_disk_the_training_is_kept_where_there_is_room_and_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    file, store = study_file(tmp_path, ("beta_vae", "dip_vae_i"), 1, 40), Store(tmp_path / "store")
    study = load_study(file)
    (job,) = plan(study, store).packs
    with monkeypatch.context() as patch:
        full(store.folder / "packs", patch)
        with pytest.raises(DistaffError, match="the state of 2 models at update 40 is kept in"):
            work(store, study)
    (kept,) = temporary.glob("*/*.safetensors")
    assert [one.path for one in checkpoints(store, job.name)] == [kept]
    assert not (store.folder / "failed").exists() or os.listdir(store.folder / "failed") == []
    with monkeypatch.context() as patch:
        steps = count_updates(patch)
        work(store, study)
    assert steps == []
    assert list(temporary.glob("*/*")) == []
    assert leftovers(store.folder) == []
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")


def test_where_no_place_has_room_the_message_says_what_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, store = study_file(tmp_path, ("beta_vae",), 1, 40), Store(tmp_path / "store")
    study = load_study(file)
    (job,) = plan(study, store).packs
    with pytest.raises(KeyboardInterrupt):
        train(store, job, After(20))
    with monkeypatch.context() as patch:
        full(tmp_path, patch)
        with pytest.raises(DistaffError, match="updates 21 to 40 of 1 models are lost") as raised:
            train(store, job, After(1_000), Limits())
    assert "\n" not in str(raised.value)
    work(store, study)
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")


def test_the_folder_of_somebody_else_is_no_place_for_a_checkpoint(temporary: Path, tmp_path: Path) -> None:
    from distaff.study.faults.spare import spare_path, spares

    path = spare_path(tmp_path / "store", tmp_path / "store" / "packs" / "x.safetensors")
    assert path is not None
    path.write_bytes(b"")
    assert spares(tmp_path / "store", "x") == [path]
    assert spares(tmp_path / "another", "x") == []
    path.parent.chmod(0o777)
    assert spares(tmp_path / "store", "x") == []
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(tmp_path, target_is_directory=True)
    assert spare_path(tmp_path / "store", path) is None


def test_a_flipped_byte_in_the_tensors_of_a_checkpoint_is_noticed_and_an_older_one_taken(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae(beta=2)", "dip_vae_i"), 1, 40)
    study, store = load_study(file), Store(tmp_path / "store")
    (job,) = plan(study, store).packs
    with pytest.raises(KeyboardInterrupt):
        train(store, job, After(10))
    (older,) = checkpoints(store, job.name)
    content = older.path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        train(store, job, After(10))
    (newer,) = checkpoints(store, job.name)
    assert older.step < newer.step < 40
    torn = newer.path.with_name(f"{job.name}-torn.safetensors")
    flipped = bytearray(newer.path.read_bytes())
    flipped[8 + int.from_bytes(flipped[:8], "little") + 100] ^= 0x40
    torn.write_bytes(flipped)
    newer.path.write_bytes(content)
    work(store, study)
    assert (store.folder / "damaged" / torn.name).read_bytes() == flipped
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(store.folder) == []
    assert list(check(store)) == []


def test_a_record_of_failure_of_an_earlier_version_is_an_error_or_a_divergence(tmp_path: Path) -> None:
    from distaff.store.files import sealed

    study = load_study(study_file(tmp_path, ("beta_vae",), 2, 20))
    store = Store(tmp_path / "store")
    (store.folder / "failed").mkdir(parents=True)
    for run, reason in zip(study.runs, ("KeyError: x", "not finite at update 3"), strict=True):
        (store.folder / "failed" / f"{run.id}.json").write_bytes(sealed({"format": 2, "reason": reason}))
    assert [store.failure_kind(run.id) for run in study.runs] == ["error", "diverged"]
    assert json.loads((store.folder / "failed" / f"{study.runs[0].id}.json").read_text()).keys() >= {"reason"}

"""Everything that a store holds has a checksum: any change is found, and a cache that changed is made again."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from safetensors.numpy import save

from distaff.errors import DistaffError
from distaff.pictures.animate import save_gif
from distaff.pictures.sheet import save_png
from distaff.scoring.table import read
from distaff.seal import FORMAT, NewerFormatError, check_picture, sealed, sealed_picture, unsealed
from distaff.store.cache import cached_record, cached_table
from distaff.store.check import check, mend
from distaff.store.files import read_json
from distaff.store.formats import opened, readable
from distaff.store.merge import merge
from distaff.store.remote import pull, push
from distaff.store.store import Store
from distaff.study.prune import compact
from distaff.training import seal as training_seal

STORES = Path(__file__).parent / "stores"
RUN = "668d5fe22dfc4e00"  # of the store of format 2


@pytest.fixture
def store(tmp_path: Path) -> Store:
    shutil.copytree(STORES / "format_2", tmp_path / "store")
    return Store(tmp_path / "store")


def reformat(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()), indent=2))


def sort_keys(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))


def drop_checksum(path: Path) -> None:
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "sha256"}))


def add_spaces(path: Path) -> None:
    path.write_bytes(b"\n" + path.read_bytes())


@pytest.mark.parametrize("tool", [reformat, sort_keys, drop_checksum, add_spaces])
@pytest.mark.parametrize("file", ["run.json", "provenance.json", "scores-*.json", "failed", "studies"])
def test_a_record_that_another_program_wrote_again_is_damaged(
    file: str, tool: Callable[[Path], None], store: Store
) -> None:
    folder, pattern = (store.folder / file, "*") if file in ("failed", "studies") else (store.run_folder(RUN), file)
    (path,) = folder.glob(pattern)
    assert list(check(store)) == []
    tool(path)
    assert [damage.path for damage in check(store)] == [path]
    if (file, tool) != (
        "provenance.json",
        drop_checksum,
    ):  # it had no format: its run says that it must have a checksum
        with pytest.raises(DistaffError, match="is damaged or was edited"):
            read_json(path)


def test_a_record_of_format_1_needs_no_checksum_and_a_later_one_does() -> None:
    assert unsealed(b'{"format": 1, "x": 2}') == {"format": 1, "x": 2}
    assert unsealed(b'{"x": 2}') == {"x": 2}
    with pytest.raises(ValueError, match="it has no checksum"):
        unsealed(b'{"format": 2}')
    for wrong in (b"[1]", b'{"format": true}', b'{"format": "2"}', b'{"format": 0}', b"[" * 100_000, b"\xff"):
        with pytest.raises(ValueError, match=r"object|format|JSON"):
            unsealed(wrong)
    with pytest.raises(NewerFormatError, match="it is of format 3, and this version reads up to 2: update distaff"):
        unsealed(b'{"format": 3}')


def pictures(folder: Path) -> list[Path]:
    sheet = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    return [
        save_png(sheet, folder / "picture-images.png"),
        save_gif([sheet, sheet[::-1]], folder / "picture-latents.gif"),
    ]


def test_a_picture_carries_its_checksum_and_is_shown_as_ever(tmp_path: Path) -> None:
    for path in pictures(tmp_path):
        content = path.read_bytes()
        check_picture(content)
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            assert picture.size == (10, 12)
        for place in range(0, len(content), 7):
            flipped = bytearray(content)
            flipped[place] ^= 4
            with pytest.raises(ValueError, match=r"checksum|neither|end"):
                check_picture(bytes(flipped))
        for end in (1, 40, len(content) - 9):
            with pytest.raises(ValueError, match=r"end|neither"):
                check_picture(content[:-end])
    with pytest.raises(ValueError, match="neither a whole PNG nor a whole GIF"):
        sealed_picture(b"BM")


def test_a_picture_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, format="PNG")
    check_picture(buffer.getvalue())
    flipped = bytearray(buffer.getvalue())
    flipped[45] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        check_picture(bytes(flipped))


def fill(store: Store) -> dict[str, Path]:
    """A file of each kind that stands in stores beside what the fixture has."""
    places = [("untrained", "untrained-0123456789abcdef.json"), ("cache", "cache/udr-0123456789abcdef.json")]
    places.append(("pack", f"packs/{RUN}-0123456789abcdef.json"))
    paths = {}
    for name, place in places:
        paths[name] = store.folder / place
        paths[name].parent.mkdir(exist_ok=True)
        paths[name].write_bytes(sealed({"format": FORMAT, "scores": [{"value": 0.5}]}))
    paths["checkpoint"] = store.folder / "packs" / f"{RUN}.safetensors"
    tensors = {"params/a": np.arange(4096, dtype=np.float32)}
    paths["checkpoint"].write_bytes(
        b"".join(training_seal.sealed(save(tensors, {training_seal.KEY: training_seal.BLANK})))
    )
    paths["png"], paths["gif"] = pictures(store.run_folder(RUN))
    read(store.folder)
    (paths["table"],) = (store.folder / "cache").glob("every-*.parquet")
    return paths


@pytest.mark.parametrize("file", ["untrained", "cache", "pack", "checkpoint", "png", "gif", "table"])
def test_a_flipped_byte_of_any_file_is_found_and_set_aside_alone(file: str, store: Store) -> None:
    path = fill(store)[file]
    assert list(check(store)) == []
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert [damage.path for damage in check(store)] == [path]
    (moved,) = mend(store, list(check(store)))
    assert moved.read_bytes() == content
    assert list(check(store)) == []
    assert store.run(RUN).id == RUN


@pytest.mark.parametrize(
    "hurt", [lambda content: content[: len(content) // 2], lambda _: b"", lambda content: content[:-1] + b"x"]
)
def test_a_torn_or_flipped_table_of_the_cache_is_made_again(hurt: Callable[[bytes], bytes], store: Store) -> None:
    scores = read(store.folder)
    (path,) = (store.folder / "cache").glob("every-*.parquet")
    path.write_bytes(hurt(path.read_bytes()))
    assert read(store.folder).equals(scores)
    (again,) = (store.folder / "cache").glob("every-*.parquet")
    assert pl.read_parquet(again).height == scores.height


def test_a_record_of_the_cache_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    path, made = tmp_path / "cache" / "x.json", []

    def make() -> dict[str, object]:
        made.append(1)
        return {"format": FORMAT, "scores": [0.1, 1e-300]}

    assert cached_record(path, make)["scores"] == cached_record(path, make)["scores"] == [0.1, 1e-300]
    assert len(made) == 1
    for hurt in (b"", b"{", path.read_bytes().replace(b"0.1", b"0.2"), b'{"scores": []}'):
        path.write_bytes(hurt)
        assert cached_record(path, make)["scores"] == [0.1, 1e-300]
    assert len(made) == 5
    frame = pl.DataFrame({"x": [1.5]})
    assert cached_table(tmp_path, "t", "0" * 16, lambda: frame).equals(
        cached_table(tmp_path, "t", "0" * 16, pl.DataFrame)
    )


NEWER = {
    "run.json": lambda store: store.run_folder(RUN) / "run.json",
    "scores": lambda store: next(store.run_folder(RUN).glob("scores-*.json")),
    "study": lambda store: store.folder / "studies" / "small.json",
    "failure": lambda store: next((store.folder / "failed").iterdir()),
    "untrained": lambda store: store.folder / "untrained-x.json",
}


@pytest.mark.parametrize("how", ["sealed", "indented"])
@pytest.mark.parametrize("file", NEWER)
def test_a_store_of_a_later_format_is_refused_by_name_and_nothing_is_written(
    file: str, how: str, store: Store, tmp_path: Path
) -> None:
    from distaff.explore.index import index_store
    from distaff.reports.build import report
    from distaff.scoring.table import table_of
    from distaff.store.studies import read_study
    from distaff.study.run import run_study

    study = read_study(store.folder / "studies" / "small.json")
    path = NEWER[file](store)
    record = json.loads(path.read_text()) if path.exists() else {}
    record = {**{key: value for key, value in record.items() if key != "sha256"}, "format": 99}
    path.write_bytes(sealed(record) if how == "sealed" else json.dumps(record, indent=1).encode())
    before = {one: one.read_bytes() for one in store.folder.rglob("*") if one.is_file()}
    (tmp_path / "empty").mkdir()
    empty = Store(tmp_path / "empty")
    (empty.folder / "runs").mkdir()
    for reader in (
        lambda: opened(store.folder), lambda: readable(store), lambda: list(check(store)),
        lambda: table_of(store.folder), lambda: table_of(study, store), lambda: report(study, store),
        lambda: run_study(study, store), lambda: compact(store), lambda: index_store(store.folder),
        lambda: merge(store, empty), lambda: merge(empty, store), lambda: push(store, str(tmp_path / "place")),
        lambda: pull(str(tmp_path / "place"), store),
    ):  # fmt: skip
        with pytest.raises(NewerFormatError, match=rf"{path.name}.* is of format 99, .* up to 2: update distaff"):
            reader()
    assert {one: one.read_bytes() for one in store.folder.rglob("*") if one.is_file()} == before
    assert not (tmp_path / "place").exists()
    assert list((empty.folder / "runs").iterdir()) == []


def test_a_fault_of_the_disk_is_no_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from distaff.store import files

    def fail(path: Path, **_: object) -> bytes:
        raise OSError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(files, "read_bytes", fail)
    with pytest.raises(DistaffError, match=r"cannot be read now \(Permission denied\): nothing is known of it"):
        list(check(store))

"""The published sets, from small files in their own formats: every row at its factors, every fault one error."""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import official_files as files
from distaff.data import cars3d, load, shapes3d, smallnorb
from distaff.data._formats import mpi3d as _mpi3d
from distaff.data._formats.norb import open_matrix
from distaff.data.cache.built import FOLDER, built_folder, verify
from distaff.data.cache.published import open_cached
from distaff.errors import DistaffError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    open_cached.cache_clear()
    return tmp_path / "cache"


def built(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if not path.name.endswith(".lock")] if cache.exists() else []


@pytest.mark.parametrize("kind", sorted(files.NORB_MAGICS))
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 1, 3, 4)])
def test_a_matrix_of_norb_is_read_whatever_its_type_and_dimensions(tmp_path, kind, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    for path, data in ((tmp_path / "a.mat", files.norb_bytes(array)), (tmp_path / "a.mat.gz", None)):
        path.write_bytes(gzip.compress(files.norb_bytes(array)) if data is None else data)
        stack = open_matrix(path)
        assert stack.shape == shape
        np.testing.assert_array_equal(stack.whole(), array)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (files.norb_bytes(np.zeros((2, 3), "i4"))[:-1], "it ends in row 1 of 2"),
        (files.norb_bytes(np.zeros((2, 3), "i4"))[:6], "ends in its header"),
        (files.norb_bytes(np.zeros((2, 3), "i4"), magic=0x1E3D4C52), "packed matrix"),
        (struct.pack(">I", 0x1E3D4C55) + b"\0" * 40, "not a binary matrix of NORB: it begins with 0x554c3d1e"),
        (b"<html>not here</html>" * 9, "not a binary matrix"),
        (gzip.compress(files.norb_bytes(np.zeros((200, 300), "i4")))[:-20], "damaged"),
    ],
)
def test_a_matrix_that_is_none_is_one_clear_error(tmp_path, data, complaint):
    (tmp_path / "a.mat").write_bytes(data)
    with pytest.raises(DistaffError, match=complaint):
        open_matrix(tmp_path / "a.mat").whole()


def test_smallnorb_is_sorted_into_its_grid_from_both_halves(tmp_path, monkeypatch, cache):
    monkeypatch.setattr(smallnorb, "SIZES", (1, 2, 2, 2, 1))
    smallnorb.convert(files.norb(tmp_path / "norb"))
    dataset = load("smallnorb")
    assert dataset.factors.hidden == ("instance",)
    assert dataset.factors.names == ("category", "elevation", "azimuth", "lighting")
    assert dataset.shape == (64, 64, 1)
    assert dataset.images(np.arange(8))[:, 9, 9, 0].tolist() == [10 * row for row in range(8)]
    rows = dataset.factors.rows(np.array([[0, 1, 1, 0]] * 2), np.array([[0.2], [0.7]]))
    assert rows.tolist() == [3, 7]
    verify(built_folder("smallnorb"))


def test_lanczos_is_clipped_to_bytes_where_an_edge_overshoots():
    edge = np.zeros((96, 96), np.uint8)
    edge[:, 48:] = 255
    small = smallnorb._reduced(edge)[:, :, 0]
    assert (small[:, :29] == 0).all()
    assert (small[:, 36:] == 255).all()
    wide = np.asarray(Image.fromarray(edge.astype(np.int32)).resize((64, 64), Image.Resampling.LANCZOS))
    assert wide.min() < 0  # as the old library had it
    assert wide.max() > 255
    np.testing.assert_allclose(small, wide.clip(0, 255), atol=1)


def damaged_norb(name: str, array: np.ndarray):
    def damage(folder: Path) -> None:
        path = next(folder.glob(f"*training-{name}*"))
        path.write_bytes(gzip.compress(files.norb_bytes(array)))

    return damage


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (damaged_norb("cat", np.full(4, 1, "i4")), "training: category=1 is outside its grid of 0 to 0"),
        (damaged_norb("info", np.full((4, 4), [0, 0, 1, 0], "i4")), "azimuth=-1 is outside"),
        (damaged_norb("info", np.zeros((4, 4), "i4")), "holds a row twice"),
        (damaged_norb("info", np.zeros((3, 4), "i4")), r"are \[n 2 96 96\] of bytes, \[n\] and \[n 4\], not"),
        (damaged_norb("dat", np.zeros((4, 2, 64, 64), "u1")), r"are \[n 2 96 96\] of bytes"),
    ],
)
def test_norb_files_that_do_not_fit_leave_nothing(tmp_path, monkeypatch, cache, damage, complaint):
    monkeypatch.setattr(smallnorb, "SIZES", (1, 2, 2, 2, 1))
    written = files.norb(tmp_path / "norb")
    damage(tmp_path / "norb")
    with pytest.raises(DistaffError, match=complaint):
        smallnorb.convert(written)
    assert built(cache) == []


CARS = ["car_010_mesh", "car_002_mesh", "car_001_mesh"]


def test_cars_are_numbered_by_the_list_whatever_the_order_of_the_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(cars3d, "SIZES", (2, 3, 3))
    cars3d.convert({cars3d.ARCHIVE: files.cars(tmp_path / "a.tar.gz", CARS)})
    dataset = load("cars3d")
    images = dataset.images(np.arange(18))[:, 5, 5]
    np.testing.assert_array_equal(images, dataset.factors.values(np.arange(18)) * [100, 50, 20])
    assert dataset.shape == (64, 64, 3)


def test_a_truncated_archive_is_one_error_and_leaves_nothing(tmp_path, monkeypatch, cache):
    monkeypatch.setattr(cars3d, "SIZES", (2, 3, 3))
    path = files.cars(tmp_path / "a.tar.gz", CARS)
    whole = path.read_bytes()
    for length in (len(whole) // 2, len(whole) - 30, 10):
        path.write_bytes(whole[:length])
        with pytest.raises(DistaffError, match=r"damaged|cut short"):
            cars3d.convert({cars3d.ARCHIVE: path})
        assert built(cache) == []


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "data/cars/../../../escaped"])
def test_a_member_that_escapes_the_folder_is_refused(tmp_path, monkeypatch, cache, name):
    monkeypatch.setattr(cars3d, "SIZES", (2, 3, 3))
    path = files.cars(tmp_path / "a.tar.gz", CARS, **{name: b"!"})
    with pytest.raises(DistaffError, match="points out of it"):
        cars3d.convert({cars3d.ARCHIVE: path})
    assert built(cache) == []
    assert not (tmp_path.parent / "escaped").exists()


@pytest.mark.parametrize(
    ("names", "azimuths", "complaint"),
    [
        (CARS[:2], 3, "names 2 cars where 3 belong"),
        (CARS, 4, r"holds uint8 \(128, 128, 3, 4, 2\) as `im` where uint8 \(128, 128, 3, 3, 2\) belongs"),
    ],
)
def test_another_archive_of_cars_is_refused(tmp_path, monkeypatch, cache, names, azimuths, complaint):
    monkeypatch.setattr(cars3d, "SIZES", (2, 3, 3))
    with pytest.raises(DistaffError, match=complaint):
        cars3d.convert({cars3d.ARCHIVE: files.cars(tmp_path / "a.tar.gz", names, azimuths)})
    assert built(cache) == []


@pytest.mark.parametrize("seed", [None, 3])
def test_shapes3d_is_in_the_order_of_its_labels(tmp_path, monkeypatch, seed):
    sizes = (2, 3, 2, 2, 4, 2)
    monkeypatch.setattr(shapes3d, "SIZES", sizes)
    shapes3d.convert({shapes3d.FILE.name: files.shapes3d(tmp_path / "a.h5", sizes, seed)})
    dataset = load("shapes3d")
    assert dataset.images(np.arange(192))[:, 7, 7, 2].tolist() == list(range(192))
    assert dataset.factors.sizes == sizes


def test_labels_outside_the_grid_of_shapes3d_and_wrong_shapes_are_refused(tmp_path, monkeypatch, cache):
    sizes = (2, 3, 2, 2, 4, 2)
    monkeypatch.setattr(shapes3d, "SIZES", sizes)
    path = files.shapes3d(tmp_path / "a.h5", sizes)
    with h5py.File(path, "a") as file:
        file["labels"][5, 3] = 0.8
    with pytest.raises(DistaffError, match="scale takes 3 values where 2 belong"):
        shapes3d.convert({shapes3d.FILE.name: path})
    files.shapes3d(path, (1, 3, 2, 2, 4, 2))
    with pytest.raises(DistaffError, match=r"holds images uint8 \(96, 64, 64, 3\)"):
        shapes3d.convert({shapes3d.FILE.name: path})
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(DistaffError, match="holds images, where labels is required"):
        shapes3d.convert({shapes3d.FILE.name: path})
    path.write_bytes(b"<html>")
    with pytest.raises(DistaffError, match=r"a.h5 is damaged"):
        shapes3d.convert({shapes3d.FILE.name: path})
    assert built(cache) == []


TINY, SMALLER = (2, 2, 1, 1, 1, 3, 2), (1, 2, 1, 1, 1, 3, 2)


@pytest.mark.parametrize("sizes", [TINY, SMALLER])
def test_the_factors_of_mpi3d_are_known_by_the_number_of_images(tmp_path, monkeypatch, sizes):
    n = int(np.prod(sizes))
    monkeypatch.setattr(_mpi3d, "OBJECTS", {TINY: {"object_shape": "new"}, SMALLER: {"object_shape": "old"}})
    _mpi3d.convert("mpi3d_toy", files.mpi3d(tmp_path / "a.npz", n), (TINY, SMALLER))
    dataset = _mpi3d.mpi3d("mpi3d_toy", (TINY, SMALLER))
    assert dataset.factors.sizes == sizes
    assert dataset.factors.units["object_shape"] == ("new" if sizes == TINY else "old")
    assert dataset.images(np.arange(n))[:, 3, 3, 1].tolist() == list(range(n))


def test_mpi3d_of_another_number_or_shape_is_refused(tmp_path, cache):
    with pytest.raises(DistaffError, match=r"holds 7 images, expected 24 .* or 12"):
        _mpi3d.convert("mpi3d_toy", files.mpi3d(tmp_path / "a.npz", 7), (TINY, SMALLER))
    np.savez(tmp_path / "b.npz", images=np.zeros((24, 32, 32, 3), np.uint8))
    with pytest.raises(DistaffError, match=r"holds uint8 \(24, 32, 32, 3\) where uint8 \(24, 64, 64, 3\)"):
        _mpi3d.convert("mpi3d_toy", tmp_path / "b.npz", (TINY, SMALLER))
    whole = files.mpi3d(tmp_path / "a.npz", 24).read_bytes()
    at = whole.index(b"\x93NUMPY") if b"\x93NUMPY" in whole else 60
    (tmp_path / "a.npz").write_bytes(whole[: at + 20] + bytes(40) + whole[at + 60 :])
    with pytest.raises(DistaffError, match=r"a.npz is damaged"):
        _mpi3d.convert("mpi3d_toy", tmp_path / "a.npz", (TINY, SMALLER))
    assert built(cache) == []


@pytest.mark.parametrize(
    ("name", "n"),
    [("mpi3d_toy", 1_036_800), ("mpi3d_realistic", 1_036_800), ("mpi3d_real", 1_036_800), ("mpi3d_complex", 460_800)],
)
def test_the_grids_of_mpi3d_are_those_published(name, n):
    assert len(load(name)) == n
    assert set(load(name).factors.units) == set(load(name).factors.names)


@pytest.mark.parametrize("name", ["smallnorb", "cars3d", "shapes3d", "mpi3d_real"])
def test_a_set_that_is_not_here_says_how_to_get_it(name):
    dataset = load(name)
    with pytest.raises(DistaffError, match=rf"distaff data fetch {name}.*--from PATH"):
        dataset.images(np.array([0]))


def test_a_row_outside_a_converted_set_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(cars3d, "SIZES", (2, 3, 3))
    cars3d.convert({cars3d.ARCHIVE: files.cars(tmp_path / "a.tar.gz", CARS)})
    for row in (-1, 18):
        with pytest.raises(IndexError, match="rows are from 0 to 17"):
            load("cars3d").images(np.array([row]))


def test_a_set_that_moves_with_the_cache_is_found_again(tmp_path, monkeypatch):
    monkeypatch.setattr(cars3d, "SIZES", (2, 3, 3))
    cars3d.convert({cars3d.ARCHIVE: files.cars(tmp_path / "a.tar.gz", CARS)})
    before = load("cars3d").images(np.arange(18))
    shutil.move(tmp_path / "cache", tmp_path / "elsewhere")
    monkeypatch.setenv(FOLDER, str(tmp_path / "elsewhere"))
    np.testing.assert_array_equal(load("cars3d").images(np.arange(18)), before)

"""The published sets, from small files in their own formats: every row where its factors say, every fault one error."""

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
from distaff.data import Factors, _mpi3d, cars3d, dsprites, load, shapes3d, smallnorb
from distaff.data._fetch import fetch
from distaff.data._files import FOLDER, built_folder, open_or_build, verify
from distaff.data._norb import open_matrix
from distaff.data._pickled import said
from distaff.data._published import opened
from distaff.data._sprite_files import KEPT, convert, differing
from distaff.errors import DistaffError
from distaff.registry import DATASETS


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    opened.cache_clear()
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
        (struct.pack(">I", 0x1E3D4C55) + b"\0" * 40, "no binary matrix of NORB: it begins with 0x554c3d1e"),
        (b"<html>not here</html>" * 9, "no binary matrix"),
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
    assert dataset.images(np.arange(8))[:, 9, 9, 0].tolist() == [10 * cell for cell in range(8)]
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
    with pytest.raises(DistaffError, match="holds images, where labels is wanted"):
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
    with pytest.raises(DistaffError, match=r"holds 7 images, and the factors are known of 24 .* or 12"):
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


SPRITES = Factors(dsprites.NAMES, (2, 1, 2, 3, 2))


def drawings() -> np.ndarray:
    return (np.random.default_rng(1).random((24, 64, 64)) < 0.1).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["npz", "hdf5"])
@pytest.mark.parametrize("seed", [None, 5])
def test_the_official_sprites_are_read_from_either_file(tmp_path, suffix, seed):
    path = files.sprites(tmp_path / f"a.{suffix}", SPRITES.all_sizes, drawings(), seed)
    convert(path, SPRITES)
    words = open_or_build(KEPT, (24, 64), "<u8", ())
    np.testing.assert_array_equal(dsprites.unpacked(words)[..., 0], drawings() * 255)


@pytest.mark.slow
def test_the_whole_official_file_is_fetched_and_its_difference_from_the_drawn_set_said(tmp_path):
    """A file as large as the published one, with five pixels of two images changed."""
    drawn = load("dsprites")
    with h5py.File(tmp_path / "whole.hdf5", "w") as file:
        images = file.create_dataset("imgs", (737_280, 64, 64), "u1", chunks=(512, 64, 64), compression=1)
        for start in range(0, 737_280, 2**14):
            rows = np.arange(start, min(start + 2**14, 737_280))
            block = drawn.images(rows)[..., 0] // 255
            if start == 0:
                block[[7, 7, 7, 7, 9], [0, 1, 2, 63, 5], [0, 1, 2, 63, 63]] ^= 1
            images[rows[0] : rows[-1] + 1] = block
        file["latents/classes"] = np.column_stack([np.zeros(737_280, int), drawn.factors.values(np.arange(737_280))])
    told: list[str] = []
    fetch("dsprites", str(tmp_path / "whole.hdf5"), tell=told.append)
    assert told[-1] == "5 pixels differ from the sprites that are drawn here, in 2 of 737,280 images"
    official = load("dsprites(official=True)")
    assert official.images(np.array([9]))[0, 5, 63, 0] != drawn.images(np.array([9]))[0, 5, 63, 0]
    rows = np.arange(700_000, 700_064)
    np.testing.assert_array_equal(official.batch(rows).numpy(), drawn.batch(rows).numpy())
    shutil.rmtree(tmp_path)  # a gigabyte


def test_pixels_that_differ_are_counted(tmp_path):
    words = np.random.default_rng(0).integers(0, 2**63, (40_000, 64), dtype=np.uint64)
    other = words.copy()
    other[39_999, 5] ^= np.uint64(0b1011)
    other[3, 60] ^= np.uint64(1 << 63)
    assert differing(words, other) == (4, 2)
    assert differing(words, words) == (0, 0)


def test_the_metadata_of_python_2_is_read_and_never_run(tmp_path):
    path = files.sprites(tmp_path / "a.npz", (3, 1, 2, 3, 2), drawings())
    with pytest.raises(DistaffError, match=r"metadata tell of .* of \[1, 3, 1, 2, 3, 2\] values, not"):
        convert(path, SPRITES)
    harmless = said(b"cos\nsystem\n(U\x0btouch " + str(tmp_path / "x")[-5:].encode() + b"tR.")
    assert (harmless.name, len(harmless.arguments)) == ("os system", 1)
    for broken in (b"", b"}(U\x01a", b"\x80\x02}U\x01au.", b"(U\x01at"):
        with pytest.raises(DistaffError, match="cannot be made out"):
            said(broken)


def test_sprites_that_are_not_bits_or_of_another_colour_are_refused(tmp_path, cache):
    path = files.sprites(tmp_path / "a.hdf5", SPRITES.all_sizes, drawings() * 255)
    with pytest.raises(DistaffError, match="holds 255, not 0 or 1"):
        convert(path, SPRITES)
    files.sprites(path, SPRITES.all_sizes, drawings())
    with h5py.File(path, "a") as file:
        file["latents/classes"][7, 0] = 1
    with pytest.raises(DistaffError, match="color is 1 where only 0 is known"):
        convert(path, SPRITES)
    assert built(cache) == []


@pytest.mark.parametrize("name", ["smallnorb", "cars3d", "shapes3d", "mpi3d_real"])
def test_a_set_that_is_not_here_says_how_to_get_it(name):
    dataset = load(name)
    with pytest.raises(DistaffError, match=rf"distaff data fetch {name}.*--from PATH"):
        dataset.images(np.array([0]))


@pytest.mark.parametrize(
    "name", [f"{kind}dsprites" for kind in ("", "color_", "noisy_", "scream_")] + ["dsprites_noshape"]
)
def test_official_sprites_are_another_run_and_say_how_to_get_them(name):
    assert DATASETS.parse(f"{name}(official=False)").identity == DATASETS.parse(name).identity
    assert "official" not in DATASETS.parse(name).identity
    dataset = load(f"{name}(official=True)")
    assert (dataset.name, dataset.nuisance) == (name, load(name).nuisance)
    with pytest.raises(DistaffError, match="distaff data fetch dsprites"):
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

"""Images and factors of one's own: any file, any order, complete grid or not."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from distaff.data import Factors, load
from distaff.data._formats.values import REPEAT, grid
from distaff.data.cache.built import FOLDER
from distaff.errors import DistaffError

SIZES = (2, 3, 4)
N = 24


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))


def shuffled(seed=0):
    """Every row of the grid in a random order: factors [n 3] and images whose pixels hold the grid row."""
    order = np.random.default_rng(seed).permutation(N)
    factors = np.stack(np.unravel_index(order, SIZES), axis=1)
    return factors, np.repeat(order.astype(np.uint8) * 10, 8 * 8 * 3).reshape(N, 8, 8, 3)


def written(folder: Path, kind: str, factors, images) -> str:
    """The text of a data set of these arrays, in files of this kind."""
    if kind == "npz":
        np.savez(folder / "a.npz", images=images, factors=factors)
        return f"arrays(images='{folder}/a.npz')"
    if kind == "npz, compressed, apart":
        np.savez_compressed(folder / "a.npz", imgs=images)
        np.save(folder / "f.npy", factors)
        return f"arrays(images='{folder}/a.npz', factors='{folder}/f.npy')"
    if kind == "npy and csv":
        np.save(folder / "a.npy", images)
        table(folder, factors)
        return f"arrays(images='{folder}/a.npy', factors='{folder}/f.csv')"
    if kind == "hdf5":
        with h5py.File(folder / "a.h5", "w") as file:
            file.create_dataset("deep/pictures", data=images, chunks=(5, 4, 8, 1), compression="gzip")
            file["labels"] = factors
        return f"arrays(images='{folder}/a.h5:deep/pictures', factors='{folder}/a.h5')"
    (folder / "pictures").mkdir()
    for line, image in enumerate(images):
        Image.fromarray(image).save(folder / "pictures" / f"{line}.png")
    table(folder, factors, [f"{line}.png" for line in range(len(images))])
    return f"arrays(images='{folder}/pictures', factors='{folder}/f.csv')"


def table(folder, factors, names=None):
    header = (["file"] if names else []) + ["shape", "size", "place"]
    lines = [",".join(map(str, ([names[i]] if names else []) + list(row))) for i, row in enumerate(factors.tolist())]
    (folder / "f.csv").write_text("\n".join([",".join(header), *lines]) + "\n")


@pytest.mark.parametrize("kind", ["npz", "npz, compressed, apart", "npy and csv", "hdf5", "folder"])
def test_rows_are_cells_of_the_grid_whatever_the_file_and_its_order(tmp_path, kind):
    dataset = load(written(tmp_path, kind, *shuffled()))
    assert dataset.factors.sizes == SIZES
    assert dataset.factors.complete
    assert dataset.shape == (8, 8, 3)
    assert dataset.images(np.arange(N))[:, 0, 0, 0].tolist() == [10 * row for row in range(N)]
    assert dataset.batch(np.array([7])).shape == (1, 3, 8, 8)


def test_values_are_levels_in_ascending_order_and_units_tell_them(tmp_path):
    lines = ["thing,length", "cube,0.5", "ball,0.5", "cube,0.25", "ball,0.25"]
    (tmp_path / "f.csv").write_text("\n".join(lines))
    np.save(tmp_path / "a.npy", np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((4, 2, 2), np.uint8))
    dataset = load(f"arrays(images='{tmp_path}/a.npy', factors='{tmp_path}/f.csv')")
    assert dataset.factors.units == {"thing": "ball, cube", "length": "0.25, 0.5"}
    assert dataset.images(dataset.factors.rows(np.array([[1, 0]])))[0, 0, 0, 0] == 2


def tables(folder: Path, text: str, suffix: str = "csv") -> str:
    """A set of black images with this table, one image a line."""
    (folder / f"t.{suffix}").write_text(text, encoding="utf-8")
    np.save(folder / "b.npy", np.zeros((len(text.splitlines()) - 1, 2, 2), np.uint8))
    return f"arrays(images='{folder}/b.npy', factors='{folder}/t.{suffix}')"


def test_numbers_stay_in_the_order_of_numbers_whatever_stands_around_them(tmp_path):
    lines = [f"disc , {size}" for size in range(1, 13)]
    units = load(tables(tmp_path, "\ufeffshape , größe\n" + "\n".join(lines) + "\n", "CSV")).factors.units
    assert units == {"shape": "disc", "größe": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"}


def test_numbers_that_differ_by_rounding_are_one_level(tmp_path):
    assert load(tables(tmp_path, f"a,b\n{0.1 + 0.2},0\n0.3,1\n0.1,0\n-0.3,0\n0.1,1\n")).factors.sizes == (3, 2)


@pytest.mark.parametrize(("apart", "levels"), [(1e-2, 2), (1e-5, 2), (1e-8, 2), (1e-10, 1), (1e-13, 1)])
@pytest.mark.parametrize("size", [1e-6, 1.0, 3e8])
def test_numbers_are_one_level_only_if_a_billionth_is_all_that_tells_them_apart(tmp_path, apart, levels, size):
    text = f"a\n{size!r}\n{size * (1 + apart)!r}\n{-size!r}\n"
    assert load(tables(tmp_path, text)).factors.all_sizes[0] == levels + 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a\n1\n2\nNA\n", "a is 'NA' in row 2, where other rows have numbers"),
        ("a,a\n1,2\n", "a header of different names"),
        ("a,b\n1\n", "row 0 has 1 fields, the header 2"),
        ("a,repeat\n1,1\n1,1\n", "2 images have the same values.* rename your column"),
        ("a\n", "and a line an image"),
        ("a\ninf\n", "a is inf in row 0"),
    ],
)
def test_a_table_that_would_be_misread_is_refused(tmp_path, text, complaint):
    with pytest.raises(DistaffError, match=complaint):
        load(tables(tmp_path, text))


def test_a_table_in_another_encoding_is_refused(tmp_path):
    text = tables(tmp_path, "a\n1\n")
    (tmp_path / "t.csv").write_bytes("größe\n1\n".encode("latin-1"))
    with pytest.raises(DistaffError, match="cannot be read as CSV in UTF-8"):
        load(text)


def test_of_an_incomplete_grid_rows_are_the_cells_that_exist(tmp_path):
    factors, images = shuffled()
    present = images[:, 0, 0, 0] % 30 != 0  # grid rows 0, 3, 6, ... are missing
    dataset = load(written(tmp_path, "npy and csv", factors[present], images[present]))
    assert len(dataset) == len(dataset.factors) == 16
    assert not dataset.factors.complete
    rows = np.arange(16)
    np.testing.assert_array_equal(dataset.factors.rows(dataset.factors.values(rows)), rows)
    grid_rows = np.ravel_multi_index(tuple(dataset.factors.all_values(rows).T), SIZES)
    assert grid_rows.tolist() == [row for row in range(N) if row % 3]
    np.testing.assert_array_equal(dataset.images(rows)[:, 0, 0, 0], grid_rows * 10)
    with pytest.raises(DistaffError, match="no image of shape=0, size=0, place=3: 16 of 24 grid rows have one"):
        dataset.factors.rows(np.array([[0, 0, 1], [0, 0, 3]]))
    with pytest.raises(IndexError, match="from 0 to 15"):
        dataset.factors.values(np.array([16]))


def test_images_of_equal_values_are_distinguished_by_a_hidden_factor():
    factors, rows = grid({"a": np.array([1, 0, 1, 1]), "b": np.array([5, 5, 5, 5])})
    assert factors.all_names == ("a", "b", REPEAT)
    assert factors.hidden == (REPEAT,)
    assert factors.sizes == (2, 1)
    assert rows.tolist() == [1, 0, 2, 3]  # a=0 has one image, a=1 three
    drawn = factors.rows(np.array([[1, 0]] * 3), np.array([[0.0], [0.4], [0.99]]))
    assert drawn.tolist() == [1, 2, 3]
    assert factors.rows(np.array([[0, 0]]), np.array([[0.99]])).tolist() == [0]


@settings(deadline=None)
@given(st.sets(st.integers(0, 59), min_size=1), st.data())
def test_rows_and_all_values_are_a_bijection_of_any_incomplete_grid(grid_rows, data):
    grid_rows = np.array(sorted(grid_rows))
    factors = Factors(("a", "b", "c"), (3, 4, 5), grid_rows=grid_rows)
    rows = np.array(data.draw(st.lists(st.integers(0, len(grid_rows) - 1), min_size=1)))
    assert np.array_equal(factors.rows(factors.all_values(rows)), rows)
    hiding = Factors(("a", "b", "c"), (3, 4, 5), hidden=("b",), grid_rows=grid_rows)
    u = np.array([[data.draw(st.floats(0, 1, exclude_max=True))] for _ in rows])
    drawn = hiding.rows(hiding.values(rows), u)
    assert np.array_equal(hiding.values(drawn), hiding.values(rows))


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (np.array([0, 1, 1, 0], np.uint8), [0, 255, 255, 0]),
        (np.array([False, True, True, False]), [0, 255, 255, 0]),
        (np.array([0, 0.5, 1, 0.1], np.float32), [0, 128, 255, 26]),
        (np.array([-1e-7, 0.5, 1 + 1e-7, 0.1]), [0, 128, 255, 26]),
        (np.array([0, 1, 2, 200], np.int64), [0, 1, 2, 200]),
    ],
)
def test_booleans_bits_and_floats_become_bytes(tmp_path, images, expected):
    np.savez(tmp_path / "a.npz", images=images.reshape(4, 1, 1), factors=np.arange(4)[:, None])
    dataset = load(f"arrays(images='{tmp_path}/a.npz')")
    assert dataset.images(np.arange(4)).ravel().tolist() == expected
    assert dataset.images(np.arange(4)).dtype == np.uint8


def test_a_changed_file_is_converted_anew(tmp_path):
    factors, images = shuffled()
    text = written(tmp_path, "npz", factors, images)
    assert load(text).images(np.array([5]))[0, 0, 0, 0] == 50
    np.savez(tmp_path / "a.npz", images=255 - images, factors=factors, more=np.zeros(9))
    assert load(text).images(np.array([5]))[0, 0, 0, 0] == 205


def test_a_factor_may_be_hidden(tmp_path):
    text = written(tmp_path, "npy and csv", *shuffled()).replace(")", ", hidden=('size',))")
    assert load(text).factors.names == ("shape", "place")


@pytest.mark.parametrize(
    ("save", "complaint"),
    [
        ({"images": np.zeros((3, 4, 4), np.uint8), "factors": np.zeros((2, 1))}, "3 images, .* the factors of 2"),
        ({"images": np.full((2, 4, 4), 300), "factors": np.zeros((2, 1))}, "image 0 holds 300, outside 0 to 255"),
        ({"images": np.full((2, 4, 4), 1.5), "factors": np.zeros((2, 1))}, "image 0 holds 1.5, outside 0 to 1"),
        ({"images": np.full((2, 4, 4), np.nan), "factors": np.zeros((2, 1))}, "image 0 holds nan"),
        ({"images": np.zeros((2, 3, 4, 4), np.uint8), "factors": np.zeros((2, 1))}, "channels come last"),
        ({"images": np.zeros((2, 4, 64, 64), np.uint8), "factors": np.zeros((2, 1))}, "channels come last"),
        ({"images": np.array([[["a"]], [["b"]]]), "factors": np.zeros((2, 1))}, "images are bytes, booleans or floats"),
        ({"images": np.zeros((2, 4, 4), complex), "factors": np.zeros((2, 1))}, "images are bytes, booleans or floats"),
        ({"images": np.zeros((2, 4), np.uint8), "factors": np.zeros((2, 1))}, r"images are \[n h w\]"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "factors": np.zeros(2)}, r"factors are numbers \[n f\]"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "factors": np.array([[0], [np.nan]])}, "factor_0 is nan in row 1"),
        ({"images": np.zeros((2, 4, 4), np.uint8)}, "holds images, where factors or labels"),
        (
            {"images": np.array([[["a"]]], dtype=object), "factors": np.zeros((1, 1))},
            "Python objects, which are never unpickled",
        ),
    ],
)
def test_files_that_do_not_fit_are_one_clear_error(tmp_path, save, complaint):
    np.savez(tmp_path / "a.npz", **save)
    with pytest.raises(DistaffError, match=complaint):
        load(f"arrays(images='{tmp_path}/a.npz')").images(np.array([0]))
    assert not list((tmp_path / "cache").glob("*arrays*/*"))


def test_a_missing_or_damaged_file_is_one_clear_error(tmp_path):
    with pytest.raises(DistaffError, match=r"nowhere.npz does not exist"):
        load("arrays(images='nowhere.npz')")
    factors, images = shuffled()
    text = written(tmp_path, "npz", factors, images)
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DistaffError, match=r"a.npz is damaged, cut short or of another format"):
        load(text)
    with pytest.raises(DistaffError, match=r"arrays are read from .npy, .npz, .h5 and .hdf5"):
        load(f"arrays(images='{tmp_path}/a.txt')")


def test_a_folder_must_hold_the_pictures_that_its_table_names(tmp_path):
    factors, images = shuffled()
    text = written(tmp_path, "folder", factors, images)
    Image.fromarray(images[0][:4]).save(tmp_path / "pictures" / "3.png")
    with pytest.raises(DistaffError, match=r"3.png is \[h w c\] \(4, 8, 3\), the first picture \(8, 8, 3\)"):
        load(text).images(np.array([0]))
    (tmp_path / "pictures" / "3.png").unlink()
    with pytest.raises(DistaffError, match=r"f.csv, row 3: .*3.png does not exist"):
        load(text)
    with pytest.raises(DistaffError, match="name a CSV of its factors"):
        load(f"arrays(images='{tmp_path}/pictures')")
    (tmp_path / "f.csv").write_text("file\n0.png\n")
    with pytest.raises(DistaffError, match="at least one column"):
        load(text)
    (tmp_path / "f.csv").write_text("a\n1\n")
    with pytest.raises(DistaffError, match="has the columns a; 'file', the picture's name, is missing"):
        load(text)
    (tmp_path / "f.csv").write_text("file,a\n0.png,1\n1.png,\n")
    with pytest.raises(DistaffError, match="a is empty in row 1"):
        load(text)


def test_a_picture_that_lets_something_shine_through_is_refused(tmp_path):
    factors, images = shuffled()
    text = written(tmp_path, "folder", factors, images)
    seen = np.concatenate([images[3], np.full((8, 8, 1), 255, np.uint8)], axis=-1)
    Image.fromarray(seen).save(tmp_path / "pictures" / "3.png")  # RGBA, but opaque
    assert load(text).images(np.arange(N))[:, 0, 0, 0].tolist() == [10 * row for row in range(N)]
    seen[0, 0, 3] = 0
    Image.fromarray(seen).save(tmp_path / "pictures" / "3.png")
    with pytest.raises(DistaffError, match=r"3.png is transparent in places: save it on the background"):
        load(text).images(np.array([0]))


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("../outside.png", r"f.csv, row 3: '../outside.png' leads out of"),
        ("/etc/hostname", "f.csv, row 3: '/etc/hostname' leads out of"),
        ("link.png", "f.csv, row 3: 'link.png' is a link out of"),
        ("pipe.png", "pipe.png is a named pipe, where a regular file is needed"),
        ("eps.png", "eps.png cannot be read as a picture: by its content it is none of PNG"),
    ],
)
def test_names_in_a_table_reach_no_other_file_and_start_no_program(tmp_path, name, complaint):
    factors, images = shuffled()
    text = written(tmp_path, "folder", factors, images)
    Image.fromarray(images[0]).save(tmp_path / "outside.png")
    (tmp_path / "pictures" / "link.png").symlink_to(tmp_path / "outside.png")
    os.mkfifo(tmp_path / "pictures" / "pipe.png")
    (tmp_path / "pictures" / "eps.png").write_bytes(EPS)
    table(tmp_path, factors, [name if line == 3 else f"{line}.png" for line in range(len(images))])
    with pytest.raises(DistaffError, match=complaint):
        load(text).images(np.array([0]))


def test_a_table_of_more_columns_than_a_grid_has_axes_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4), np.uint8), factors=np.zeros((2, 61)))
    with pytest.raises(DistaffError, match="61 columns of factors; at most 60"):
        load(f"arrays(images='{tmp_path}/a.npz')")
    with pytest.raises(DistaffError, match="at most 60"):
        load(tables(tmp_path, f"{','.join(f'f{k}' for k in range(61))}\n{','.join('0' * 61)}\n"))


def test_rows_of_what_is_no_place_in_the_grid_are_refused():
    factors = Factors(("a", "b"), (3, 4), hidden=("b",))
    assert factors.rows(np.array([[2.0]]), np.array([[0.5]])).tolist() == [10]
    with pytest.raises(DistaffError, match=r"whole numbers, the places of a factor's levels, not 0.7"):
        factors.rows(np.array([[0.7]]), np.array([[0.5]]))
    for u in (np.array([[1.0]]), np.array([[-0.1]]), np.array([[0.5, 0.5]]), np.array([[np.nan]])):
        with pytest.raises(DistaffError, match=r"uniforms are \[1 1\], from 0 to less than 1"):
            factors.rows(np.array([[0]]), u)


def test_too_many_levels_to_number_are_refused():
    columns = {f"f{k}": np.arange(10_000) for k in range(5)}
    with pytest.raises(DistaffError, match="round some factors"):
        grid(columns)

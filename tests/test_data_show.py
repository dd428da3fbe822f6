"""`distaff data` lists, fetches and shows: what it prints and what it draws."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distaff.data import Dataset, Factors, load
from distaff.data.cache.built import FOLDER
from distaff.pictures.contact_sheet import GAP, LEAST, ROWS, sheet

RUN = """
import sys
from distaff.commands.data import app
from distaff.errors import DistaffError
try:
    app.cli(prog="distaff data")
except DistaffError as error:
    sys.exit(f"distaff: {error}")
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=False)


def test_the_list_says_what_each_set_is_and_whether_it_is_here() -> None:
    out = command("list").stdout
    for part in ("17,568 images", "216 MB", "fetch it", "elevation 4, azimuth 24, object 183", "none stated"):
        assert part in out
    assert "instance 10 (hidden)" in out
    assert "arrays(images=..., factors=..., hidden=...)" in out
    assert "drawn in memory" in out
    assert "dsprites(official=True): the published images; run `distaff data fetch dsprites`" in out


def test_a_damaged_set_is_said_to_be_and_the_others_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    (tmp_path / "mpi3d_complex-v1").mkdir()
    (tmp_path / "mpi3d_complex-v1" / "record.json").write_text("{}")
    listed = command("list")
    assert listed.returncode == 0, listed.stderr
    assert "mpi3d_complex-v1 is damaged: record.json lacks bytes, sha256 or shape" in listed.stdout
    assert "mpi3d_real" in listed.stdout


def test_show_writes_a_picture_and_names_it(tmp_path: Path) -> None:
    out = command("show", "toy_hidden", "--out", str(tmp_path / "deep" / "toy.png"))
    assert out.returncode == 0, out.stderr
    assert out.stdout.strip() == str(tmp_path / "deep" / "toy.png")
    with Image.open(tmp_path / "deep" / "toy.png") as picture:
        assert picture.height == GAP + (ROWS + 5) * (LEAST + GAP)
    for place in (tmp_path, Path("/proc/x.png"), tmp_path / "x.jpg"):
        wrong = command("show", "toy", "--out", str(place))
        assert "pictures are written as PNG" in wrong.stderr or "/proc/x.png cannot be written" in wrong.stderr
        assert len(wrong.stderr.strip().splitlines()) == 1
    wrong = command("show", "shapes3d")
    assert "distaff data fetch shapes3d" in wrong.stderr
    assert len(wrong.stderr.strip().splitlines()) == 1


def strip(picture: np.ndarray, i: int, columns: int) -> list[np.ndarray]:
    left = picture.shape[1] - 10 * (LEAST + GAP)
    top = GAP + i * (LEAST + GAP)
    return [picture[top : top + LEAST, left + j * (LEAST + GAP) :][:, :LEAST] for j in range(columns)]


def test_a_strip_moves_one_factor_and_leaves_the_rest() -> None:
    toy = load("toy")
    picture = sheet(toy)
    middle = np.array(toy.factors.sizes) // 2
    for k, size in enumerate(toy.factors.sizes):
        for value, image in enumerate(strip(picture, ROWS + k, size)):
            values = middle.copy()
            values[k] = value
            expected = toy.images(toy.factors.rows(values[None]))[0].repeat(4, 0).repeat(4, 1)
            np.testing.assert_array_equal(image, expected.repeat(3, -1))


def test_a_strip_keeps_the_nuisance_and_looks_show_it() -> None:
    picture = sheet(load("toy_color"))
    colours = [{tuple(c) for c in image[image.max(-1) == image.max()]} for image in strip(picture, ROWS + 2, 8)]
    assert len(set.union(*colours)) == 1
    looks = [tuple(image.reshape(-1, 3).max(0)) for image in strip(picture, ROWS + 4, 10)]
    assert len(set(looks)) == 10


def test_cells_without_an_image_stay_white() -> None:
    factors = Factors(("a", "b"), (3, 3), grid_rows=np.array([0, 2, 4, 5, 7]))
    black = Dataset("some", factors, (64, 64, 1), lambda rows: np.zeros((len(rows), 64, 64, 1), np.uint8))
    picture = sheet(black)  # the middle row is grid row 4, (1, 1)
    assert [int(image.max()) for image in strip(picture, ROWS, 3)] == [255, 0, 0]
    assert [int(image.max()) for image in strip(picture, ROWS + 1, 3)] == [255, 0, 0]

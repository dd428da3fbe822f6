"""The drawn room against real frames of 3D Shapes, and against itself."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from distaff.data import load
from distaff.data import shapes3d_lookalike as lookalike
from distaff.data._draw.room import CUBE, SHAPES, _cast, _object
from distaff.data.cache.built import FOLDER

FRAMES = Path(__file__).parent / "frames" / "shapes3d_25_frames.npz"


@pytest.fixture(scope="module", autouse=True)
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes3d")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(folder))
        load("shapes3d_lookalike").images(np.array([0]))
        yield
    lookalike._tables.cache_clear()
    shutil.rmtree(folder)  # 169 MiB


@pytest.fixture(scope="module")
def room(built):
    return load("shapes3d_lookalike")


def test_the_mean_error_against_25_real_frames_is_at_most_4_of_255(room):
    frames = np.load(FRAMES)
    rows = room.factors.rows(frames["classes_inferred"].astype(np.int64))
    error = np.abs(room.images(rows).astype(np.float64) - frames["images"]).mean(axis=(1, 2, 3))
    assert error.mean() <= 4.0
    assert error.max() <= 6.0


def test_mean_and_spread_are_those_published_of_the_whole_set(room):
    """The mean of the channels and the mean over images of their standard deviation, on 3,000 rows."""
    x = room.images(np.random.default_rng(0).integers(0, len(room), 3000)).reshape(3000, -1, 3) / 255
    np.testing.assert_allclose(x.mean((0, 1)), [0.502585, 0.578760, 0.603450], atol=0.01)
    np.testing.assert_allclose(x.std(1).mean(0), [0.294081, 0.344398, 0.366169], atol=0.01)


def test_a_hue_changes_only_what_it_names(room):
    base = np.array([[0, 3, 6, 4, 2, 7]])
    images = {k: room.images(room.factors.rows(base + np.eye(6, dtype=np.int64)[k])).astype(int) for k in range(3)}
    plain = room.images(room.factors.rows(base)).astype(int)
    changed = [np.abs(images[k] - plain).sum((0, 3)) > 30 for k in range(3)]
    assert all(part.sum() > 100 for part in changed)
    assert (np.sum(changed, axis=0) > 1).sum() < 200  # only where an edge runs through a pixel


def test_sums_of_the_three_pictures_do_not_wrap_round(room):
    tables = lookalike._tables(lookalike.cache_folder())
    assert int(tables.max(axis=2).astype(np.uint16).sum(axis=1).max()) <= 255


@pytest.mark.parametrize("shape", range(SHAPES))
def test_objects_stand_on_the_floor_and_their_normals_are_unit_vectors(shape):
    down = _object(shape, 1.0, (0.01, 0.02, 2.0), (0.0, 0.0, -1.0))
    assert down[0] < 2.0
    assert np.linalg.norm(down[1]) == pytest.approx(1.0)
    assert down[1][2] > 0.9
    assert _object(shape, 1.0, (1.0, 0.0, -0.001), (-1.0, 0.0, 0.0))[0] > 1e8


def test_a_larger_scale_covers_more_pixels():
    covered = [(_cast(CUBE, scale, 0.0)[0] == 3).sum() for scale in (0.75, 1.0, 1.25)]
    assert covered[0] < covered[1] < covered[2]


def test_a_row_outside_the_grid_is_an_error(room):
    for row in (-1, 480_000):
        with pytest.raises(IndexError, match="rows are from 0 to 479999"):
            room.images(np.array([row]))

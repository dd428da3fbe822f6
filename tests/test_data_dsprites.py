"""dSprites as drawn here, against what is known of the published set; one build serves all tests of this file."""

import hashlib
import shutil

import numpy as np
import pytest
import torch

from distaff.data import Dataset, load
from distaff.data._formats.bits import of_bits
from distaff.data.cache.built import FOLDER, built_folder, cache_folder, verify
from distaff.data.dsprites import packed, unpacked

AREAS = [  # mean white pixels for each scale of the published set
    [92.2, 132.7, 180.6, 236.0, 298.7, 368.7],  # square
    [72.3, 104.1, 141.8, 185.2, 234.3, 289.3],  # ellipse
    [56.1, 80.8, 110.0, 143.7, 181.8, 224.5],  # heart
]


@pytest.fixture(scope="module", autouse=True)
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dsprites")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(folder))
        load("dsprites").images(np.array([0]))
        yield folder
    packed.cache_clear()
    shutil.rmtree(folder)  # 360 MiB


@pytest.fixture(scope="module")
def words(built):
    return packed(cache_folder())


@pytest.fixture(scope="module")
def dsprites(built) -> Dataset:
    return load("dsprites")


def test_white_pixels_of_the_whole_set_are_as_computed_from_the_published_geometry(words):
    assert np.bitwise_count(words).sum(dtype=np.int64) == 128_328_864  # the published mean gives 128,328,862


def test_mean_areas_by_shape_and_scale_are_those_of_the_published_set(words):
    areas = np.bitwise_count(words).sum(1, dtype=np.int64).reshape(3, 6, -1).mean(-1)
    np.testing.assert_allclose(areas, AREAS, atol=0.05)


def test_the_last_orientation_equals_the_first(words):
    by_orientation = words.reshape(18, 40, 1024, 64)
    assert (by_orientation[:, 0] == by_orientation[:, 39]).all()


def test_sprites_span_rows_and_columns_2_to_61_and_no_further(words):
    used_rows = np.flatnonzero(np.bitwise_or.reduce(words, axis=0))
    used_columns = np.flatnonzero([int(np.bitwise_or.reduce(words, axis=None)) >> c & 1 for c in range(64)])
    assert (used_rows[0], used_rows[-1]) == (2, 61)
    assert (used_columns[0], used_columns[-1]) == (2, 61)


def test_there_are_715706_distinct_images(words):
    assert len({hashlib.blake2b(image, digest_size=16).digest() for image in words}) == 715_706


def test_images_are_black_and_white_bytes_one_channel(dsprites):
    images = dsprites.images(np.array([0, 737_279, 400_000]))
    assert images.shape == (3, 64, 64, 1)
    assert images.dtype == np.uint8
    assert set(np.unique(images)) == {0, 255}


def test_what_a_network_sees_are_the_bytes_over_255(dsprites):
    rows = np.random.default_rng(0).integers(0, len(dsprites), 64)
    expected = dsprites.images(rows).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    for dataset in (dsprites, load("dsprites_noshape")):
        x = dataset.batch(rows)
        assert x.dtype == torch.float32
        np.testing.assert_array_equal(x.numpy(), expected)
    with pytest.raises(IndexError):
        dsprites.batch(np.array([-1]))


def test_any_bits_become_floats_whatever_memory_held_before_and_batches_share_none():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**64, (50, 64), dtype=np.uint64)
    words[:, ::3] = 0
    rows = [rng.integers(0, 50, 32) for _ in range(2)]
    freed = torch.full((32, 1, 64, 64), 7.0)
    del freed  # what the next tensor of its size is made of
    batches = [of_bits(words, some) for some in rows]
    for some, x in zip(rows, batches, strict=True):
        np.testing.assert_array_equal(x[:, 0].numpy(), unpacked(words[some])[..., 0] / np.float32(255))


def test_posx_moves_rightwards_and_posy_downwards(dsprites):
    values = np.array([[0, 0, 0, 3, 5], [0, 0, 0, 20, 5], [0, 0, 0, 3, 20]])
    images = dsprites.images(dsprites.factors.rows(values))[..., 0] > 0
    down, across = zip(*(np.argwhere(image).mean(0) for image in images), strict=True)
    assert across[1] > across[0] + 10
    assert down[2] > down[0] + 10
    assert abs(down[1] - down[0]) < 0.5
    assert abs(across[2] - across[0]) < 0.5


def test_the_first_square_is_where_its_geometry_puts_it(dsprites):
    """Side 0.3 * 0.5 * 64 = 9.6 pixels about (16, 16): centres from 11.2 to 20.8, so pixels 11 to 20."""
    image = dsprites.images(np.array([0]))[0, :, :, 0] > 0
    assert image.sum() == 100
    assert image[11:21, 11:21].all()


def test_the_grid_has_five_factors_and_no_colour(dsprites):
    assert dsprites.factors.names == ("shape", "scale", "orientation", "posX", "posY")
    assert dsprites.factors.sizes == (3, 6, 40, 32, 32)
    assert len(dsprites) == 737_280
    assert set(dsprites.factors.units) == set(dsprites.factors.names)


@pytest.mark.parametrize("row", [-1, 737_280])
def test_a_row_outside_the_grid_is_an_error(dsprites, row):
    with pytest.raises(IndexError):
        dsprites.images(np.array([row]))


def test_the_file_holds_what_its_record_says(built):
    verify(built_folder("dsprites"))

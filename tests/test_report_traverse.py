"""Pictures show what they are given, pixel for pixel."""

import numpy as np
import pytest
from PIL import Image

from distaff.errors import DistaffError
from distaff.report.traverse import MARGIN, grid, pixels, reconstructions, save, steps, traversals


def test_small_images_are_enlarged_by_whole_pixels_and_nothing_is_made_up():
    image = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1), dtype=np.uint8)
    large = pixels(image)
    assert large.shape == (2, 64, 64, 3)
    assert (large[:, ::4, ::4, :1] == image).all()
    assert pixels(np.full((1, 64, 64, 3), 0.5, np.float32)).max() == 128


def test_even_columns_are_reconstructions():
    real = np.zeros((3, 64, 64, 1), np.uint8)
    sheet = reconstructions(real, np.full((3, 64, 64, 1), 0.5, np.float32), pairs=2)
    assert sheet.shape == (140, 276, 3)
    assert [sheet[10, 10 + 68 * column, 0] for column in range(4)] == [0, 128, 0, 128]
    assert sheet[80, 150, 0] == 255  # no third pair in the second row


def test_one_latent_moves_and_the_others_stay():
    seen = []

    def decode(codes):
        seen.append(codes)
        return np.zeros((len(codes), 64, 64, 1), np.float32)

    moves = steps(np.random.default_rng(0).standard_normal((100, 3)).astype(np.float32), 5)
    sheet = traversals(decode, np.array([7, 8, 9], np.float32), moves)
    codes = seen[0].reshape(3, 5, 3)
    assert (codes[1, :, 1] == moves[1]).all()
    assert (codes[1, :, 0] == 7).all()
    assert (codes[1, :, 2] == 9).all()
    assert sheet.shape[1] == MARGIN + 5 * 68 + 4
    assert (sheet[:, :MARGIN] < 200).any()  # the labels are written


def test_quantiles_leave_a_dead_latent_still_and_a_span_moves_all():
    codes = np.zeros((50, 2), np.float32)
    codes[:, 0] = np.linspace(-1, 1, 50)
    assert (steps(codes, 4)[1] == 0).all()
    assert steps(codes, 3, span=2.0).tolist() == [[-2, 0, 2], [-2, 0, 2]]


def test_pictures_are_files_that_read_back(tmp_path):
    sheet = grid(pixels(np.random.default_rng(0).random((4, 16, 16, 3)).astype(np.float32)), 2)
    assert (np.asarray(Image.open(save(sheet, tmp_path / "a" / "b.png"))) == sheet).all()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.png"]


def test_what_is_no_image_is_refused():
    with pytest.raises(DistaffError, match="1 or 3 channels"):
        pixels(np.zeros((2, 16, 16), np.float32))
    with pytest.raises(DistaffError, match="one image for each"):
        reconstructions(np.zeros((2, 16, 16, 1), np.uint8), np.zeros((1, 16, 16, 1), np.float32))

"""Pictures show what they are given, pixel for pixel."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from distaff.codes import Codes
from distaff.errors import DistaffError
from distaff.pictures import animate
from distaff.pictures.effects import groups
from distaff.pictures.latent_factors import kl, names, shares
from distaff.pictures.sheet import below, beside, grid, labelled, pixels, save_png
from distaff.pictures.traverse import Moves, fitted, fixed, quantiles, traversals


def test_small_images_are_enlarged_by_whole_pixels_and_nothing_is_made_up() -> None:
    image = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1), dtype=np.uint8)
    large = pixels(image)
    assert large.shape == (2, 64, 64, 3)
    assert (large[:, ::4, ::4, :1] == image).all()
    assert pixels(np.full((1, 64, 64, 3), 0.5, np.float32)).max() == 128


def test_labels_stand_outside_the_images() -> None:
    sheet = grid(np.zeros((6, 64, 64, 3), np.uint8), 3)
    named = labelled(sheet, ("z0 posX", "z1"), ("-1", "0", "1"), "A title")
    assert (named[-len(sheet) :, -sheet.shape[1] :] == sheet).all()
    assert (named[: -len(sheet)] < 200).any()
    assert (named[:, : -sheet.shape[1]] < 200).any()
    assert labelled(sheet).shape == sheet.shape


def test_sheets_are_put_together_whole() -> None:
    black, wide = np.zeros((10, 20, 3), np.uint8), np.zeros((10, 50, 3), np.uint8)
    assert (beside([black, wide]) == 0).all(axis=(0, 2)).sum() == 70
    tall = below([black, wide], gap=5)
    assert tall.shape == (25, 50, 3)
    assert (tall[:10, -20:] == 0).all()
    assert (tall[:10, :-20] == 255).all()


@pytest.mark.parametrize(("nats", "named"), [(0.01, "z0"), (0.04, "z0"), (0.06, "z0 size"), (3.0, "z0 size")])
def test_a_latent_has_the_name_of_its_factor_from_a_twentieth_of_a_nat_on(nats: float, named: str) -> None:
    factors = np.stack([np.arange(600) % 4, np.arange(600) // 4 % 3], axis=1)
    mean = np.stack([(factors[:, 0] - 1.5) / np.sqrt(1.25), factors[:, 1]], axis=1) * [np.sqrt(2 * nats), 2.0]
    codes = Codes(mean.astype(np.float32), np.zeros((600, 2), np.float32))
    assert kl(codes)[0] == pytest.approx(nats, rel=1e-3)
    model = SimpleNamespace(dataset=SimpleNamespace(factors=SimpleNamespace(names=("size", "x"))))
    assert names(SimpleNamespace(codes=codes, factors=factors, model=model)) == (named, "z1 x")


def test_one_latent_moves_and_the_others_stay() -> None:
    seen = []

    def decode(codes: np.ndarray) -> np.ndarray:
        seen.append(codes)
        return np.zeros((len(codes), 64, 64, 1), np.float32)

    moves = Moves(np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32), ("a", "b", "c", "d", "e"))
    traversals(decode, np.array([7, 8, 9], np.float32), moves, labels=("z0", "z1", "z2"))
    codes = seen[0].reshape(3, 5, 3)
    for i in range(3):
        assert (codes[i, :, i] == moves.values[i]).all()
        for j in {0, 1, 2} - {i}:
            assert (codes[i, :, j] == 7 + j).all()
    with pytest.raises(DistaffError, match="2 latents"):
        traversals(decode, np.zeros(3, np.float32), fixed(2, 5))


def test_the_three_ranges_are_those_of_their_formulas() -> None:
    draw = np.random.default_rng(0)
    mean = (draw.standard_normal((5000, 2)) * [2, 0] + [1, 0]).astype(np.float32)
    codes = Codes(mean, np.full((5000, 2), np.log(0.25), np.float32))
    assert fixed(2, 3).values.tolist() == [[-2, 0, 2], [-2, 0, 2]]
    low, middle, high = fitted(codes, 3).values.T
    assert middle == pytest.approx(mean.mean(0), abs=1e-5)
    assert (high - low) / 4 == pytest.approx(np.sqrt(0.25 + mean.var(0)), rel=1e-4)
    assert quantiles(codes, 5).values[0] == pytest.approx(
        np.quantile(mean[:, 0], [0.02, 0.26, 0.5, 0.74, 0.98]), abs=1e-5
    )
    assert (quantiles(codes, 5).values[1] == 0).all(), "a dead latent is still"


@given(st.floats(-4, 4), st.floats(-3, 0), st.floats(0.01, 3), st.integers(8, 40))
def test_a_cycle_starts_at_its_code_moves_evenly_and_stays_within_its_range(
    code: float, low: float, width: float, frames: int
) -> None:
    start, bottom, top = (np.array([v], np.float32) for v in (code, low, low + width))
    path = animate.cycle(start, bottom, top, frames)[:, 0]
    assert path[0] == pytest.approx(float(np.clip(start, bottom, top)[0]), abs=1e-5)
    assert path.min() >= bottom - 1e-5
    assert path.max() <= top + 1e-5
    step = 2 * width / frames
    assert np.abs(np.diff(path)).max() <= step + 1e-5, "a loop has no jump"
    assert abs(path[0] - path[-1]) <= step + 1e-5
    assert path.max() > top - step
    assert path.min() < bottom + step


def test_gifs_of_colour_keep_their_colours_and_grey_ones_their_levels(tmp_path) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)

    def coloured(codes: np.ndarray) -> np.ndarray:
        images = np.zeros((len(codes), 8, 64, 3), np.float32)
        images[..., 0] = ramp * (1 - codes[:, :1, None] / 2)
        images[..., 2] = np.clip(codes[:, :1, None], 0, 1)
        return images

    path = np.linspace(0, 1, 6, dtype=np.float32)[:, None]
    for decode, tolerance in ((coloured, 24), (lambda codes: coloured(codes)[..., :1], 0)):
        sheets = animate.frames(decode, np.zeros(1, np.float32), path, ["z0"])
        with Image.open(animate.save_gif(sheets, tmp_path / "a.gif")) as gif:
            assert gif.info["loop"] == 0
            assert gif.n_frames == len(path)
            back = np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]).astype(int)
        assert np.abs(back - np.stack(sheets)).max() <= tolerance
        assert np.abs(back - np.stack(sheets)).mean() <= tolerance / 6


def test_pictures_are_files_that_read_back(tmp_path) -> None:
    for channels in (1, 3):
        sheet = grid(pixels(np.random.default_rng(0).random((4, 16, 16, channels)).astype(np.float32)), 2)
        with Image.open(save_png(sheet, tmp_path / "a" / "b.png")) as back:
            assert back.mode == ("L" if channels == 1 else "RGB")
            assert (np.asarray(back.convert("RGB")) == sheet).all()
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.png"]


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(DistaffError, match="1 or 3 channels"):
        pixels(np.zeros((2, 16, 16), np.float32))


def test_a_latent_that_is_a_factor_tells_all_of_it_and_noise_tells_nothing() -> None:
    draw = np.random.default_rng(0)
    factors = draw.integers(0, [4, 1, 5], size=(4000, 3))
    codes = np.stack([factors[:, 0], draw.standard_normal(4000)], 1).astype(np.float32)
    found = shares(codes, factors)
    assert found[0] == pytest.approx([1, 0, 0], abs=0.01)
    assert found[1] == pytest.approx([0, 0, 0], abs=0.01)


def test_kl_of_each_latent_is_that_of_two_normals() -> None:
    codes = Codes(np.array([[0, 1]], np.float32), np.array([[0, np.log(0.5)]], np.float32))
    assert kl(codes) == pytest.approx([0, 0.5 * (1 + 0.5 - np.log(0.5) - 1)], abs=1e-6)


@given(st.integers(1, 60))
def test_groups_keep_few_values_apart_and_put_neighbours_of_many_together(size: int) -> None:
    values = np.arange(size)
    found = groups(values, size)
    assert (np.diff(found) >= 0).all()
    assert (found <= values).all()
    assert set(found) <= set(values.tolist()), "a group is named by one of its values"
    assert len(set(found)) == min(size, 8)

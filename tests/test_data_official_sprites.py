"""The published files of dSprites: read whatever their order, their pickle never run, their difference counted."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import official_files as files
from distaff.data import Factors, dsprites, load
from distaff.data._formats.dsprites import CACHE_NAME, convert, differing
from distaff.data._formats.pickled import parse_pickle
from distaff.data.cache.built import FOLDER, open_or_build
from distaff.data.cache.fetch import fetch
from distaff.data.cache.published import open_cached
from distaff.errors import DistaffError
from distaff.plugins.registry import DATASETS


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    open_cached.cache_clear()
    return tmp_path / "cache"


def built(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if not path.name.endswith(".lock")] if cache.exists() else []


SPRITES = Factors(dsprites.NAMES, (2, 1, 2, 3, 2))


def drawings() -> np.ndarray:
    return (np.random.default_rng(1).random((24, 64, 64)) < 0.1).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["npz", "hdf5"])
@pytest.mark.parametrize("seed", [None, 5])
def test_the_official_sprites_are_read_from_either_file(tmp_path, suffix, seed):
    path = files.sprites(tmp_path / f"a.{suffix}", SPRITES.all_sizes, drawings(), seed)
    convert(path, SPRITES)
    words = open_or_build(CACHE_NAME, (24, 64), "<u8", ())
    np.testing.assert_array_equal(dsprites.unpacked(words)[..., 0], drawings() * 255)


@pytest.mark.slow
def test_the_whole_official_file_is_fetched_and_its_difference_from_the_drawn_set_logged(tmp_path):
    """A file as large as the published one, with five pixels of two images changed, and so of another checksum."""
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
    lines: list[str] = []
    fetch("dsprites", str(tmp_path / "whole.hdf5"), unchecked=True, log=lines.append)
    assert "5 pixels differ from the sprites that are drawn here, in 2 of 737,280 images" in lines
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
    with pytest.raises(DistaffError, match=r"metadata have the factors .* of \[1, 3, 1, 2, 3, 2\] values, not"):
        convert(path, SPRITES)
    harmless = parse_pickle(b"cos\nsystem\n(U\x0btouch " + str(tmp_path / "x")[-5:].encode() + b"tR.")
    assert (harmless.name, len(harmless.arguments)) == ("os system", 1)
    for broken in (b"", b"}(U\x01a", b"\x80\x02}U\x01au.", b"(U\x01at"):
        with pytest.raises(DistaffError, match="cannot be parsed"):
            parse_pickle(broken)


def test_sprites_that_are_not_bits_or_of_another_colour_are_refused(tmp_path, cache):
    path = files.sprites(tmp_path / "a.hdf5", SPRITES.all_sizes, drawings() * 255)
    with pytest.raises(DistaffError, match="holds 255, not 0 or 1"):
        convert(path, SPRITES)
    files.sprites(path, SPRITES.all_sizes, drawings())
    with h5py.File(path, "a") as file:
        file["latents/classes"][7, 0] = 1
    with pytest.raises(DistaffError, match="color is 1 where only 0 is valid"):
        convert(path, SPRITES)
    assert built(cache) == []


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

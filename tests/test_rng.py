"""Draws are functions of (seed, stream, step)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from distaff import rng

SEEDS = st.integers(0, 2**32 - 1)
STEPS = st.integers(0, 2**40)


@pytest.mark.parametrize(
    ("counter_and_key", "words"),
    [
        ([0] * 6, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 6, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_the_generator_gives_the_test_vectors_of_its_authors(counter_and_key: list[int], words: list[int]) -> None:
    assert [int(word) for word in rng._block(*map(np.uint64, counter_and_key))] == words


@given(st.lists(SEEDS, min_size=1, max_size=3), STEPS, st.integers(1, 70))
def test_compiled_loop_and_tensor_rounds_give_the_same_numbers(seeds: list[int], step: int, n: int) -> None:
    of_seed = torch.tensor([[seed, step & 0xFFFFFFFF, step >> 32] for seed in seeds])
    tensor = rng._uniform_tensor(of_seed, rng.STREAMS["nuisance"], n)
    for row, seed in zip(tensor, seeds, strict=True):
        assert torch.equal(row, rng.uniform(seed, "nuisance", step, (n,)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_numbers_that_a_gpu_draws_are_those_of_the_cpu() -> None:
    for step in (0, 7, 2**33 + 1):
        there = rng.uniforms([3, 2**32 - 1], "nuisance", step, (5, 7, 3), "cuda")
        here = torch.stack([rng.uniform(seed, "nuisance", step, (5, 7, 3)) for seed in (3, 2**32 - 1)])
        assert torch.equal(there.cpu(), here)


@given(SEEDS, STEPS, st.integers(1, 50))
def test_a_shorter_draw_is_the_start_of_a_longer_one(seed: int, step: int, n: int) -> None:
    assert torch.equal(rng.uniform(seed, "data", step, (64,))[:n], rng.uniform(seed, "data", step, (n,)))


def test_normals_have_the_moments_of_a_standard_normal() -> None:
    draws = rng.normal(3, "noise", 5, (1_000_000,)).double()
    assert abs(draws.mean()) < 4e-3
    assert abs(draws.var() - 1) < 6e-3
    assert abs((draws**4).mean() - 3) < 0.05


@given(SEEDS, STEPS, st.integers(1, 50), st.integers(1, 2**31 - 1))
def test_an_integer_is_64_bits_times_its_end_over_two_to_the_64(seed: int, step: int, n: int, below: int) -> None:
    words = [int(word) for word in rng.bits(seed, "data", step, 2 * n)]
    expected = [((high << 32 | low) * below) >> 64 for high, low in zip(words[::2], words[1::2], strict=True)]
    assert rng.integers(seed, "data", step, n, below).tolist() == expected


def test_integers_are_uniform_and_inside_their_range() -> None:
    counts = np.bincount(rng.integers(1, "data", 0, 70_000, 7), minlength=7)
    assert len(counts) == 7
    assert (np.abs(counts - 10_000) < 450).all()


def test_permutations_hold_every_place_once_and_columns_differ() -> None:
    columns = rng.permutations(0, "permute", 9, 64, 10)
    assert torch.equal(columns.sort(0).values, torch.arange(64)[:, None].expand(64, 10))
    assert not torch.equal(columns[:, 0], columns[:, 1])


def test_streams_steps_and_seeds_do_not_repeat_each_other() -> None:
    draws = [rng.bits(s, stream, t, 4).tobytes() for s in range(3) for stream in rng.STREAMS for t in range(3)]
    assert len(set(draws)) == len(draws)


def test_a_seed_outside_32_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 4294967295"):
        rng.bits(-1, "data", 0, 4)


def slow_words(seed: int, stream: int, step: int, n: int) -> list[int]:
    """Word by word, from blocks whose counter is (block, step) and whose key is (seed, stream)."""
    words: list[int] = []
    for block in range(-(-n // 4)):
        counter = (block & 0xFFFFFFFF, block >> 32, step & 0xFFFFFFFF, step >> 32)
        words += [int(word) for word in rng._block(*map(np.uint64, (*counter, seed, stream)))]
    return words[:n]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9])
@pytest.mark.parametrize(("seed", "step"), [(0, 0), (7, 3), (2**32 - 1, 2**33 + 5)])
def test_every_kind_of_draw_is_its_formula_of_the_words(seed: int, step: int, n: int) -> None:
    words = slow_words(seed, rng.STREAMS["noise"], step, 12)
    assert rng.bits(seed, "noise", step, n).tolist() == words[:n]
    assert rng.uniform(seed, "noise", step, (n,)).tolist() == [(word >> 8) / 2**24 for word in words[:n]]
    pairs = []
    for first, second in zip(words[::2], words[1::2], strict=True):
        radius, angle = np.sqrt(-2 * np.log((first + 0.5) / 2**32)), 2 * np.pi * (second + 0.5) / 2**32
        pairs += [radius * np.cos(angle), radius * np.sin(angle)]
    np.testing.assert_allclose(rng.normal(seed, "noise", step, (n,)).numpy(), pairs[:n], rtol=1e-6)


def test_permutations_are_the_ranks_of_the_words_of_each_column() -> None:
    words = rng.bits(5, "permute", 2, 7 * 3).reshape(7, 3)
    np.testing.assert_array_equal(rng.permutations(5, "permute", 2, 7, 3).numpy(), words.argsort(axis=0, kind="stable"))


def test_the_ends_of_what_can_be_drawn_are_those_of_the_docstrings() -> None:
    for seed in (0, 2**32 - 1):
        assert len(rng.bits(seed, "data", 0, 4)) == 4
    with pytest.raises(ValueError, match="from 0 to 4294967295"):
        rng.bits(2**32, "data", 0, 4)
    assert rng.integers(0, "data", 0, 5, 1).tolist() == [0] * 5
    assert (rng.integers(0, "data", 0, 5, 2**31 - 1) < 2**31 - 1).all()
    for below in (0, -1, 2**31):
        with pytest.raises(ValueError, match="from 1 to 2\\^31 - 1"):
            rng.integers(0, "data", 0, 5, below)

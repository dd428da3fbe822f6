"""The draws of `distaff.rng` on a GPU: the same words of (seed, stream, step), for several seeds at once.

The step is read from the device's memory, so that a captured graph draws anew whenever it is replayed. Rows, uniforms
and permutations are those of the CPU bit for bit. Normals are too, but where a logarithm or a cosine in float64 differs
in its last digit and a float32 lies halfway: there the last digit of the float32 may.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from distaff import rng

BLOCKS = 256  # of four words each, that a program draws
CHUNK = 64  # words of a column that are ranked, or compared with, at once


@triton.jit  # type: ignore[untyped-decorator]
def _philox(seed, stream: tl.constexpr, step, block):  # type: ignore[no-untyped-def]
    """The four words of `block` of (seed, stream, step), as `distaff.rng` counts them; a block is below 2^32."""
    c0, c1 = block.to(tl.uint32), tl.zeros_like(block).to(tl.uint32)
    c2 = c1 + (step & 0xFFFFFFFF).to(tl.uint32)
    c3 = c1 + (step >> 32).to(tl.uint32)
    k0, k1 = c1 + seed.to(tl.uint32), c1 + stream
    for _ in tl.static_range(10):
        h0, l0 = tl.umulhi(c0, tl.full(c0.shape, 0xD2511F53, tl.uint32)), c0 * 0xD2511F53
        h1, l1 = tl.umulhi(c2, tl.full(c2.shape, 0xCD9E8D57, tl.uint32)), c2 * 0xCD9E8D57
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0, k1 = k0 + 0x9E3779B9, k1 + 0xBB67AE85
    return c0, c1, c2, c3


@triton.jit
def _in_turn(a, b, c, d):  # type: ignore[no-untyped-def]
    """Four numbers of each block, block after block."""
    return tl.interleave(tl.interleave(a, c), tl.interleave(b, d))


@triton.jit  # type: ignore[untyped-decorator]
def _uniform(seeds, step, out, N, STREAM: tl.constexpr, BLOCKS: tl.constexpr):  # type: ignore[no-untyped-def]
    """The upper 24 bits of a word, over 2^24."""
    which = tl.program_id(1).to(tl.int64)
    block = tl.program_id(0) * BLOCKS + tl.arange(0, BLOCKS)
    a, b, c, d = _philox(tl.load(seeds + which), STREAM, tl.load(step), block)
    drawn = (_in_turn(a, b, c, d) >> 8).to(tl.float32) * (1.0 / 16777216)
    at = tl.program_id(0) * (4 * BLOCKS) + tl.arange(0, 4 * BLOCKS)
    tl.store(out + which * N + at, drawn, mask=at < N)


@triton.jit
def _pair(first, second):  # type: ignore[no-untyped-def]
    """Two normals of two words, by Box and Muller."""
    scale = 1.0 / 4294967296
    radius = tl.sqrt(-2.0 * tl.log((first.to(tl.float64) + 0.5) * scale))
    angle = 6.283185307179586 * ((second.to(tl.float64) + 0.5) * scale)
    return (radius * tl.cos(angle)).to(tl.float32), (radius * tl.sin(angle)).to(tl.float32)


@triton.jit  # type: ignore[untyped-decorator]
def _normal(seeds, step, out, N, STREAM: tl.constexpr, BLOCKS: tl.constexpr):  # type: ignore[no-untyped-def]
    which = tl.program_id(1).to(tl.int64)
    block = tl.program_id(0) * BLOCKS + tl.arange(0, BLOCKS)
    a, b, c, d = _philox(tl.load(seeds + which), STREAM, tl.load(step), block)
    one, two = _pair(a, b)
    three, four = _pair(c, d)
    at = tl.program_id(0) * (4 * BLOCKS) + tl.arange(0, 4 * BLOCKS)
    tl.store(out + which * N + at, _in_turn(one, two, three, four), mask=at < N)


@triton.jit(do_not_specialize=["BELOW"])  # type: ignore[untyped-decorator]
def _rows(seeds, step, out, N, BELOW, STREAM: tl.constexpr, BLOCKS: tl.constexpr):  # type: ignore[no-untyped-def]
    """64 bits times `BELOW`, over 2^64: two numbers of a block."""
    which = tl.program_id(1).to(tl.int64)
    block = tl.program_id(0) * BLOCKS + tl.arange(0, BLOCKS)
    a, b, c, d = _philox(tl.load(seeds + which), STREAM, tl.load(step), block)
    below = BELOW.to(tl.uint64)
    one = (a.to(tl.uint64) * below + ((b.to(tl.uint64) * below) >> 32)) >> 32
    two = (c.to(tl.uint64) * below + ((d.to(tl.uint64) * below) >> 32)) >> 32
    at = tl.program_id(0) * (2 * BLOCKS) + tl.arange(0, 2 * BLOCKS)
    tl.store(out + which * N + at, tl.interleave(one, two).to(tl.int64), mask=at < N)


@triton.jit  # type: ignore[untyped-decorator]
def _word(seed, stream: tl.constexpr, step, at):  # type: ignore[no-untyped-def]
    """The words at places `at`: of each block that is drawn, one."""
    a, b, c, d = _philox(seed, stream, step, at // 4)
    lane = at % 4
    return tl.where(lane < 2, tl.where(lane == 0, a, b), tl.where(lane == 2, c, d))


@triton.jit  # type: ignore[untyped-decorator]
def _permutation(  # type: ignore[no-untyped-def]
    seeds, step, out, LENGTH, COLUMNS, STREAM: tl.constexpr, CHUNK: tl.constexpr
):
    """`CHUNK` places of a column, put where the rank of their word is: as many words are less, or equal and earlier."""
    which, column = tl.program_id(2).to(tl.int64), tl.program_id(1)
    seed, now = tl.load(seeds + which), tl.load(step)
    place = tl.program_id(0) * CHUNK + tl.arange(0, CHUNK)
    word = _word(seed, STREAM, now, place * COLUMNS + column)
    rank = tl.zeros((CHUNK,), tl.int32)
    for first in range(0, LENGTH, CHUNK):
        other = first + tl.arange(0, CHUNK)
        against = _word(seed, STREAM, now, other * COLUMNS + column)
        before = (against[None, :] < word[:, None]) | (
            (against[None, :] == word[:, None]) & (other[None, :] < place[:, None])
        )
        rank += tl.sum((before & (other < LENGTH)[None, :]).to(tl.int32), 1)
    to = (which * LENGTH + rank) * COLUMNS + column
    tl.store(out + to, place.to(tl.int64), mask=place < LENGTH)


def uniforms(seeds: Tensor, stream: str, step: Tensor, shape: tuple[int, ...]) -> Tensor:
    """What `rng.uniform` draws for each of the seeds, int64 [s], at the step, int64 []: float32 [s *shape]."""
    return _drawn(_uniform, seeds, stream, step, shape)


def normals(seeds: Tensor, stream: str, step: Tensor, shape: tuple[int, ...]) -> Tensor:
    """What `rng.normal` draws for each of the seeds: float32 [s *shape]."""
    return _drawn(_normal, seeds, stream, step, shape)


def rows(seeds: Tensor, stream: str, step: Tensor, n: int, below: int) -> Tensor:
    """What `rng.integers` draws for each of the seeds: int64 [s n] in [0, below)."""
    out = torch.empty(len(seeds), n, dtype=torch.int64, device=seeds.device)
    blocks = _blocks(triton.cdiv(n, 2))
    grid = (triton.cdiv(n, 2 * blocks), len(seeds))
    _rows[grid](seeds, step, out, n, below, rng.STREAMS[stream], blocks)
    return out


def permutations(seeds: Tensor, stream: str, step: Tensor, length: int, columns: int) -> Tensor:
    """What `rng.permutations` draws for each of the seeds: int64 [s length columns]."""
    out = torch.empty(len(seeds), length, columns, dtype=torch.int64, device=seeds.device)
    chunk = max(16, min(CHUNK, triton.next_power_of_2(length)))
    grid = (triton.cdiv(length, chunk), columns, len(seeds))
    _permutation[grid](seeds, step, out, length, columns, rng.STREAMS[stream], chunk)
    return out


def _drawn(kernel: triton.JITFunction, seeds: Tensor, stream: str, step: Tensor, shape: tuple[int, ...]) -> Tensor:
    """float32 [s *shape] by a kernel that fills four numbers of a block."""
    n = math.prod(shape)
    out = torch.empty(len(seeds), *shape, device=seeds.device)
    blocks = _blocks(triton.cdiv(n, 4))
    kernel[(triton.cdiv(n, 4 * blocks), len(seeds))](seeds, step, out, n, rng.STREAMS[stream], blocks)
    return out


def _blocks(needed: int) -> int:
    """How many blocks of words a program draws, where so many are needed in all."""
    power: int = triton.next_power_of_2(needed)
    return max(16, min(BLOCKS, power))

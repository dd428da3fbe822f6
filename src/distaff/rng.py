"""Counter-based random draws: every number is a function of (seed, stream, step), computed anew where it is needed.

The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The key holds
the seed and the stream, the counter the step and the position, so that how runs are packed, interrupted or scheduled
changes no draw. The 32-bit integers are the same on every device; floats made from them agree to 1e-6.

On a CPU a compiled loop fills the array; on an accelerator the same rounds run as integer tensor operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Word: TypeAlias = Any  # an unsigned integer to the compiled functions

STREAMS = {"init": 0, "data": 1, "noise": 2, "permute": 3, "nuisance": 4, "evaluate": 5, "pairs": 6}

_M0, _M1 = 0xD2511F53, 0xCD9E8D57  # multipliers and key increments of Philox4x32, Table 2 of the paper
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_MASK = 0xFFFFFFFF


def bits(seed: int, stream: str, step: int, n: int, device: str = "cpu") -> Any:
    """The first `n` 32-bit words of (seed, stream, step): a uint32 array on the CPU, an int64 tensor elsewhere."""
    if not 0 <= seed <= _MASK:
        raise ValueError(f"seed={seed}: a seed is an integer from 0 to {_MASK}")
    if device == "cpu":
        return _bits_cpu(np.uint32(seed), np.uint32(STREAMS[stream]), np.uint64(step), n)
    return _bits_tensor(seed, STREAMS[stream], step, n, device)


def uniform(seed: int, stream: str, step: int, shape: tuple[int, ...], device: str = "cpu") -> torch.Tensor:
    """float32 uniforms in [0, 1): the upper 24 bits of a word over 2^24."""
    import torch

    n = int(np.prod(shape))
    if device == "cpu":
        filled = _uniform_cpu(np.uint32(seed), np.uint32(STREAMS[stream]), np.uint64(step), n)
        return torch.from_numpy(filled).view(shape)
    words = bits(seed, stream, step, n, device)
    drawn: torch.Tensor = (words >> 8).to(torch.float32) * 2.0**-24
    return drawn.view(shape)


def normal(seed: int, stream: str, step: int, shape: tuple[int, ...], device: str = "cpu") -> torch.Tensor:
    """float32 standard normals by Box and Muller (1958), one pair from two words, computed in float64."""
    import torch

    n = int(np.prod(shape))
    if device == "cpu":
        filled = _normal_cpu(np.uint32(seed), np.uint32(STREAMS[stream]), np.uint64(step), n)
        return torch.from_numpy(filled).view(shape)
    pairs = bits(seed, stream, step, n + n % 2, device).to(torch.float64).view(-1, 2)
    radius = torch.sqrt(-2 * torch.log((pairs[:, 0] + 0.5) * 2.0**-32))
    angle = 2 * torch.pi * ((pairs[:, 1] + 0.5) * 2.0**-32)
    both = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], 1)
    return both.view(-1)[:n].to(torch.float32).view(shape)


def integers(seed: int, stream: str, step: int, n: int, below: int, device: str = "cpu") -> torch.Tensor:
    """`n` int64 integers in [0, below), below < 2^31: the product of 64 random bits and `below`, over 2^64."""
    import torch

    if not 0 < below < 2**31:
        raise ValueError(f"below={below}: an upper end is from 1 to 2^31 - 1")
    words = bits(seed, stream, step, 2 * n, device)
    if device == "cpu":
        words = torch.from_numpy(words.astype(np.int64))
    high, low = words.view(n, 2).unbind(1)
    drawn: torch.Tensor = (high * below + ((low * below) >> 32)) >> 32
    return drawn


def permutations(seed: int, stream: str, step: int, length: int, columns: int, device: str = "cpu") -> torch.Tensor:
    """`columns` independent permutations of range(length), int64 [length columns]: the ranks of random words."""
    import torch

    words = bits(seed, stream, step, length * columns, device)
    if device == "cpu":
        words = torch.from_numpy(words.astype(np.int64))
    ranks: torch.Tensor = words.view(length, columns).argsort(dim=0, stable=True)
    return ranks


@numba.njit(cache=True, inline="always")
def _block(c0: Word, c1: Word, c2: Word, c3: Word, k0: Word, k1: Word) -> tuple[Word, Word, Word, Word]:
    """One block of Philox4x32-10: four words of counter and two of key, as uint64 holding 32 bits, to four words."""
    mask = np.uint64(_MASK)
    for _ in range(_ROUNDS):
        p0 = np.uint64(_M0) * c0
        p1 = np.uint64(_M1) * c2
        c0, c1, c2, c3 = (p1 >> np.uint64(32)) ^ c1 ^ k0, p1 & mask, (p0 >> np.uint64(32)) ^ c3 ^ k1, p0 & mask
        k0 = (k0 + np.uint64(_W0)) & mask
        k1 = (k1 + np.uint64(_W1)) & mask
    return c0, c1, c2, c3


@numba.njit(cache=True)
def _words(seed: Word, stream: Word, step: Word, block: Word) -> tuple[Word, Word, Word, Word]:
    mask, half = np.uint64(_MASK), np.uint64(32)
    at, step = np.uint64(block), np.uint64(step)
    return _block(at & mask, at >> half, step & mask, step >> half, np.uint64(seed), np.uint64(stream))


@numba.njit(cache=True)
def _bits_cpu(seed: Word, stream: Word, step: Word, n: int) -> NDArray[np.uint32]:
    out = np.empty((n + 3) // 4 * 4, dtype=np.uint32)
    for block in range(out.size // 4):
        a, b, c, d = _words(seed, stream, step, block)
        out[4 * block], out[4 * block + 1], out[4 * block + 2], out[4 * block + 3] = a, b, c, d
    return out[:n]


@numba.njit(cache=True)
def _uniform_cpu(seed: Word, stream: Word, step: Word, n: int) -> NDArray[np.float32]:
    out = np.empty((n + 3) // 4 * 4, dtype=np.float32)
    scale = np.float32(2.0**-24)
    for block in range(out.size // 4):
        a, b, c, d = _words(seed, stream, step, block)
        out[4 * block] = np.float32(a >> np.uint64(8)) * scale
        out[4 * block + 1] = np.float32(b >> np.uint64(8)) * scale
        out[4 * block + 2] = np.float32(c >> np.uint64(8)) * scale
        out[4 * block + 3] = np.float32(d >> np.uint64(8)) * scale
    return out[:n]


@numba.njit(cache=True)
def _normal_cpu(seed: Word, stream: Word, step: Word, n: int) -> NDArray[np.float32]:
    out = np.empty((n + 3) // 4 * 4, dtype=np.float32)
    scale = 2.0**-32
    for block in range(out.size // 4):
        a, b, c, d = _words(seed, stream, step, block)
        r, t = np.sqrt(-2.0 * np.log((np.float64(a) + 0.5) * scale)), 2.0 * np.pi * ((np.float64(b) + 0.5) * scale)
        out[4 * block], out[4 * block + 1] = r * np.cos(t), r * np.sin(t)
        r, t = np.sqrt(-2.0 * np.log((np.float64(c) + 0.5) * scale)), 2.0 * np.pi * ((np.float64(d) + 0.5) * scale)
        out[4 * block + 2], out[4 * block + 3] = r * np.cos(t), r * np.sin(t)
    return out[:n]


def _bits_tensor(seed: int, stream: int, step: int, n: int, device: str) -> torch.Tensor:
    """The same words by tensor operations: int64 holds each 32-bit word, products are split so as not to overflow."""
    import torch

    at = torch.arange((n + 3) // 4, dtype=torch.int64, device=device)
    c0, c1 = at & _MASK, at >> 32
    c2, c3 = torch.full_like(at, step & _MASK), torch.full_like(at, step >> 32)
    k0, k1 = seed, stream
    for _ in range(_ROUNDS):
        (h0, l0), (h1, l1) = _multiply(c0, _M0), _multiply(c2, _M1)
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return torch.stack([c0, c1, c2, c3], 1).view(-1)[:n]


def _multiply(word: torch.Tensor, by: int) -> tuple[torch.Tensor, torch.Tensor]:
    """High and low 32 bits of a 32 x 32 bit product, by halves of `by` since int64 has a sign."""
    low = word * (by & 0xFFFF)
    high = word * (by >> 16)
    middle = high + (low >> 16)
    return middle >> 16, ((middle & 0xFFFF) << 16) | (low & 0xFFFF)

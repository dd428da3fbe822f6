"""Counter-based random draws: every number is a function of (seed, stream, step), computed anew where it is needed.

The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The key holds
the seed and the stream, the counter the step and the position, so that how runs are packed, interrupted or scheduled
changes no draw.

A compiled loop fills the array on the CPU, whatever the device that a model is trained on: what a batch needs takes
fifty microseconds there. Only `uniforms`, for noise on every pixel, is computed where the images are: the same rounds
as integer tensor operations, fused into one kernel.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Word: TypeAlias = Any  # an unsigned integer to the compiled functions

# weights at update 0; of an update: rows, noise of the posterior, shuffles of codes, nuisance; looks of an evaluation;
# second views; the batches on which the losses of a final model are evaluated; and, of an update, the noise of a method
# that declares it
STREAMS = {
    "init": 0, "data": 1, "noise": 2, "permute": 3, "nuisance": 4, "evaluate": 5, "pairs": 6, "losses": 7,
    "method": 8,
}  # fmt: skip

_M0, _M1 = 0xD2511F53, 0xCD9E8D57  # multipliers and key increments of Philox4x32, Table 2 of the paper
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_MASK = 0xFFFFFFFF


def bits(seed: int, stream: str, step: int, n: int) -> NDArray[np.uint32]:
    """The first `n` 32-bit words of (seed, stream, step)."""
    words: NDArray[np.uint32] = _bits(_checked(seed), STREAMS[stream], step, n)
    return words


def _checked(seed: int) -> int:
    if not 0 <= seed <= _MASK:
        raise ValueError(f"seed={seed}: a seed is an integer from 0 to {_MASK}")
    return seed


def uniform(seed: int, stream: str, step: int, shape: tuple[int, ...]) -> torch.Tensor:
    """float32 uniforms in [0, 1): the upper 24 bits of a word over 2^24."""
    import torch

    filled = _uniform(_checked(seed), STREAMS[stream], step, math.prod(shape))
    return torch.from_numpy(filled).view(shape)


def uniforms(seeds: list[int], stream: str, step: int, shape: tuple[int, ...], device: str) -> torch.Tensor:
    """What `uniform` draws for each of `seeds`, [s *shape], computed on `device`, number for number the same."""
    import torch

    of_seed = torch.tensor([[seed, step & _MASK, step >> 32] for seed in seeds])
    if device != "cpu":
        of_seed = of_seed.pin_memory().to(device, non_blocking=True)
    drawn: torch.Tensor = _compiled()(of_seed, STREAMS[stream], math.prod(shape))
    return drawn.view(len(seeds), *shape)


def normal(seed: int, stream: str, step: int, shape: tuple[int, ...]) -> torch.Tensor:
    """float32 standard normals by Box and Muller (1958), one pair from two words, computed in float64."""
    import torch

    filled = _normal(_checked(seed), STREAMS[stream], step, math.prod(shape))
    return torch.from_numpy(filled).view(shape)


def integers(seed: int, stream: str, step: int, n: int, below: int) -> NDArray[np.int64]:
    """`n` int64 integers in [0, below), below < 2^31: the product of 64 random bits and `below`, over 2^64."""
    if not 0 < below < 2**31:
        raise ValueError(f"below={below}: an upper end is from 1 to 2^31 - 1")
    drawn: NDArray[np.int64] = _integers(_checked(seed), STREAMS[stream], step, n, below)
    return drawn


def permutations(seed: int, stream: str, step: int, length: int, columns: int) -> torch.Tensor:
    """`columns` independent permutations of range(length), int64 [length columns]: the ranks of random words."""
    import torch

    words = torch.from_numpy(bits(seed, stream, step, length * columns).astype(np.int64))
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
def _bits(seed: Word, stream: Word, step: Word, n: int) -> NDArray[np.uint32]:
    out = np.empty((n + 3) // 4 * 4, dtype=np.uint32)
    for block in range(out.size // 4):
        a, b, c, d = _words(seed, stream, step, block)
        out[4 * block], out[4 * block + 1], out[4 * block + 2], out[4 * block + 3] = a, b, c, d
    return out[:n]


@numba.njit(cache=True)
def _integers(seed: Word, stream: Word, step: Word, n: int, below: Word) -> NDArray[np.int64]:
    out = np.empty((n + 1) // 2 * 2, dtype=np.int64)
    below, half = np.uint64(below), np.uint64(32)
    for block in range(out.size // 2):
        a, b, c, d = _words(seed, stream, step, block)
        out[2 * block] = (a * below + ((b * below) >> half)) >> half
        out[2 * block + 1] = (c * below + ((d * below) >> half)) >> half
    return out[:n]


@numba.njit(cache=True)
def _uniform(seed: Word, stream: Word, step: Word, n: int) -> NDArray[np.float32]:
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
def _normal(seed: Word, stream: Word, step: Word, n: int) -> NDArray[np.float32]:
    out = np.empty((n + 3) // 4 * 4, dtype=np.float32)
    scale = 2.0**-32
    for block in range(out.size // 4):
        a, b, c, d = _words(seed, stream, step, block)
        r, t = np.sqrt(-2.0 * np.log((np.float64(a) + 0.5) * scale)), 2.0 * np.pi * ((np.float64(b) + 0.5) * scale)
        out[4 * block], out[4 * block + 1] = r * np.cos(t), r * np.sin(t)
        r, t = np.sqrt(-2.0 * np.log((np.float64(c) + 0.5) * scale)), 2.0 * np.pi * ((np.float64(d) + 0.5) * scale)
        out[4 * block + 2], out[4 * block + 3] = r * np.cos(t), r * np.sin(t)
    return out[:n]


@functools.cache
def _compiled() -> Callable[..., torch.Tensor]:
    """`_uniform_tensor` as one kernel."""
    import torch

    fused: Callable[..., torch.Tensor] = torch.compile(_uniform_tensor, dynamic=False)
    return fused


def _uniform_tensor(of_seed: torch.Tensor, stream: int, n: int) -> torch.Tensor:
    """Philox4x32-10 in int64, which holds a 32-bit word: seed, low and high step [s 3] to uniforms [s n]."""
    import torch

    at = torch.arange((n + 3) // 4, device=of_seed.device).expand(len(of_seed), -1)
    k0, c2, c3 = (part.unsqueeze(1) for part in of_seed.unbind(1))
    c0, c1, k1 = at & _MASK, at >> 32, stream
    for _ in range(_ROUNDS):
        (h0, l0), (h1, l1) = _multiply(c0, _M0), _multiply(c2, _M1)
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    words = torch.stack([c0, c1, c2, c3], 2).flatten(1)[:, :n]
    return (words >> 8).to(torch.float32) * 2.0**-24


def _multiply(word: torch.Tensor, by: int) -> tuple[torch.Tensor, torch.Tensor]:
    """High and low 32 bits of a 32 x 32 bit product, by halves of `by` since int64 has a sign."""
    low = word * (by & 0xFFFF)
    high = word * (by >> 16)
    middle = high + (low >> 16)
    return middle >> 16, ((middle & 0xFFFF) << 16) | (low & 0xFFFF)

"""Adam on all weights of k networks in one launch, from gradients that are still sums in parts.

The arena is P, M, V [k n], float32, and S, the weights as bfloat16, or None: tensors one after the other, each at a
multiple of 16. Their gradients lie in one flat buffer: of a tensor of n_t weights, whose parts begin at g_t, part s of
model j is [g_t + (s k + j) n_t : + n_t]. The table says, for each block of a tensor, what a program has to do.

Nothing is read on the host, so that a captured step can be replayed: the learning rate and the count of the update are
tensors of one number.
"""

from __future__ import annotations

import math

import triton
import triton.language as tl
from torch import Tensor

ALIGNED = 16  # elements: where tensors and their gradients begin
BLOCK = 1024  # weights of a program: eight a thread, of which a GPU has enough at once to be busy with memory


@triton.jit  # type: ignore[untyped-decorator]
def _without_power(t, LOG: tl.constexpr):  # type: ignore[no-untyped-def]
    """1 - beta^t = 1 - exp(t log beta) to 2e-7 of it, by a series where the difference would cancel.

    Double precision would do, but every thread of every block computes it, and that unit is slow.
    """
    exponent = t * LOG
    near, series = tl.maximum(exponent, -1.0), 1.0
    for n in tl.static_range(12, 1, -1):
        series = 1.0 + series * near * (1.0 / n)
    return tl.where(exponent > -1.0, -near * series, 1.0 - tl.exp(exponent))


@triton.jit  # type: ignore[untyped-decorator]
def corrections(rate, t, LOG1: tl.constexpr, LOG2: tl.constexpr):  # type: ignore[no-untyped-def]
    """rate / (1 - beta1^t) and 1 / (1 - beta2^t), of the logarithms of beta1 and beta2."""
    count = tl.load(t)
    return tl.div_rn(tl.load(rate), _without_power(count, LOG1)), tl.div_rn(1.0, _without_power(count, LOG2))


@triton.jit  # type: ignore[untyped-decorator]
def step(  # type: ignore[no-untyped-def]
    g, p, m, v, s, at, inside, first, second, BETA1: tl.constexpr, BETA2: tl.constexpr, EPS: tl.constexpr,
    SHADOW: tl.constexpr,
):  # fmt: skip
    """Kingma and Ba (2015), Algorithm 1, of gradients g: weights and moments `at` their places in memory."""
    weights = tl.load(p + at, mask=inside, other=0.0)
    mean = tl.load(m + at, mask=inside, other=0.0)
    square = tl.load(v + at, mask=inside, other=0.0)
    mean += (1.0 - BETA1) * (g - mean)
    square = BETA2 * square + (1.0 - BETA2) * (g * g)
    weights -= first * mean / (tl.sqrt(square * second) + EPS)
    tl.store(p + at, weights, mask=inside)
    tl.store(m + at, mean, mask=inside)
    tl.store(v + at, square, mask=inside)
    if SHADOW:
        tl.store(s + at, weights.to(tl.bfloat16), mask=inside)


@triton.jit
def _gradient(at, inside, parts, between):  # type: ignore[no-untyped-def]
    """The sum of the parts, in their order; four are asked for at once, since each comes from memory."""
    total = tl.load(at, mask=inside, other=0.0)
    for s in range(1, parts, 4):
        for u in tl.static_range(4):
            total += tl.load(at + (s + u) * between, mask=inside & (s + u < parts), other=0.0)
    return total


@triton.jit  # type: ignore[untyped-decorator]
def _update(  # type: ignore[no-untyped-def]
    p, m, v, s, g, length, parts, between, first, second, BETA1: tl.constexpr, BETA2: tl.constexpr,
    EPS: tl.constexpr, SHADOW: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    """The weights of one block."""
    for i0 in range(0, length, SIZE):
        i = i0 + tl.arange(0, SIZE)
        inside = i < length
        gradient = _gradient(g + i, inside, parts, between)
        step(gradient, p, m, v, s, i, inside, first, second, BETA1, BETA2, EPS, SHADOW)


@triton.jit  # type: ignore[untyped-decorator]
def _adam(  # type: ignore[no-untyped-def]
    p, m, v, s, gradients, table, rate, t, N, LOG1: tl.constexpr, LOG2: tl.constexpr, BETA1: tl.constexpr,
    BETA2: tl.constexpr, EPS: tl.constexpr, SHADOW: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    """A block of a tensor of one model; four weights at a time where nothing of it begins between them."""
    model, k = tl.program_id(1).to(tl.int64), tl.num_programs(1).to(tl.int64)
    row = table + tl.program_id(0) * 5
    start, length, offset = tl.load(row), tl.load(row + 1).to(tl.int32), tl.load(row + 2)
    parts, n = tl.load(row + 3).to(tl.int32), tl.load(row + 4)
    first, second = corrections(rate, t, LOG1, LOG2)
    at, g, between = model * N + start, offset + model * n, k * n
    if (at % 4 == 0) & (length % 4 == 0) & (g % 4 == 0) & (between % 4 == 0):
        # products, which Triton knows to be multiples: a hint would hold of the same numbers below, too
        _update(p + at // 4 * 4, m + at // 4 * 4, v + at // 4 * 4, s + at // 4 * 4, gradients + g // 4 * 4,
                length // 4 * 4, parts, between // 4 * 4, first, second, BETA1, BETA2, EPS, SHADOW, SIZE)  # fmt: skip
    else:
        _update(p + at, m + at, v + at, s + at, gradients + g, length, parts, between, first, second, BETA1, BETA2, EPS,
                SHADOW, SIZE)  # fmt: skip


def adam(
    p: Tensor, m: Tensor, v: Tensor, s: Tensor | None, gradients: Tensor, table: Tensor, rate: Tensor, t: Tensor,
    beta1: float, beta2: float, eps: float,
) -> None:  # fmt: skip
    """One update of all weights, in place: P, M, V [k n], their copy S, the gradients and where they lie."""
    _adam[len(table), len(p)](p, m, v, p if s is None else s, gradients, table, rate, t, p.shape[1], math.log(beta1),
                              math.log(beta2), beta1, beta2, eps, s is not None, BLOCK, num_warps=4)  # fmt: skip

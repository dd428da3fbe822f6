"""Activations and their derivatives within a kernel; `shapes.Activation` names them."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit  # type: ignore[untyped-decorator]
def activate(x, NAME: tl.constexpr, SLOPE: tl.constexpr):  # type: ignore[no-untyped-def]
    """The activation of x, float32."""
    if NAME == "relu":
        return tl.where(x < 0, 0.0, x)  # and not a maximum, which would turn NaN into 0
    if NAME == "leaky":
        return tl.where(x < 0, SLOPE * x, x)
    if NAME == "tanh":
        square = x * x
        series = x * (1.0 - square * (1.0 / 3.0 - square * (2.0 / 15.0 - square * (17.0 / 315.0))))
        return tl.where(square < 0.01, series, 1.0 - 2.0 / (tl.exp(2.0 * x) + 1.0))  # which loses digits near 0
    return x


@triton.jit  # type: ignore[untyped-decorator]
def below(above, y, NAME: tl.constexpr, SLOPE: tl.constexpr):  # type: ignore[no-untyped-def]
    """The gradient `above` at an activation's output y, taken to its input; both float32."""
    if NAME == "relu":
        return tl.where(y > 0, above, 0.0)
    if NAME == "leaky":
        return tl.where(y > 0, above, SLOPE * above)
    if NAME == "tanh":
        return above * (1.0 - y * y)
    return above

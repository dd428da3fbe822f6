"""Dense layers of k models in torch, for CPUs: the functions of `triton_dense`, in as few calls as there can be.

Of one small model the calls are all of the time. `bmm` is no slower than `mm`, also of one matrix, which needs views to
leave its stack, and gives a model the same numbers whatever stands beside it. Small products of bfloat16 are made in
float32, which holds them exactly: laying out numbers for the instructions of bfloat16 takes longer than they do.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from distaff.training.kernels.shapes import Activation

aten = torch.ops.aten
SMALL = 2**20  # multiplications of one model's product


def dense(x: Tensor, w: Tensor, b: Tensor, act: Activation) -> Tensor:
    """y [k b o] = act(x w' + b)."""
    of_x, of_w = _operands(x, w, x.shape[1] * w.shape[1] * w.shape[2])
    y = torch.baddbmm(b.to(of_x.dtype).unsqueeze(1), of_x, of_w.mT)
    return _APPLY[act.name](y, act.slope).to(x.dtype)


def dense_below(above: Tensor, w: Tensor, x: Tensor, act: Activation) -> Tensor:
    """The gradient [k b i] at x, the output of `act`, before that: (above w) times the derivative."""
    of_above, of_w = _operands(above, w, x.shape[1] * w.shape[1] * w.shape[2])
    below = torch.bmm(of_above, of_w).to(x.dtype)
    return _MASK[act.name](below, x, act.slope)


def parts_of_dense(b: int, i: int, o: int) -> int:  # noqa: ARG001  # as of other kernels
    """How many sums `dense_weights` makes of the gradient of a layer."""
    return 1


def dense_weights(x: Tensor, above: Tensor, of_w: Tensor, of_b: Tensor) -> None:
    """The gradients of weights and biases, as parts [1 k o i] and [1 k o]; float32."""
    of_above, of_x = _operands(above, x, x.shape[1] * x.shape[2] * above.shape[2])
    if of_x.dtype == torch.float32:
        torch.bmm(of_above.mT, of_x, out=of_w[0])
    else:
        of_w[0].copy_(torch.bmm(of_above.mT, of_x))
    torch.sum(above, 1, dtype=torch.float32, out=of_b[0])


def _operands(a: Tensor, b: Tensor, products: int) -> tuple[Tensor, Tensor]:
    """What is multiplied: in float32 where that is sooner done."""
    return (a.float(), b.float()) if products <= SMALL else (a, b)


# in place, one call each; a derivative follows from the output
_APPLY: dict[str, Callable[[Tensor, float], Tensor]] = {
    "none": lambda y, _: y,
    "relu": lambda y, _: y.relu_(),
    "leaky": torch.nn.functional.leaky_relu_,
    "tanh": lambda y, _: y.tanh_(),
}
_MASK: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "none": lambda above, _, __: above,
    "relu": lambda above, y, _: aten.threshold_backward.grad_input(above, y, 0, grad_input=above),
    "leaky": lambda above, y, slope: aten.leaky_relu_backward.grad_input(above, y, slope, True, grad_input=above),
    "tanh": lambda above, y, _: aten.tanh_backward.grad_input(above, y, grad_input=above),
}

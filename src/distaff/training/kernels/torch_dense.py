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
    apply, slope = _APPLY[act.name], act.slope
    if x.dtype == torch.float32:
        return apply(torch.baddbmm(b.unsqueeze(1), x, w.mT), slope)
    if _is_small(x, w):
        return apply(torch.baddbmm(b.unsqueeze(1), x.float(), w.float().mT), slope).to(x.dtype)
    return apply(torch.baddbmm(b.to(x.dtype).unsqueeze(1), x, w.mT), slope)


def dense_below(above: Tensor, w: Tensor, x: Tensor, act: Activation) -> Tensor:
    """The gradient [k b i] at x, the output of `act`, before that: (above w) times the derivative."""
    if x.dtype == torch.float32 or not _is_small(x, w):
        below = torch.bmm(above, w)
    else:
        below = torch.bmm(above.float(), w.float()).to(x.dtype)
    return _MASK[act.name](below, x, act.slope)


def parts_of_dense(b: int, i: int, o: int) -> int:  # noqa: ARG001  # as of other kernels
    """How many sums `dense_weights` makes of the gradient of a layer."""
    return 1


def dense_weights(x: Tensor, above: Tensor, of_w: Tensor, of_b: Tensor) -> None:
    """The gradients of weights and biases, as parts [1 k o i] and [1 k o]; float32."""
    if x.dtype == torch.float32:
        torch.bmm(above.mT, x, out=of_w[0])
    elif _is_small(x, of_w[0]):
        torch.bmm(above.float().mT, x.float(), out=of_w[0])
    else:
        of_w[0].copy_(torch.bmm(above.mT, x))
    torch.sum(above, 1, dtype=torch.float32, out=of_b[0])


def _is_small(x: Tensor, w: Tensor) -> bool:
    """Whether float32 is the faster way to multiply bfloat16."""
    return x.shape[1] * w[0].numel() <= SMALL


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

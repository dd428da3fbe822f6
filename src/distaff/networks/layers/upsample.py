"""A transposed convolution of kernel 4 and stride 2, computed in the way that is fast."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pixel_shuffle


class Upsample(nn.ConvTranspose2d):
    """`ConvTranspose2d(inputs, outputs, 4, 2, 1)`: the same weights and the same result."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 4, 2, 1)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As `ConvTranspose2d.forward`; the size of the output is always twice that of the input."""
        del output_size
        assert self.bias is not None
        if 4 * self.out_channels < self.in_channels:
            return self._by_phase(x, self.bias)
        if x.is_cuda:
            return conv_transpose2d(x, self.weight, self.bias, 2, 1)
        # the bias apart: on a CPU its gradient, as part of the layer, costs as much as those of kernel and input
        y = conv_transpose2d(x, self.weight, None, 2, 1)
        return y.add_(self.bias.to(y.dtype)[..., None, :, None, None])

    def _by_phase(self, x: Tensor, bias: Tensor) -> Tensor:
        """For few channels of output.

        Each output pixel is a sum over a 2 x 2 patch of the input, with one of four sets of weights by its parity; so
        the layer is one 2 x 2 convolution to four times the channels, whose outputs are then laid side by side.
        """
        *k, inputs, outputs, _, _ = self.weight.shape
        # kernel index = parity + 2 (1 - tap), for rows and for columns
        taps = self.weight.view(*k, inputs, outputs, 2, 2, 2, 2).flip(-4, -2)
        kernel = taps.movedim((-5, -3, -1), (-6, -5, -4)).reshape(*k, 4 * outputs, inputs, 2, 2)
        phases = conv2d(x, kernel, bias.repeat_interleave(4, dim=-1), padding=1)
        return pixel_shuffle(phases, 2)[..., 1:-1, 1:-1]

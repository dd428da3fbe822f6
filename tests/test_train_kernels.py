"""Our kernels for GPUs are the convolutions of torch: run there, or on a CPU by Triton's interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d

from distaff.runs import run
from distaff.training.device import exact
from distaff.training.engines.channels_last import to_channels_last
from distaff.training.engines.loop import loop
from distaff.training.engines.stacked import stacked
from distaff.training.kernels import convolution as _convolution
from distaff.training.pack import begin, pack
from distaff.training.step import draw_batch, forward

pytest.importorskip("triton")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture(scope="module")
def kernels() -> Iterator[ModuleType]:
    """The kernels, on a CPU too; where they do not suit, cuDNN in float32."""
    exact()
    from distaff.training.kernels import triton_convolution as _kernels

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_convolution, "kernels_for", lambda _: _kernels)
        yield _kernels


def of_torch(x: Tensor, weight: Tensor, bias: Tensor | None, options: tuple[object, ...]) -> Tensor:
    (stride, _), (padding, _), _, transposed, *_ = options
    layer = conv_transpose2d if transposed else conv2d
    biases = [None] * len(x) if bias is None else bias
    return torch.stack([layer(*parts, stride, padding) for parts in zip(x, weight, biases, strict=True)])


def both(
    sizes: tuple[int, ...], kernel: int, stride: int, padding: int, transposed: bool, biased: bool
) -> list[tuple[Tensor, Tensor]]:
    """What a layer gives, and its gradients: ours, and torch's in float64."""
    k, b, inputs, outputs, side = sizes
    generator = torch.Generator().manual_seed(sum(sizes))
    channels = (inputs, outputs) if transposed else (outputs, inputs)
    shapes = [(k, b, inputs, side, side), (k, *channels, kernel, kernel), (k, outputs)][: 2 + biased]
    options = ((stride, stride), (padding, padding), (1, 1), transposed, (0, 0), 1)
    inputs_of_layer = [torch.randn(shape, generator=generator) for shape in shapes]
    ours = [part.to(DEVICE).requires_grad_() for part in inputs_of_layer]
    exact = [part.double().requires_grad_() for part in inputs_of_layer]
    found = _convolution.convolution(ours[0], ours[1], ours[2] if biased else None, options)
    expected = of_torch(exact[0], exact[1], exact[2] if biased else None, options)
    above = torch.randn(expected.shape, generator=generator)
    mine = torch.autograd.grad(found, ours, above.to(DEVICE))
    theirs = torch.autograd.grad(expected, exact, above.double())
    return [(one.cpu(), other) for one, other in zip((found, *mine), (expected, *theirs), strict=True)]


LAYERS = {
    "a picture": ((2, 2, 1, 32, 16), 4, 2, 1, False),
    "in colour": ((2, 2, 3, 8, 12), 4, 2, 1, False),
    "few channels": ((3, 2, 5, 7, 8), 4, 2, 1, False),
    "many channels": ((1, 2, 48, 96, 4), 4, 2, 1, False),
    "no overlap": ((2, 2, 32, 64, 8), 2, 2, 0, False),
    "by phase": ((2, 2, 32, 4, 6), 2, 1, 1, False),
    "transposed": ((2, 3, 32, 16, 4), 4, 2, 1, True),
    "transposed, to colour": ((2, 1, 16, 3, 8), 4, 2, 1, True),
    "more positions than a program takes": ((1, 5, 16, 16, 24), 3, 1, 1, False),
}


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("layer", list(LAYERS.values()), ids=list(LAYERS))
def test_a_layer_and_its_gradients_are_those_of_torch(kernels: ModuleType, layer: tuple, biased: bool) -> None:
    for found, expected in both(*layer, biased):
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)


@settings(max_examples=20)
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 18), st.integers(1, 18)),
    steps=st.integers(1, 3), taps=st.integers(1, 2), stride=st.integers(1, 3), padding=st.integers(0, 2),
    transposed=st.booleans(),
)  # fmt: skip
def test_any_layer_is_that_of_torch(
    kernels: ModuleType, sizes: tuple[int, ...], steps: int, taps: int, stride: int, padding: int, transposed: bool
) -> None:
    kernel, side = taps * stride, max(steps, taps) * stride
    if transposed and (side - 1) * stride - 2 * padding + kernel < 1:
        return
    for found, expected in both((*sizes, side), kernel, stride, padding, transposed, True):
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)


def test_the_sums_of_a_model_do_not_depend_on_its_neighbours(kernels: ModuleType) -> None:
    x, w = torch.randn(5, 8, 16, 8, 8, device=DEVICE), torch.randn(5, 4, 4, 16, 8, device=DEVICE)
    x, above = to_channels_last(x), to_channels_last(torch.randn(5, 8, 8, 4, 4, device=DEVICE))
    for one in (
        lambda k: kernels.convolve(x[k], w[k], None, 2, 1),
        lambda k: kernels.transpose(above[k], w[k].mT.contiguous(), None, 2, 1, (8, 8)),
        lambda k: kernels.of_kernel(x[k], above[k], (4, 4), 2, 1),
    ):
        assert torch.equal(one(slice(0, 5))[2:3], one(slice(2, 3)))


@pytest.mark.parametrize(
    ("dataset", "last_kernel"), [("dsprites", 4), pytest.param("color_dsprites", 2, marks=pytest.mark.slow)]
)
def test_a_network_of_them_equals_the_loop(kernels: ModuleType, dataset: str, last_kernel: int) -> None:
    network = f"conv64(width=4, hidden=16, latents=3, last_kernel={last_kernel})"
    runs = tuple(run(dataset, "beta_vae", network, seed=seed, batch=2) for seed in (0, 1))
    found = []
    for engine, device in ((loop, "cpu"), (stacked, DEVICE)):
        packed = pack(runs, device)
        state = begin(packed)
        outputs = forward(packed, state, engine, draw_batch(packed, 0), 0.0)
        found.append((outputs.nll, *torch.autograd.grad(outputs.nll.sum(), list(state.params.values()))))
    for one, other in zip(*found, strict=True):
        assert (one - other.cpu()).norm() <= 1e-4 * one.norm()


@pytest.mark.parametrize(("options", "side"), [
    (((2, 1), (1, 1), (1, 1), False, (0, 0), 1), 8),
    (((2, 2), (1, 1), (2, 2), False, (0, 0), 1), 8),
    (((2, 2), (1, 1), (1, 1), False, (0, 0), 2), 8),
    (((2, 2), (1, 1), (1, 1), True, (1, 1), 1), 8),
    (((2, 2), (1, 1), (1, 1), False, (0, 0), 1), 9),
    (((4, 4), (1, 1), (1, 1), True, (0, 0), 1), 8),
])  # fmt: skip
def test_other_layers_are_left_to_torch(options: tuple, side: int) -> None:
    assert not _convolution._suits(torch.empty(1, 1, 4, side, side), torch.empty(1, 4, 4, 4, 4), options)


def test_a_machine_that_cannot_compile_them_does_without(kernels: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*_: object) -> Tensor:
        raise RuntimeError("Failed to find C compiler. Please specify via CC environment variable.")

    assert kernels.can_compile(DEVICE)
    monkeypatch.setattr(kernels, "convolve", no_compiler)
    assert not kernels.can_compile(DEVICE)

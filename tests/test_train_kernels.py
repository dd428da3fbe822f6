"""Our kernels for GPUs are the convolutions of torch: run there, or on a CPU by Triton's interpreter."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu

from distaff.runs import run
from distaff.training.device import exact
from distaff.training.engines.channels_last import to_channels_last
from distaff.training.engines.loop import loop
from distaff.training.engines.stacked import stacked
from distaff.training.kernels import convolution as _convolution
from distaff.training.kernels.shapes import Activation, Convolution
from distaff.training.pack import begin, pack
from distaff.training.step import draw_batch

pytest.importorskip("triton")
from triton_bounds import interpreted

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
    "more positions than a program takes": ((1, 3, 16, 16, 12), 3, 1, 1, False),
}


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("layer", list(LAYERS.values()), ids=list(LAYERS))
def test_a_layer_and_its_gradients_are_those_of_torch(kernels: ModuleType, layer: tuple, biased: bool) -> None:
    for found, expected in both(*layer, biased):
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)


@settings(max_examples=8)
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


class Layer(NamedTuple):
    """A layer of k models, and what it is given."""

    channels: tuple[int, int]
    sides: tuple[int, int]
    kernel: tuple[int, int]
    how: Convolution
    k: int = 2
    b: int = 2


FUSED = {
    "a picture": Layer((1, 16), (8, 12), (4, 4), Convolution(2, 1, False)),
    "in colour": Layer((3, 5), (8, 8), (4, 4), Convolution(2, 1, False)),
    "more channels than a block takes": Layer((33, 20), (4, 4), (4, 4), Convolution(2, 1, False), 1),
    "no overlap": Layer((16, 24), (8, 4), (2, 2), Convolution(2, 0, False)),
    "every pixel": Layer((6, 5), (5, 7), (3, 2), Convolution(1, 1, False)),
    "edges that no tap reads": Layer((5, 3), (6, 3), (3, 3), Convolution(3, 1, False)),
    "without a margin": Layer((2, 3), (8, 8), (4, 4), Convolution(2, 0, False)),
    "one pixel": Layer((20, 9), (2, 2), (2, 2), Convolution(2, 0, False)),
    "transposed": Layer((20, 40), (4, 4), (4, 4), Convolution(2, 1, True), 1),
    "transposed, to a picture": Layer((16, 1), (4, 6), (4, 4), Convolution(2, 1, True), 2, 3),
    "transposed, to colour": Layer((16, 3), (4, 4), (4, 4), Convolution(2, 1, True)),
    "transposed, without a margin": Layer((6, 1), (4, 4), (4, 4), Convolution(2, 0, True)),
    "transposed, with a wide margin": Layer((6, 1), (4, 4), (4, 4), Convolution(2, 2, True), 1),
    "transposed, by three": Layer((5, 6), (6, 6), (3, 3), Convolution(3, 0, True), 1),
}
ACTIVATIONS = [Activation(), Activation("relu"), Activation("leaky", 0.2), Activation("tanh")]
LAYOUTS = [("last", "last"), ("first", "first"), ("last", "first"), ("first", "last")]  # of x and of what is above
BOUNDS = {torch.float32: 1e-5, torch.bfloat16: 1e-2}


def activated(x: Tensor, act: Activation) -> Tensor:
    functions = {"none": lambda: x, "relu": x.relu, "tanh": x.tanh, "leaky": lambda: leaky_relu(x, act.slope)}
    return functions[act.name]()


def derivative(y: Tensor, act: Activation) -> Tensor:
    """Of an activation, from its output."""
    slope = torch.where(y > 0, 1.0, act.slope if act.name == "leaky" else 0.0)
    return {"none": torch.ones_like(y), "tanh": 1 - y * y}.get(act.name, slope)


def laid_out(stack: Tensor, layout: str) -> Tensor:
    return to_channels_last(stack) if layout == "last" else stack.contiguous()


def in_an_arena(k: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Random numbers [k *shape], model after model at a distance; what lies between is NaN."""
    size = math.prod(shape)
    arena = torch.full((k, size + 32 - size % 16), math.nan, dtype=dtype, device=DEVICE)
    arena[:, :size] = torch.randn(k, size)
    return arena[:, :size].view(k, *shape)


def in_torch(stack: Tensor, how: Convolution) -> Tensor:
    """Kernels [k p q i o] in torch's order of axes."""
    return stack.permute((0, 3, 4, 1, 2) if how.transposed else (0, 4, 3, 1, 2))


@pytest.fixture
def poisoned(kernels: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The kernels, whose outputs are NaN before they are written, and whose addresses are checked."""
    memory = kernels._images
    monkeypatch.setattr(kernels, "_images", lambda *like: memory(*like).fill_(math.nan))
    with interpreted():
        yield kernels


def gradients(
    kernels: ModuleType, x: Tensor, above: Tensor, sides: tuple[int, int], how: Convolution, scale: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Of a kernel [s k p q i o] and of a bias [s k o], in parts."""
    k, i, o = len(x), x.shape[2], above.shape[2]
    shape = in_torch(torch.empty(k, *sides, i, o), how).shape
    parts = kernels.parts_of_convolution(x.shape, shape, how, x.dtype)
    of_w = torch.full((parts, k, *sides, i, o), math.nan, device=DEVICE)
    of_b = torch.full((parts, k, o), math.nan, device=DEVICE)
    kernels.convolve_weights(x, above, of_w, of_b, how, scale)
    return of_w, of_b


def assert_right(
    kernels: ModuleType, layer: Layer, act: Activation, dtype: torch.dtype, layouts: tuple[str, str]
) -> None:
    """A layer and its gradients are those of torch in float64, relative to their norms."""
    (i, o), (k, b, how) = layer.channels, (layer.k, layer.b, layer.how)
    torch.manual_seed(i + 7 * o)
    x = laid_out(activated(torch.randn(k, b, i, *layer.sides), act).to(DEVICE, dtype), layouts[0])
    w = in_torch(in_an_arena(k, (*layer.kernel, i, o), dtype), how)
    bias, scale = in_an_arena(k, (o,), torch.float32), torch.rand(k, device=DEVICE) + 0.5
    exact = [part.detach().cpu().double().contiguous().requires_grad_() for part in (x, w, bias)]
    raw = of_torch(*exact, ((how.stride, 0), (how.padding, 0), (1, 1), how.transposed, (0, 0), 1))
    above = laid_out(torch.randn(raw.shape).to(DEVICE, dtype), layouts[1])
    of_x, *of_weights = torch.autograd.grad(raw, exact, above.cpu().double() * scale.cpu()[:, None, None, None, None])

    y = kernels.convolve(x, w, bias, how, act, layouts[1])
    below = kernels.convolve_below(above, w, x, how, act, layouts[0], scale)
    of_w, of_b = gradients(kernels, x, above, layer.kernel, how, scale)
    found = [y, below, in_torch(of_w.sum(0), how), of_b.sum(0)]
    wanted = [activated(raw, act), of_x * derivative(exact[0], act), *of_weights]
    for mine, theirs in zip(found, wanted, strict=True):
        assert (mine.cpu() - theirs.detach()).norm() <= BOUNDS[dtype] * theirs.detach().norm()
    for mine, layout in ((y, layouts[1]), (below, layouts[0])):
        assert mine.dtype == dtype
        assert (mine.movedim(2, 4) if layout == "last" else mine).is_contiguous()


@pytest.mark.parametrize("dtype", list(BOUNDS), ids=["fp32", "bf16"])
@pytest.mark.parametrize("layer", list(FUSED.values()), ids=list(FUSED))
def test_a_fused_layer_and_its_gradients_are_those_of_float64(
    poisoned: ModuleType, layer: Layer, dtype: torch.dtype
) -> None:
    at = list(FUSED.values()).index(layer) + (dtype == torch.bfloat16)
    assert_right(poisoned, layer, ACTIVATIONS[at % 4], dtype, LAYOUTS[at // 4 % 4])


@pytest.mark.parametrize("dtype", list(BOUNDS), ids=["fp32", "bf16"])
@pytest.mark.parametrize("layouts", LAYOUTS, ids=" above ".join)
@pytest.mark.parametrize("act", ACTIVATIONS, ids=lambda act: act.name)
@pytest.mark.parametrize("transposed", [False, True], ids=["plain", "transposed"])
def test_every_activation_in_every_layout(
    poisoned: ModuleType, transposed: bool, act: Activation, layouts: tuple[str, str], dtype: torch.dtype
) -> None:
    layer = Layer((3, 5), (4, 4), (4, 4), Convolution(2, 1, transposed), 2, 1)
    assert_right(poisoned, layer, act, dtype, layouts)


@settings(max_examples=15)
@given(
    sizes=st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 18), st.integers(1, 18)),
    more=st.tuples(st.integers(0, 4), st.integers(0, 4)), taps=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    stride=st.integers(1, 3), padding=st.integers(0, 2), transposed=st.booleans(), act=st.sampled_from(ACTIVATIONS),
    layouts=st.sampled_from(LAYOUTS),
)  # fmt: skip
def test_any_fused_layer_is_that_of_float64(
    kernels: ModuleType, sizes: tuple[int, ...], more: tuple[int, int], taps: tuple[int, int], stride: int,
    padding: int, transposed: bool, act: Activation, layouts: tuple[str, str],
) -> None:  # fmt: skip
    kernel = taps[0] * stride, taps[1] * stride
    sides = kernel[0] + more[0], kernel[1] + more[1]
    if transposed and min((side - 1) * stride + size for side, size in zip(sides, kernel, strict=True)) <= 2 * padding:
        return
    layer = Layer(sizes[2:], sides, kernel, Convolution(stride, padding, transposed), *sizes[:2])
    with interpreted():
        assert_right(kernels, layer, act, torch.float32, layouts)


def test_parts_are_as_many_as_are_said(kernels: ModuleType) -> None:
    how, x, above = Convolution(2, 1, False), torch.randn(1, 4, 3, 16, 16), torch.randn(1, 4, 5, 8, 8)
    parts = kernels.parts_of_convolution(x.shape, (1, 5, 3, 4, 4), how, x.dtype)
    assert parts > 1
    with pytest.raises(ValueError, match=f"a gradient that is written in {parts}"):
        kernels.convolve_weights(x, above, torch.empty(1, 1, 4, 4, 3, 5), None, how)


@pytest.mark.parametrize("act", ACTIVATIONS, ids=lambda act: act.name)
def test_what_is_not_a_number_stays_so(kernels: ModuleType, act: Activation) -> None:
    how, x = Convolution(2, 1, False), torch.full((1, 1, 4, 4, 4), math.nan, device=DEVICE)
    w = in_torch(in_an_arena(1, (4, 4, 4, 3), torch.float32), how)
    y = kernels.convolve(x, w, None, how, act, "last")
    assert y.isnan().all()
    for part in gradients(kernels, torch.zeros_like(x), y, (4, 4), how, None):
        assert part.isnan().all()


@pytest.mark.parametrize("transposed", [False, True], ids=["plain", "transposed"])
@pytest.mark.parametrize("channels", [(1, 8), (16, 8), (8, 3)])
def test_the_sums_of_a_model_do_not_depend_on_its_neighbours(
    kernels: ModuleType, channels: tuple[int, int], transposed: bool
) -> None:
    (i, o), how, relu = channels, Convolution(2, 1, transposed), Activation("relu")
    x = to_channels_last(torch.randn(3, 3, i, 6, 6, device=DEVICE))
    w, bias = in_torch(in_an_arena(3, (4, 4, i, o), torch.float32), how), torch.randn(3, o, device=DEVICE)
    above = kernels.convolve(x, w, bias, how, relu, "last")

    def of(k: slice) -> list[Tensor]:
        images = [kernels.convolve(x[k], w[k], bias[k], how, relu, "last")]
        images.append(kernels.convolve_below(above[k], w[k], x[k], how, relu, "last", bias[k, 0]))
        return images + [part.movedim(1, 0) for part in gradients(kernels, x[k], above[k], (4, 4), how, bias[k, 0])]

    for among, alone in zip(of(slice(0, 3)), of(slice(1, 2)), strict=True):
        assert torch.equal(among[1:2], alone)


def compiled(layer: str, precision: str, capability: int, folder: Path) -> list[dict[str, object]]:
    """What the kernels of a layer of conv64 need, 32 models at batch 64, compiled by a process that interprets none."""
    script = [sys.executable, Path(__file__).parent / "triton_offline.py", str(capability), layer, precision]
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(folder)}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_fast(found: list[dict[str, object]], precision: str, capability: int) -> None:
    """No register is spilled, memory is what a GPU has, and its fast instructions do the large products."""
    for kernel in found:
        assert kernel["spilled"] == 0, kernel
        assert kernel["shared"] <= {80: 163, 90: 227}[capability] * 1024, kernel
        assert kernel["wgmma"] + kernel["mma"] > 0, kernel
        if capability == 90 and precision == "bf16" and not kernel["layer"].startswith(("down1", "up4")):
            assert kernel["wgmma"] > 0, kernel
            assert kernel["mma"] == 0, kernel


def test_a_layer_of_conv64_compiles_for_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    found = compiled("down3", "bf16", 90, tmp_path)
    assert [kernel["kernel"] for kernel in found] == ["gather", "spread", "of_weights"]
    assert_fast(found, "bf16", 90)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("capability", [80, 90])
def test_all_of_conv64_compiles_for_gpus_that_are_not_there(tmp_path: Path, capability: int, precision: str) -> None:
    found = compiled("conv64", precision, capability, tmp_path)
    assert len(found) == 28
    assert_fast(found, precision, capability)


@pytest.mark.parametrize(("dataset", "last_kernel"), [("dsprites", 4), ("color_dsprites", 2)])
@pytest.mark.slow
def test_a_network_of_them_equals_the_loop(kernels: ModuleType, dataset: str, last_kernel: int) -> None:
    network = f"conv64(width=4, hidden=16, latents=3, last_kernel={last_kernel})"
    runs = tuple(run(dataset, "beta_vae", network, seed=seed, batch=2) for seed in (0, 1))
    found = []
    for engine, device in ((loop, "cpu"), (stacked, DEVICE)):
        packed = pack(runs, device)
        state = begin(packed)
        drawn = draw_batch(packed, 0)
        nll, *_ = engine(packed.vae, state.params, drawn.x, drawn.noise)
        found.append((nll, *torch.autograd.grad(nll.sum(), list(state.params.values()))))
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

"""Dense layers of k models, by torch and by Triton, are the products that their names say, in float64."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import leaky_relu

from distaff.training.kernels import torch_dense
from distaff.training.kernels.shapes import Activation

pytest.importorskip("triton")
from triton_bounds import interpreted

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TRITON = "triton_dense"
BOTH = ["torch_dense", TRITON]
ACTIVATIONS = [Activation(), Activation("relu"), Activation("leaky", 0.2), Activation("tanh")]
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
SIZES = {  # models, rows, inputs, outputs
    "one": (1, 1, 1, 1),
    "latents": (2, 4, 10, 18),
    "logits": (2, 5, 16, 2),
    "wide": (1, 3, 130, 133),
    "rows": (1, 130, 9, 17),
    "aligned": (2, 16, 32, 32),
}


@pytest.fixture(autouse=True)
def _interpreted_and_poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is new in memory is NaN: no kernel may leave some of its output as it was."""
    plain = torch.Tensor.new_empty

    def poisoned_memory(like: Tensor, *sizes: int, **options: object) -> Tensor:
        memory = plain(like, *sizes, **options)
        return memory.fill_(float("nan")) if memory.is_floating_point() else memory

    monkeypatch.setattr(torch.Tensor, "new_empty", poisoned_memory)
    with interpreted():
        yield


class Layer(NamedTuple):
    """A layer of k models, of weights that lie in an arena: x is the output of an activation."""

    x: Tensor
    w: Tensor
    b: Tensor
    above: Tensor


def kernels(name: str) -> object:
    return importlib.import_module(f"distaff.training.kernels.{name}")


def place(name: str) -> str:
    return DEVICE if name == TRITON else "cpu"


def in_an_arena(stack: Tensor) -> Tensor:
    """The stack [k ...] as a view of an arena in which other weights stand before and behind, NaN here."""
    k, n = stack.shape[0], stack[0].numel()
    arena = torch.full((k, 32 + -(-n // 16) * 16), float("nan"), dtype=stack.dtype, device=stack.device)
    view = arena[:, 16 : 16 + n].view(stack.shape)
    view.copy_(stack)
    return view


def layer(sizes: tuple[int, int, int, int], dtype: torch.dtype, device: str, act: Activation) -> Layer:
    k, b, i, o = sizes
    generator = torch.Generator().manual_seed(sum(sizes))
    drawn = [torch.randn(shape, generator=generator) for shape in ((k, b, i), (k, o, i), (k, o), (k, b, o))]
    x, w, bias, above = (part.to(device) for part in drawn)
    x = exact_activation(x, act)
    return Layer(x.to(dtype), in_an_arena(w.to(dtype)), in_an_arena(bias), above.to(dtype))


def exact_activation(x: Tensor, act: Activation) -> Tensor:
    return {"none": lambda: x, "relu": x.relu, "leaky": lambda: leaky_relu(x, act.slope), "tanh": x.tanh}[act.name]()


def derivative(y: Tensor, act: Activation) -> Tensor:
    slopes = torch.where(y > 0, 1.0, act.slope).double()
    return {"none": torch.ones_like(y), "relu": slopes, "leaky": slopes, "tanh": 1 - y * y}[act.name]


def error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected).norm() / expected.norm().clamp_min(1e-30))


def poisoned(*shape: int, device: str) -> Tensor:
    return torch.full(shape, float("nan"), device=device)


def weights_of(name: str, of: Layer) -> tuple[Tensor, Tensor]:
    """The parts that `dense_weights` writes, into memory that was NaN."""
    (k, b, i), o, device = of.x.shape, of.above.shape[2], of.x.device.type
    s = kernels(name).parts_of_dense(b, i, o)
    of_w, of_b = poisoned(s, k, o, i, device=device), poisoned(s, k, o, device=device)
    kernels(name).dense_weights(of.x, of.above, of_w, of_b)
    return of_w, of_b


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("sizes", list(SIZES.values()), ids=list(SIZES))
@pytest.mark.parametrize("name", BOTH)
def test_a_layer_and_its_gradients_are_exact(name: str, sizes: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    of = layer(sizes, dtype, place(name), ACTIVATIONS[1])
    x, w, b, above = (part.double() for part in of)
    of_w, of_b = weights_of(name, of)
    y = kernels(name).dense(of.x, of.w, of.b, Activation())
    below = kernels(name).dense_below(of.above, of.w, of.x, Activation())
    assert (y.dtype, below.dtype) == (dtype, dtype)
    assert y.is_contiguous()
    assert below.is_contiguous()
    assert error(y, torch.einsum("kbi,koi->kbo", x, w) + b[:, None]) < TOLERANCE[dtype]
    assert error(below, torch.einsum("kbo,koi->kbi", above, w)) < TOLERANCE[dtype]
    assert error(of_w.sum(0), torch.einsum("kbo,kbi->koi", above, x)) < TOLERANCE[dtype]
    assert error(of_b.sum(0), above.sum(1)) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("act", ACTIVATIONS, ids=[act.name for act in ACTIVATIONS])
@pytest.mark.parametrize("name", BOTH)
def test_an_activation_ends_a_layer_and_masks_the_gradient_below_the_next(
    name: str, act: Activation, dtype: torch.dtype
) -> None:
    of = layer((2, 6, 12, 18), dtype, place(name), act)
    x, w, b, above = (part.double() for part in of)
    y = kernels(name).dense(of.x, of.w, of.b, act)
    below = kernels(name).dense_below(of.above, of.w, of.x, act)
    expected = exact_activation(torch.einsum("kbi,koi->kbo", x, w) + b[:, None], act)
    assert error(y, expected) < TOLERANCE[dtype]
    assert error(below, torch.einsum("kbo,koi->kbi", above, w) * derivative(x, act)) < TOLERANCE[dtype]


@pytest.mark.parametrize("name", BOTH)
def test_a_tanh_of_small_and_large_numbers_keeps_its_digits(name: str) -> None:
    x = torch.tensor([1e-6, -1e-3, 0.09, -0.11, 0.5, -3.0, 20.0, -200.0], device=place(name)).reshape(8, 1, 1)
    ones, zeros = torch.ones(8, 1, 1, device=place(name)), torch.zeros(8, 1, device=place(name))
    found = kernels(name).dense(x, in_an_arena(ones), in_an_arena(zeros), Activation("tanh"))
    torch.testing.assert_close(found.double(), x.double().tanh(), rtol=2e-6, atol=0)


@pytest.mark.parametrize("name", BOTH)
def test_a_model_that_diverged_is_seen_to_and_alone(name: str) -> None:
    of = layer((3, 4, 5, 6), torch.float32, place(name), ACTIVATIONS[0])
    whole = kernels(name).dense(of.x, of.w, of.b, ACTIVATIONS[1])
    of.x[1] = float("nan")
    found = kernels(name).dense(of.x, of.w, of.b, ACTIVATIONS[1])
    assert found[1].isnan().all()
    assert torch.equal(found[::2], whole[::2])


@settings(max_examples=25)
@given(st.tuples(*(st.integers(1, most) for most in (3, 20, 36, 36))), st.sampled_from(ACTIVATIONS), st.booleans())
def test_any_layer_is_exact(sizes: tuple[int, int, int, int], act: Activation, half: bool) -> None:
    dtype = torch.bfloat16 if half else torch.float32
    for name in BOTH:
        of = layer(sizes, dtype, place(name), act)
        x, w, b, above = (part.double() for part in of)
        of_w, _ = weights_of(name, of)
        y, below = (
            kernels(name).dense(of.x, of.w, of.b, act),
            kernels(name).dense_below(of.above, of.w, of.x, act),
        )
        most = TOLERANCE[dtype]
        expected = exact_activation(torch.einsum("kbi,koi->kbo", x, w) + b[:, None], act)
        assert float((y.double() - expected).norm()) < most * max(1.0, float(expected.norm()))
        expected = torch.einsum("kbo,koi->kbi", above, w) * derivative(x, act)
        assert float((below.double() - expected).norm()) < most * max(1.0, float(expected.norm()))
        assert error(of_w.sum(0), torch.einsum("kbo,kbi->koi", above, x)) < most or not x.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("sizes", [(5, 5, 7, 9), (4, 64, 64, 12), (3, 20, 130, 33)])
@pytest.mark.parametrize("name", BOTH)
def test_the_numbers_of_a_model_do_not_depend_on_its_neighbours(
    name: str, sizes: tuple[int, int, int, int], dtype: torch.dtype
) -> None:
    of = layer(sizes, dtype, place(name), ACTIVATIONS[2])
    alone = Layer(*(part[1:2] for part in of))
    for one in (
        lambda of: kernels(name).dense(of.x, of.w, of.b, ACTIVATIONS[2]),
        lambda of: kernels(name).dense_below(of.above, of.w, of.x, ACTIVATIONS[2]),
        lambda of: weights_of(name, of)[0].sum(0),
        lambda of: weights_of(name, of)[1].sum(0),
    ):
        assert torch.equal(one(of)[1:2], one(alone))


def test_many_rows_are_summed_in_parts() -> None:
    of = layer((2, 700, 3, 4), torch.float32, DEVICE, ACTIVATIONS[0])
    of_w, of_b = weights_of(TRITON, of)
    x, above = of.x.double(), of.above.double()
    assert of_w.shape == (2, 2, 4, 3)
    for part, rows in enumerate((slice(0, 512), slice(512, 700))):
        assert error(of_w[part], torch.einsum("kbo,kbi->koi", above[:, rows], x[:, rows])) < 1e-5
        assert error(of_b[part], above[:, rows].sum(1)) < 1e-5


def test_large_products_of_half_precision_stay_half(monkeypatch: pytest.MonkeyPatch) -> None:
    of = layer((2, 4, 40, 24), torch.bfloat16, "cpu", ACTIVATIONS[1])
    x, w, b, above = (part.double() for part in of)
    monkeypatch.setattr(torch_dense, "SMALL", 0)
    of_w, of_b = weights_of("torch_dense", of)
    assert error(torch_dense.dense(of.x, of.w, of.b, Activation()), x @ w.mT + b[:, None]) < 1e-2
    assert error(torch_dense.dense_below(of.above, of.w, of.x, Activation()), above @ w) < 1e-2
    assert error(of_w[0], above.mT @ x) < 1e-2
    assert error(of_b[0], above.sum(1)) < 1e-5


SHARED = {80: 163 * 1024, 90: 227 * 1024}  # bytes that a block can have
LARGE = {"to codes", "to images", "inner"}


@pytest.mark.parametrize(("capability", "precision", "layers"), [
    (90, "bf16", ["inner", "adam"]),
    pytest.param(90, "bf16", [], marks=pytest.mark.slow), pytest.param(90, "fp32", [], marks=pytest.mark.slow),
    pytest.param(80, "bf16", [], marks=pytest.mark.slow), pytest.param(80, "fp32", [], marks=pytest.mark.slow),
])  # fmt: skip
def test_they_compile_for_gpus_without_spills(capability: int, precision: str, layers: list[str]) -> None:
    program = Path(__file__).with_name("triton_offline_dense.py")
    found = subprocess.run(
        [sys.executable, program, str(capability), precision, *layers],
        env=os.environ | {"TRITON_INTERPRET": "0"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    needs = [json.loads(line) for line in found.stdout.splitlines()]
    assert {need["kernel"] for need in needs} == {"_rows", "_weights", "_weights_adam", "_adam"}
    for need in needs:
        assert need["spilled"] == 0, need
        assert need["shared"] <= SHARED[capability], need
        if need["layer"] in LARGE and capability == 90:
            assert need["wgmma"] > 0, need
        if need["kernel"] == "_adam":  # of a thread's 8 weights one by one, where tensors begin anywhere
            assert need["stores"] > 3 * 8, need

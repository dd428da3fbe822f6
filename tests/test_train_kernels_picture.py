"""The likelihood's kernels are its formula in float64, with the decoder's last layer or alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv_transpose2d, softplus

from distaff.training.kernels.stored import Stored

pytest.importorskip("triton")
from triton_bounds import interpreted

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
LIMIT = {torch.float32: 1e-5, torch.bfloat16: 1e-2}


@pytest.fixture(scope="module")
def kernels() -> Iterator[SimpleNamespace]:
    from distaff.training.kernels import triton_picture

    def poisoned(kernel: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., tuple[Tensor, Tensor]]:
        """The kernel, whose memory is NaN before it writes."""

        def run(*arguments: object) -> tuple[Tensor, Tensor]:
            torch.use_deterministic_algorithms(True)
            try:
                return kernel(*arguments)
            finally:
                torch.use_deterministic_algorithms(False)

        return run

    with interpreted():
        yield SimpleNamespace(
            picture=poisoned(triton_picture.picture),
            likelihood=poisoned(triton_picture.likelihood),
            pictured=triton_picture.pictured,
        )


def innermost(images: Tensor) -> Tensor:
    """The same numbers, channels innermost in memory."""
    return images.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)


def layer(k: int, b: int, inputs: int, channels: int, sides: tuple[int, int], dtype: torch.dtype) -> list[Tensor]:
    """x, w and bias of k models, laid out as the kernel is given them: weights in an arena, with gaps of NaN."""
    generator = torch.Generator().manual_seed(k + 10 * inputs + channels)
    x = torch.randn(k, b, inputs, *sides, generator=generator).to(dtype)
    entries = 16 * inputs * channels
    arena = torch.full((k, 16 * (entries // 16 + 3)), torch.nan, dtype=dtype)
    arena[:, 16 : 16 + entries] = torch.randn(k, entries, generator=generator).to(dtype) / inputs**0.5
    w = arena[:, 16 : 16 + entries].unflatten(1, (4, 4, inputs, channels)).permute(0, 3, 4, 1, 2)
    bias = torch.full((k, 16 + channels), torch.nan)
    bias[:, 16:] = torch.randn(k, channels, generator=generator)
    return [innermost(x.to(DEVICE)), w.to(DEVICE), bias.to(DEVICE)[:, 16:]]


def stored(k: int, b: int, channels: int, sides: tuple[int, int], packed: bool) -> Stored:
    generator = torch.Generator().manual_seed(b)
    rows = torch.randint(5, (k, b), generator=generator).to(DEVICE)
    if packed:
        return Stored(torch.randint(-(2**63), 2**63 - 1, (5, sides[0]), generator=generator).to(DEVICE), rows)
    return Stored(torch.randint(256, (5, *sides, channels), generator=generator, dtype=torch.uint8).to(DEVICE), rows)


def shown(target: Tensor | Stored) -> Tensor:
    """The target's pixels in float64, [k b c h w]."""
    if isinstance(target, Tensor):
        return target.double()
    images = target.images[target.rows.cpu().to(target.images.device)]
    if not target.packed:
        return images.permute(0, 1, 4, 2, 3).double() / 255
    return (images[..., None] >> torch.arange(64, device=images.device) & 1).double().unsqueeze(2)


def expected(raw: Tensor, target: Tensor | Stored) -> tuple[Tensor, Tensor]:
    """Nats of each image and the gradient, of raw numbers in float64."""
    pixels = shown(target)
    nll = softplus(raw, threshold=60) - raw * pixels
    return nll.flatten(2).sum(2), torch.sigmoid(raw) - pixels


def compare(found: tuple[Tensor, Tensor], exact: tuple[Tensor, Tensor], dtype: torch.dtype) -> None:
    assert (found[0].dtype, found[1].dtype) == (torch.float32, dtype)
    for one, other in zip(found, exact, strict=True):
        assert one.shape == other.shape
        assert (one.double() - other).norm() <= LIMIT[dtype] * other.norm()


LAYERS = {
    "one channel": (2, 3, 16, 1, (4, 6)),
    "in colour": (2, 2, 16, 3, (4, 2)),
    "odd sides, more squares than a block": (1, 2, 16, 1, (23, 25)),
    "few inputs, two channels": (3, 1, 5, 2, (3, 5)),
    "inputs in several chunks": (1, 1, 72, 1, (2, 2)),
    "as many channels as it takes": (1, 1, 16, 4, (2, 3)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("shape", list(LAYERS.values()), ids=list(LAYERS))
def test_the_last_layer_and_the_likelihood_are_those_of_torch(
    kernels: SimpleNamespace, shape: tuple, dtype: torch.dtype
) -> None:
    k, b, _, channels, (height, width) = shape
    x, w, bias = layer(*shape, dtype)
    assert kernels.pictured(channels)
    assert not kernels.pictured(5)
    target = torch.rand(k, b, channels, 2 * height, 2 * width).to(DEVICE)
    parts = zip(x.double(), w.double(), bias.double(), strict=True)
    raw = torch.stack([conv_transpose2d(*part, 2, 1) for part in parts])
    bytes_ = stored(k, b, channels, (2 * height, 2 * width), packed=False)
    for of, last in ((target, True), (target, False), (bytes_, True)):
        found = kernels.picture(x, w, bias, of, last)
        compare(found, expected(raw, of), dtype)
        assert found[1].is_contiguous() if channels == 1 or not last else found[1].stride(2) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_a_target_may_be_a_bit_a_pixel(kernels: SimpleNamespace, dtype: torch.dtype) -> None:
    x, w, bias = layer(2, 2, 16, 1, (4, 32), dtype)
    target = stored(2, 2, 1, (8, 64), packed=True)
    raw = torch.stack(
        [conv_transpose2d(*part, 2, 1) for part in zip(x.double(), w.double(), bias.double(), strict=True)]
    )
    compare(kernels.picture(x, w, bias, target), expected(raw, target), dtype)
    compare(kernels.likelihood(raw.to(dtype), target), expected(raw.to(dtype).double(), target), dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("shape", [(2, 3, 1, 5, 7), (2, 2, 3, 4, 6), (1, 1, 1, 40, 40)], ids=str)
def test_the_likelihood_alone_is_its_formula(kernels: SimpleNamespace, shape: tuple, dtype: torch.dtype) -> None:
    k, b, channels, *sides = shape
    raw = (4 * torch.randn(shape)).to(DEVICE, dtype)
    for of in (torch.rand(shape).to(DEVICE), stored(k, b, channels, tuple(sides), packed=False)):
        exact = expected(raw.double(), of)
        for laid in (raw, innermost(raw)):
            found = kernels.likelihood(laid, of)
            compare(found, exact, dtype)
            assert channels == 1 or found[1].stride() == laid.stride()


def test_models_may_share_a_target(kernels: SimpleNamespace) -> None:
    x, w, bias = layer(3, 2, 16, 1, (2, 2), torch.float32)
    target = torch.rand(1, 2, 1, 4, 4).to(DEVICE)
    rows = stored(1, 2, 1, (4, 4), packed=False)
    of_all = Stored(rows.images, rows.rows.expand(3, -1))
    for one, other in (
        (target.expand(3, -1, -1, -1, -1), target.repeat(3, 1, 1, 1, 1)),
        (of_all, shown(of_all).float()),
    ):
        for shared, own in zip(kernels.picture(x, w, bias, one), kernels.picture(x, w, bias, other), strict=True):
            torch.testing.assert_close(shared, own, rtol=1e-6, atol=1e-6)


def test_a_pixel_that_is_nearly_certain_has_its_digits(kernels: SimpleNamespace) -> None:
    raw = torch.tensor([-90.0, -30.0, -17.0, -9.0, -1e-4, 0.0, 9.0, 17.0, 30.0, 90.0]).view(10, 1, 1, 1, 1).to(DEVICE)
    for target, towards in ((torch.zeros_like(raw), raw), (torch.ones_like(raw), -raw)):
        nll, above = kernels.likelihood(raw, target)
        exact = torch.log1p(towards.double().exp()).flatten(1)
        # a GPU's exponential rounds its argument: at 90 by 5e-6
        torch.testing.assert_close(nll.double(), exact, rtol=1e-5, atol=1e-38)
        torch.testing.assert_close(above.double(), torch.sigmoid(raw.double()) - target, rtol=1e-6, atol=1e-7)


def test_the_sums_of_a_model_do_not_depend_on_its_neighbours(kernels: SimpleNamespace) -> None:
    x, w, bias = layer(3, 2, 16, 1, (4, 4), torch.float32)
    target = torch.rand(3, 2, 1, 8, 8).to(DEVICE)
    together = (*kernels.picture(x, w, bias, target), *kernels.likelihood(target, target))
    alone = (*kernels.picture(x[1:2], w[1:2], bias[1:2], target[1:2]), *kernels.likelihood(target[1:2], target[1:2]))
    for one, other in zip(together, alone, strict=True):
        assert torch.equal(one[1:2], other)


OF_COSINE = 48  # bytes of stack that a cosine in float64 takes for angles beyond 100,000, which no draw has


def assert_compiles(folder: Path, capability: int, precision: str, *cases: str) -> list[str]:
    """The kernels of some cases, which a process that interprets none compiles: no register is spilled in any."""
    program = Path(__file__).with_name("triton_offline_draws.py")
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(folder)}
    script = [sys.executable, program, str(capability), precision, *cases]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for kernel in found:
        assert kernel["spilled"] <= (OF_COSINE if kernel["kernel"] == "_normal" else 0), kernel
        assert kernel["shared"] <= 48 * 1024, kernel
        if kernel["kernel"] == "_picture":
            fast = capability == 90 and (precision == "bf16" or "colour" not in kernel["case"])
            assert kernel["wgmma" if fast else "mma"] > 0, kernel
    return [kernel["kernel"] for kernel in found]


def test_a_picture_of_bits_compiles_for_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    assert assert_compiles(tmp_path, 90, "bf16", "bits") == ["_picture", "_likelihood", "_look"]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("capability", [80, 90])
def test_all_pictures_and_draws_compile_for_gpus_that_are_not_there(
    tmp_path: Path, capability: int, precision: str
) -> None:
    assert len(assert_compiles(tmp_path, capability, precision)) == 17

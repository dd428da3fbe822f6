"""Compile what a function would launch for a GPU that is not there, and count what the code of it needs.

Run as a program in a process of its own, for Triton interprets or compiles from its first import on:

    python triton_offline.py 90 conv64 bf16
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime import JITFunction

TYPES = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.uint8: "*u8", torch.int32: "*i32", torch.int64: "*i64"}
LAUNCH = ("num_warps", "num_stages")


class Launch(NamedTuple):
    """A kernel with what it would be launched with; tensors may be on the device "meta"."""

    kernel: Any
    arguments: dict[str, Any]
    options: dict[str, int]


class Needs(NamedTuple):
    """What a compiled kernel takes of a GPU, and of which instructions it is made."""

    kernel: str
    registers: int
    spilled: int  # bytes of a thread's stack
    shared: int  # bytes of a block
    wgmma: int
    mma: int
    copies: int  # asynchronous, of 16 bytes
    loads: int
    stores: int


def launches(call: Callable[[], object]) -> list[Launch]:
    """What `call` would launch; nothing runs."""
    found: list[Launch] = []

    def record(self: Any, *positional: Any, grid: Any, warmup: bool, **named: Any) -> None:
        options = {name: named.pop(name) for name in LAUNCH if name in named}
        found.append(Launch(self, dict(zip(self.arg_names, positional, strict=False)) | named, options))

    with mock.patch.object(JITFunction, "run", record):
        call()
    return found


def compiled(launch: Launch, capability: int) -> Any:
    """The kernel for GPUs of this capability, as it would be compiled at its launch."""
    signature, constants, attributes = {}, {}, {}
    for at, parameter in enumerate(launch.kernel.params):
        value = launch.arguments[parameter.name]
        divisible = isinstance(value, torch.Tensor) or (type(value) is int and value % 16 == 0)
        if parameter.is_constexpr or value is None or (type(value) is int and value == 1):
            signature[parameter.name], constants[(at,)] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[parameter.name] = TYPES[value.dtype]
        else:
            signature[parameter.name] = "fp32" if isinstance(value, float) else "i32" if value < 2**31 else "i64"
        if divisible and signature[parameter.name] != "constexpr":
            attributes[(at,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=launch.kernel, signature=signature, constexprs=constants, attrs=attributes)
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=launch.options)


def needs(launch: Launch, capability: int) -> Needs:
    """What the kernel of a launch needs of a GPU of this capability."""
    found = compiled(launch, capability)
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(found.asm["cubin"])
        file.flush()
        usage = subprocess.run([tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True)
    registers, stack = (int(re.search(rf"{name}:(\d+)", usage.stdout)[1]) for name in ("REG", "STACK"))
    counts = [len(re.findall(pattern, found.asm["ptx"])) for pattern in (
        r"wgmma\.mma_async", r"mma\.sync", r"cp\.async\.c[ga][^;]*, 0x10", r"ld\.global", r"st\.global",
    )]  # fmt: skip
    return Needs(launch.kernel.__name__, registers, stack, found.metadata.shared, *counts)


# a layer: channels of its input and of its output, side of its images, its kernel, stride, padding, transposed
CONV64 = {
    "down1": (1, 32, 64, 4, 2, 1, False), "down2": (32, 32, 32, 4, 2, 1, False), "down3": (32, 64, 16, 2, 2, 0, False),
    "down4": (64, 64, 8, 2, 2, 0, False), "up1": (64, 64, 4, 4, 2, 1, True), "up2": (64, 32, 8, 4, 2, 1, True),
    "up3": (32, 32, 16, 4, 2, 1, True), "up4": (32, 1, 32, 4, 2, 1, True),
    "down1, in colour": (3, 32, 64, 4, 2, 1, False), "up4, in colour": (32, 3, 32, 4, 2, 1, True),
}  # fmt: skip


def of_convolution(name: str, dtype: torch.dtype, k: int = 32, b: int = 64) -> list[Launch]:
    """What a layer of conv64 launches: forward, gradient below, and of weights."""
    from distaff.training.kernels import triton_convolution as kernels
    from distaff.training.kernels.shapes import Activation, Convolution

    inputs, outputs, side, kernel, stride, padding, transposed = CONV64[name]
    how, relu = Convolution(stride, padding, transposed), Activation("relu")
    memory = torch.empty(k, kernel, kernel, inputs, outputs, dtype=dtype, device="meta")
    w = memory.permute((0, 3, 4, 1, 2) if transposed else (0, 4, 3, 1, 2))
    bias = torch.empty(k, outputs, device="meta")
    x = kernels._images(torch.empty(k, b, dtype=dtype, device="meta"), inputs, (side, side), "last")

    def layer() -> None:
        above = kernels.convolve(x, w, bias, how, relu if outputs > 3 else Activation(), "last")
        if inputs > 3:
            kernels.convolve_below(above, w, x, how, relu, "last", bias[:, 0] if outputs <= 3 else None)
        parts = kernels.parts_of_convolution(x.shape, w.shape, how, dtype)
        of_w = torch.empty(parts, *memory.shape, device="meta")
        kernels.convolve_weights(x, above, of_w, torch.empty(parts, k, outputs, device="meta"), how)

    return launches(layer)


if __name__ == "__main__":
    assert os.environ.get("TRITON_INTERPRET", "0") != "1", "Triton would interpret"
    capability, wanted, precision = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    for name in CONV64 if wanted == "conv64" else [wanted]:
        for launch in of_convolution(name, torch.bfloat16 if precision == "bf16" else torch.float32):
            sys.stdout.write(json.dumps({"layer": name, **needs(launch, capability)._asdict()}) + "\n")

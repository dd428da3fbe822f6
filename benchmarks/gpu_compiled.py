"""Compile Triton's kernels in many processes at once: one after the other, as they are launched, takes minutes."""

from __future__ import annotations

import importlib
import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any
from unittest import mock

import torch
import triton

from distaff.runs import Run
from distaff.training.engines.loop import loop
from distaff.training.kernels import cuda
from distaff.training.pack import begin, pack
from distaff.training.passes.autograd import autograd_passes
from distaff.training.passes.by_hand import chained
from distaff.training.step import clock, draw_batch, update_models

Launch = tuple[str, str, tuple[Any, ...], dict[str, Any]]


def compile_kernels(packs: Iterable[tuple[Run, ...]]) -> None:
    """Compile what one update of each pack launches."""
    launches: dict[str, Launch] = {}
    for runs in packs:
        for launch in launched(runs):
            launches[repr(launch)] = launch
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as processes:
        for launch, wrong in zip(launches.values(), processes.map(compiled, launches.values()), strict=True):
            if wrong:
                print(f"{launch[1]} {launch[2]}: {wrong}")


def launched(runs: tuple[Run, ...]) -> list[Launch]:
    """The launches of one update on the CPU, where none is made; tensors are described."""
    launches: list[Launch] = []

    def record(kernel: Any, *args: Any, **options: Any) -> None:
        options = {name: option for name, option in options.items() if name not in ("grid", "warmup")}
        described = tuple(_described(arg) for arg in args)
        launches.append((kernel.fn.__module__, kernel.fn.__qualname__, described, options))

    packed = pack(runs)
    state = begin(packed)
    with mock.patch.object(triton.JITFunction, "run", record):
        passes = chained(packed, state, cuda, autograd_passes(packed, state, loop))
        update_models(packed, state, passes, draw_batch(packed, 0), clock(packed, 0))
    return launches


def _described(arg: Any) -> Any:
    return ("tensor", arg.dtype, arg.data_ptr() % 16 == 0) if isinstance(arg, torch.Tensor) else arg


def compiled(launch: Launch) -> str:
    """Compile one launch, which puts it into Triton's cache; what is wrong with it, if something is."""
    module, name, args, options = launch
    kernel = getattr(importlib.import_module(module), name)
    try:
        kernel.run(*map(_like, args), grid=(1,), warmup=True, **options)
    except Exception as error:  # noqa: BLE001  (of a compiler, whatever it raises: the others are compiled)
        return f"{type(error).__name__}: {error}"
    return ""


def _like(arg: Any) -> Any:
    if not (isinstance(arg, tuple) and arg and arg[0] == "tensor"):
        return arg
    _, dtype, aligned = arg
    return torch.empty(16, dtype=dtype, device="cuda")[0 if aligned else 1 :]

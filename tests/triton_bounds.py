"""Triton's interpreter, made to multiply bfloat16 and to fail where a kernel touches what it was not handed.

The interpreter of Triton 3.6 and 3.7 multiplies the bit patterns of bfloat16, and rounds to it without carrying. What
it reads and writes is memory of this process, so that an address out of range goes unnoticed, or kills the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
import triton.language as tl
from numpy.typing import NDArray
from triton.runtime import interpreter


@contextmanager
def interpreted() -> Iterator[None]:
    """Kernels run within multiply bfloat16 as it is meant, and touch elements of the tensors handed to them alone.

    Raises `AssertionError` for any other address, and where a launch stores to an element twice. On a GPU, nothing.
    """
    if torch.cuda.is_available():
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        _multiply_bfloat16(patch)
        _check_addresses(patch)
        yield


def _multiply_bfloat16(patch: pytest.MonkeyPatch) -> None:
    builder, handle = interpreter.InterpreterBuilder, interpreter.TensorHandle
    plain_dot, plain_cast = builder.create_dot, builder.cast_impl

    def create_dot(self: Any, a: Any, b: Any, d: Any, *options: Any) -> Any:
        if a.dtype.scalar == tl.bfloat16:
            return handle(np.matmul(_widened(a.data), _widened(b.data)) + d.data, d.dtype.scalar)
        return plain_dot(self, a, b, d, *options)

    def cast_impl(self: Any, source: Any, wanted: Any) -> Any:
        pair = source.dtype.scalar, wanted.scalar
        if pair == (tl.bfloat16, tl.float32):
            return handle(_widened(source.data), tl.float32)
        if pair == (tl.float32, tl.bfloat16):
            return handle(_rounded(source.data), tl.bfloat16)
        return plain_cast(self, source, wanted)

    patch.setattr(builder, "create_dot", create_dot)
    patch.setattr(builder, "cast_impl", cast_impl)
    for name in ("create_fp_ext", "create_fp_trunc"):
        patch.setattr(builder, name, cast_impl)


def _widened(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    return np.asarray(torch.from_numpy(np.ascontiguousarray(bits)).view(torch.bfloat16).float())


def _rounded(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.asarray(torch.from_numpy(np.ascontiguousarray(numbers)).bfloat16().view(torch.uint16))


def _check_addresses(patch: pytest.MonkeyPatch) -> None:
    builder, executor = interpreter.InterpreterBuilder, interpreter.GridExecutor
    plain_load, plain_store = builder.create_masked_load, builder.create_masked_store
    plain_arguments, plain_call = executor._init_args_hst, executor.__call__
    handed: dict[int, NDArray[np.int64]] = {}  # by the size of an element, all their addresses, in order
    stored: list[NDArray[np.int64]] = []

    def arguments(self: Any, positional: Any, named: Any) -> Any:
        found = plain_arguments(self, positional, named)
        tensors = [one for one in (*found[0], *found[1].values()) if isinstance(one, torch.Tensor)]
        handed.clear()
        for size in {one.element_size() for one in tensors}:
            handed[size] = np.unique(np.concatenate([_addresses(one) for one in tensors if one.element_size() == size]))
        return found

    def call(self: Any, *positional: Any, **named: Any) -> None:
        stored.clear()
        plain_call(self, *positional, **named)
        addresses = np.concatenate(stored) if stored else np.empty(0, np.int64)
        assert len(np.unique(addresses)) == len(addresses), f"{self.fn.__name__} stores to an element twice"

    def touched(pointers: Any, mask: Any) -> NDArray[np.int64]:
        data = np.asarray(pointers.data)
        taken = data[np.broadcast_to(np.asarray(mask.data, bool), data.shape)].astype(np.int64).reshape(-1)
        known = handed[max(1, pointers.get_element_ty().primitive_bitwidth // 8)]
        places = np.minimum(np.searchsorted(known, taken), len(known) - 1)
        assert (known[places] == taken).all(), "an address outside the tensors of the launch"
        return taken

    def load(self: Any, pointers: Any, mask: Any, *options: Any, **named: Any) -> Any:
        touched(pointers, mask)
        return plain_load(self, pointers, mask, *options, **named)

    def store(self: Any, pointers: Any, value: Any, mask: Any, *options: Any, **named: Any) -> Any:
        stored.append(touched(pointers, mask))
        return plain_store(self, pointers, value, mask, *options, **named)

    patch.setattr(executor, "_init_args_hst", arguments)
    patch.setattr(executor, "__call__", call)
    patch.setattr(builder, "create_masked_load", load)
    patch.setattr(builder, "create_masked_store", store)


def _addresses(tensor: torch.Tensor) -> NDArray[np.int64]:
    """The address of every element, of views that leave out some too."""
    offsets = np.zeros((), np.int64)
    for size, step in zip(tensor.shape, tensor.stride(), strict=True):
        offsets = np.add.outer(offsets, np.arange(size, dtype=np.int64) * step)
    return offsets.reshape(-1) * tensor.element_size() + tensor.data_ptr()

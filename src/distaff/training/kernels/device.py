"""The kernels of a device."""

from __future__ import annotations

import functools
from typing import cast

from distaff.training.kernels import Kernels, cpu
from distaff.training.kernels.convolution import kernels_for


@functools.cache
def kernels_of(device: str) -> Kernels | None:
    """The kernels of `device`, as far as they compute a layer; None for a GPU that Triton does not compile for."""
    if device == "cpu":
        return cast(Kernels, cpu)
    if kernels_for("cuda") is None:
        return None
    from distaff.training.kernels import cuda

    return cast(Kernels, cuda)

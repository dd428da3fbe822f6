"""Slow versions of methods, written from the papers' equations: one image and one latent at a time, in plain numbers.

A file holds one function of its name, `(outputs, parameters) -> objective`. One's own stand in `oracles/` beside the
folder `methods/` that holds the method.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from distaff.methods import Outputs
from distaff.plugins.file import Plugin

Oracle: TypeAlias = Callable[[Outputs, dict[str, Any]], float]
HERE = Path(__file__).parent


def oracle_of(plugin: Plugin) -> Oracle | None:
    """The slow version of a method, if there is one: here, or in the folder `oracles` beside that of its file."""
    for path in (HERE / f"{plugin.name}.py", plugin.path.parent.parent / "oracles" / f"{plugin.name}.py"):
        if path.is_file():
            spec = importlib.util.spec_from_file_location(f"distaff_oracles.{plugin.name}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            oracle: Oracle = getattr(module, plugin.name)
            return oracle
    return None


def kl(out: Outputs) -> float:
    """sum over latents of KL(N(m, s^2) || N(0, 1)) = (s^2 + m^2 - 1 - ln s^2) / 2, one image and latent at a time."""
    total = 0.0
    for m, lv in zip(out.mean.numpy().ravel(), out.logvar.numpy().ravel(), strict=True):
        total += (math.exp(lv) + m * m - 1 - lv) / 2
    return total / len(out.mean)


def covariance(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """E[c_i c_j] - E[c_i] E[c_j], a pair of latents at a time."""
    b, d = codes.shape
    found = np.zeros((d, d))
    for i, j in itertools.product(range(d), repeat=2):
        found[i, j] = sum(codes[n, i] * codes[n, j] for n in range(b)) / b - codes[:, i].mean() * codes[:, j].mean()
    return found


def dip(matrix: NDArray[np.float64], off: float, on: float) -> float:
    """off sum_{i != j} M_ij^2 + on sum_i (M_ii - 1)^2, a number at a time."""
    total = 0.0
    for i, j in itertools.product(range(len(matrix)), repeat=2):
        total += off * matrix[i, j] ** 2 if i != j else on * (matrix[i, i] - 1) ** 2
    return total


def density(z: float, m: float, lv: float) -> float:
    """The density of N(m, e^lv) at z."""
    return math.exp(-((z - m) ** 2) / (2 * math.exp(lv))) / math.sqrt(2 * math.pi * math.exp(lv))


def ramp(out: Outputs, p: dict[str, Any]) -> float:
    """What a regulariser counts after `out.step` updates of `warmup`; 1 without one."""
    return min(1.0, float(out.step) / p["warmup"]) if p.get("warmup") else 1.0

"""Engines: the only place that knows how k models are run.

An engine is `(module, params [k ...], *inputs [k ...]) -> outputs [k ...]`: the module once for each model, with that
model's weights and inputs. It is admitted by one test: it equals `loop`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

Engine: TypeAlias = Callable[..., tuple[Tensor, ...]]

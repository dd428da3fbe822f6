"""What a critic gives: a module from codes to two logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from distaff.networks.layers.described import described
from distaff.plugins.boundary import Origin, Violation
from distaff.plugins.file import REQUIRED, Plugin
from distaff.plugins.kinds import PACKAGE

_seen: set[tuple[object, ...]] = set()


def received(origin: Origin, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The module for codes of a number of latents; once for each, those of others' plug-ins judge two codes."""
    latents = arguments[0] if arguments else keywords.get("latents")
    key = (origin, latents, str(keywords))
    if key not in _seen and not origin.path.startswith(str(PACKAGE)):
        _check(module, latents)
        _seen.add(key)
    return module


def trial(function: Callable[..., Any], plugin: Plugin) -> None:
    """Build it for ten latents."""
    if all(p.default is not REQUIRED for p in plugin.parameters):
        _check(function(10), 10)


def _check(module: Any, latents: Any) -> None:
    if not isinstance(module, nn.Module):
        raise Violation(f"it returned {described(module)}, not a module")
    weights = {name: torch.zeros(()).expand(p.shape) for name, p in module.named_parameters()}
    try:
        with torch.no_grad():
            logits = functional_call(module, weights, (torch.zeros(2, latents),))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise Violation(f"it fails on two codes of {latents} latents: {type(error).__name__}: {error}") from error
    if not isinstance(logits, Tensor) or logits.shape != (2, 2):
        raise Violation(f"it makes {described(logits)} of two codes of {latents} latents, not logits [2, 2]")

"""What a network gives: modules whose shapes follow from the images and from `latents`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from distaff.errors import DistaffError
from distaff.networks import VAE
from distaff.networks.layers.described import described
from distaff.plugins.boundary import Origin, Violation
from distaff.plugins.file import REQUIRED, Plugin
from distaff.plugins.kinds import PACKAGE

SHAPES = ((64, 64, 1), (64, 64, 3), (16, 16, 1))  # images that most data sets have
_seen: set[tuple[object, ...]] = set()


def received(origin: Origin, vae: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The modules for images of a shape; once for each shape, those of others' plug-ins carry two images through."""
    if not isinstance(vae, VAE):
        raise Violation(f"it returned {described(vae)}, not a VAE(encoder, decoder)")
    shape = tuple(arguments[0] if arguments else keywords["shape"])
    key = (origin, str(shape), str(keywords))
    if key not in _seen and not origin.path.startswith(str(PACKAGE)):
        _check_shapes(vae, shape, keywords.get("latents"))
        _seen.add(key)
    return vae


def trial(function: Callable[..., Any], plugin: Plugin) -> None:
    """Build it for images of each common shape that it does not refuse."""
    if any(p.default is REQUIRED for p in plugin.parameters):
        return
    (latents,) = (p.default for p in plugin.parameters if p.name == "latents")
    for shape in SHAPES:
        try:
            vae = function(shape)
        except DistaffError:
            continue
        if not isinstance(vae, VAE):
            raise Violation(f"it returned {described(vae)}, not a VAE(encoder, decoder)")
        _check_shapes(vae, shape, latents)


def _check_shapes(vae: VAE, shape: tuple[int, ...], latents: Any) -> None:
    height, width, channels = shape
    built = f"built for images {height} x {width} x {channels}"
    codes = _through(vae.encoder, torch.zeros(2, channels, height, width), f"{built}, its encoder")
    if latents is not None and codes.shape != (2, 2 * latents):
        raise Violation(
            f"{built}, its encoder makes {list(codes.shape)} of two images, not [2, {2 * latents}]: mean and "
            f"log-variance of latents={latents}"
        )
    images = _through(vae.decoder, torch.zeros(2, codes.shape[-1] // 2), f"{built}, its decoder")
    if images.shape != (2, channels, height, width):
        raise Violation(
            f"{built}, its decoder makes {list(images.shape)} of two codes, not [2, {channels}, {height}, {width}]"
        )


def _through(module: nn.Module, batch: Tensor, what: str) -> Tensor:
    """What a module makes of a batch, with weights of zero that take no memory."""
    own = copy.deepcopy(module).eval()
    weights = {name: torch.zeros(()).expand(p.shape) for name, p in own.named_parameters()}
    weights |= {name: torch.ones(b.shape, dtype=b.dtype) for name, b in own.named_buffers() if b.is_meta}
    try:
        with torch.no_grad():
            made = functional_call(own, weights, (batch,))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise Violation(f"{what} fails on two of them: {type(error).__name__}: {error}") from error
    if not isinstance(made, Tensor):
        raise Violation(f"{what} returns {described(made)}, not one tensor")
    return made

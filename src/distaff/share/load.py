"""A trained run as a pair of ordinary PyTorch modules."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import nn

from distaff import data
from distaff.errors import DistaffError
from distaff.networks import VAE
from distaff.networks.layers.upsample import Upsample
from distaff.plugins.registry import NETWORKS
from distaff.runs import Run
from distaff.store.store import params_in, run_in


class Pair(NamedTuple):
    """`encode` takes images [b c h w] in [0, 1] to [b 2d], means and log-variances; `decode` codes [b d] to raw pixels.

    `vae` holds both with its likelihood: `vae.picture(z)` is the image in [0, 1].
    """

    encode: nn.Module
    decode: nn.Module
    vae: VAE
    run: Run


def load(run: str | Path) -> Pair:
    """The encoder and the decoder of the run in folder `run`, such as out/quick/runs/1f0c..., ready to use.

    Raises `DistaffError` if there is no run in the folder or its weights are damaged.
    """
    folder = Path(run).resolve()
    if not (folder / "run.json").is_file():
        raise DistaffError(f"{folder} is no run: name a folder that holds run.json, such as out/quick/runs/1f0c...")
    told = run_in(folder)
    vae: VAE = NETWORKS.bind(told.network)(data.load(str(told.dataset)).shape)
    plain = VAE(_plain(vae.encoder), _plain(vae.decoder), vae.likelihood)
    plain.load_state_dict(params_in(folder), assign=True)
    plain.requires_grad_(False).eval()
    return Pair(plain.encoder, plain.decoder, plain, told)


def _plain(module: nn.Module) -> nn.Module:
    """The same layers, with torch's own classes for ours, so that any tool knows them."""
    if isinstance(module, Upsample):
        return nn.ConvTranspose2d(module.in_channels, module.out_channels, 4, 2, 1, device="meta")
    for name, child in module.named_children():
        setattr(module, name, _plain(child))
    return module

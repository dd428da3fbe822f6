"""A trained run as a pair of ordinary PyTorch modules."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import nn

from distaff import data
from distaff.errors import DistaffError
from distaff.models import VAE
from distaff.models._upsample import Upsample
from distaff.registry import NETWORKS
from distaff.spec import Run
from distaff.study.store import Store


class Pair(NamedTuple):
    """`encode` takes images [b c h w] in [0, 1] to [b 2d], means and log-variances; `decode` codes [b d] to raw pixels.

    `vae` holds both with its likelihood: `vae.picture(z)` is the image in [0, 1].
    """

    encode: nn.Sequential
    decode: nn.Sequential
    vae: VAE
    run: Run


def load(run: str | Path) -> Pair:
    """The encoder and the decoder of the run in folder `run`, such as out/quick/runs/1f0c..., ready to use.

    Raises `DistaffError` if there is no run in the folder or its weights are damaged.
    """
    folder = Path(run).resolve()
    if not (folder / "run.json").is_file():
        raise DistaffError(f"{folder} is no run: name a folder that holds run.json, such as out/quick/runs/1f0c...")
    store = Store(folder.parent.parent)
    told = store.run(folder.name)
    vae: VAE = NETWORKS.bind(told.network)(data.load(str(told.dataset)).shape)
    plain = VAE(_plain(vae.encoder), _plain(vae.decoder), vae.likelihood)
    plain.load_state_dict(store.params(folder.name), assign=True)
    plain.requires_grad_(False).eval()
    assert isinstance(plain.encoder, nn.Sequential)
    assert isinstance(plain.decoder, nn.Sequential)
    return Pair(plain.encoder, plain.decoder, plain, told)


def _plain(module: nn.Module) -> nn.Sequential:
    """The same layers with torch's own classes only, so that any tool knows them."""
    assert isinstance(module, nn.Sequential)
    return nn.Sequential(*(_own_class(layer) for layer in module))


def _own_class(layer: nn.Module) -> nn.Module:
    if isinstance(layer, Upsample):
        return nn.ConvTranspose2d(layer.in_channels, layer.out_channels, 4, 2, 1, device="meta")
    return layer

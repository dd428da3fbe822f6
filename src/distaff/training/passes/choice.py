"""Which passes train a pack: by hand where kernels compute its layers, by autograd where not."""

from __future__ import annotations

import warnings

from torch import nn

from distaff.training.device import gpu_name
from distaff.training.engines import Engine
from distaff.training.engines.channels_last import channels_last
from distaff.training.engines.mapped import mapped
from distaff.training.engines.stacked import stackable, stacked
from distaff.training.engines.streams import streams
from distaff.training.kernels.device import kernels_of
from distaff.training.pack import Pack, State
from distaff.training.passes import Passes
from distaff.training.passes.agreement import disagreement
from distaff.training.passes.autograd import autograd_passes
from distaff.training.passes.by_hand import chained


def passes_for(pack: Pack, state: State) -> Passes:
    """The passes of a pack at `state`, whose tensors may become views of another memory."""
    kernels, passes = kernels_of(pack.device), autograd_passes(pack, state, engine_for(pack))
    if kernels is None:
        return passes
    if pack.device != "cpu" and (wrong := disagreement(pack.runs, pack.device, kernels)):
        warnings.warn(
            f"{gpu_name(pack.device)}: kernels compiled by Triton are wrong here ({wrong}); torch's own train "
            f"{pack.runs[0].network} instead, in two to three times the time",
            stacklevel=2,
        )
        return autograd_passes(pack, state, _engine_of_torch(pack))
    return chained(pack, state, kernels, passes)


def engine_for(pack: Pack) -> Engine:
    """The engine of networks that are no chains of known layers.

    Dense layers of many models are one product; a CPU convolves fastest a model at a time, a GPU all at once.
    """
    if _convolves(pack) and pack.device == "cpu":
        return channels_last
    return stacked if stackable(pack.vae) else _engine_of_torch(pack)


def _engine_of_torch(pack: Pack) -> Engine:
    """One without kernels of ours, for layers of all kinds."""
    return streams if _convolves(pack) else mapped


def _convolves(pack: Pack) -> bool:
    return any(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in pack.vae.modules())

"""A trained model: a run with its weights, and all that follows from them: its network, codes of rows, images of codes.

Scoring, pictures, sharing and the explorer all take this one value. `distaff.load` makes it of a run's folder, a store
of a run's id, training of what it trained.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from distaff import data
from distaff.codes import Codes, decode_codes, encode_rows
from distaff.data import Dataset
from distaff.data.cache.built import cache_folder
from distaff.errors import DistaffError
from distaff.networks import VAE, initial, loaded, plain
from distaff.plugins.places import EXTRA_PLUGINS
from distaff.plugins.registry import NETWORKS
from distaff.plugins.spec import Spec, content_id
from distaff.runs import Run
from distaff.types import Params

CACHE_BYTES = 2**28  # of codes in memory: 100,000 rows of 10 latents, for 33 models
DATASETS = 4  # that stay open for the models to come
Key: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """`run` with its weights `params`; everything else is made when it is first used.

    Networks are run in evaluation mode: layers like BatchNorm use the statistics that training left them, Dropout drops
    nothing. Weights are not to be changed once they are in a model.
    """

    run: Run
    params: Params

    def __repr__(self) -> str:
        """What was trained, without its million numbers."""
        return f"Model({self.run.method} on {self.run.dataset}, seed {self.run.seed}, run {self.run.id})"

    @property
    def dataset(self) -> Dataset:
        """The data set of the run, one for all models of this process."""
        return dataset_of(self.run.dataset)

    @functools.cached_property
    def network(self) -> VAE:
        """The network with the weights in it, in evaluation mode, without gradients.

        Raises `DistaffError` where the weights are not those of the run's network.
        """
        try:
            network = NETWORKS.bind(self.run.network)(self.dataset.shape)
            for name, own in network.state_dict().items():
                if name in self.params and self.params[name].dtype != own.dtype:
                    raise DistaffError(f"{name} holds {self.params[name].dtype}, where {own.dtype} belongs")
            return loaded(network, self.params)
        except DistaffError as error:
            raise DistaffError(f"run {self.run.id}: {error}") from error

    def network_on(self, device: str) -> VAE:
        """The same on another device; on the processor, itself."""
        return self.network if device == "cpu" else copy.deepcopy(self.network).to(device)

    @property
    def latents(self) -> int:
        """How many numbers a code has."""
        value = self.run.network["latents"]
        assert isinstance(value, int)
        return value

    def encode(self, rows: NDArray[np.int64], *, seed: int = 0) -> Codes:
        """Mean and log-variance of q(z|x) of each of `rows`, both [n d], as `distaff.codes.encode_rows` has them.

        Codes of the same rows and weights are computed once for all who use them, so they are not to be written into;
        `CACHE_BYTES` of the latest stay in memory.
        """
        rows = np.asarray(rows, dtype=np.int64)
        key = (self.identity, *_environment(), hashlib.sha256(rows.tobytes()).digest(), seed)
        codes = _recent_codes.get(key)
        if codes is None:
            codes = encode_rows(self.network, self.dataset, rows, seed=seed)
            _recent_codes.put(key, codes)
        return codes

    def decode(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Images [n h w c] in [0, 1] of codes [n d]: E[x|z] under the network's likelihood."""
        return decode_codes(self.network, z)

    def modules(self) -> VAE:
        """The network as modules of PyTorch's own, with copies of the weights: `.encoder`, `.decoder`, `.picture`.

        `encoder` takes images [b c h w] in [0, 1] to means and log-variances [b 2d], `decoder` codes [b d] to raw
        numbers a pixel, `picture` codes to images in [0, 1].
        """
        return plain(self.network)

    @functools.cached_property
    def identity(self) -> tuple[str, bytes]:
        """What decides the codes of a row: data set and network with their versions, and every weight."""
        digest = hashlib.sha256()
        for name, weights in sorted(self.params.items()):
            digest.update(f"{name} {weights.dtype} {tuple(weights.shape)}".encode())
            digest.update(weights.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return content_id([self.run.dataset.identity, self.run.network.identity]), digest.digest()


def encode(model: Model, rows: NDArray[np.int64] | None = None) -> Codes:
    """Mean and log-variance of q(z|x), both [n d], of `rows` of the model's data set, or of its whole grid."""
    return model.encode(np.arange(len(model.dataset)) if rows is None else rows)


def untrained(run: Run) -> Model:
    """`run` at update 0, with the weights that its seed draws."""
    return Model(run, initial(NETWORKS.bind(run.network)(dataset_of(run.dataset).shape), run.seed))


def dataset_of(spec: Spec) -> Dataset:
    """The data set that `spec` writes: the same one for whoever needs it in this process."""
    return _dataset(str(spec), _environment())


@functools.lru_cache(maxsize=DATASETS)
def _dataset(text: str, environment: tuple[str, str]) -> Dataset:
    del environment  # part of the key
    return data.load(text)


def _environment() -> tuple[str, str]:
    """What decides which images and networks the names stand for: the cache of data sets, and folders of plug-ins."""
    return str(cache_folder()), os.environ.get(EXTRA_PLUGINS, "")


class _RecentCodes:
    """The codes that were used last, as many as `CACHE_BYTES` hold; threads may share it."""

    def __init__(self) -> None:
        self.codes: OrderedDict[Key, Codes] = OrderedDict()
        self.bytes = 0
        self.lock = threading.Lock()

    def get(self, key: Key) -> Codes | None:
        """The codes of `key`, if they are still in memory."""
        with self.lock:
            if key in self.codes:
                self.codes.move_to_end(key)
            return self.codes.get(key)

    def put(self, key: Key, codes: Codes) -> None:
        """Keep `codes`, and drop those that were not used for longest where there is no room for all."""
        with self.lock:
            if key not in self.codes and _size(codes) <= CACHE_BYTES:
                self.codes[key] = codes
                self.bytes += _size(codes)
            while self.bytes > CACHE_BYTES:
                self.bytes -= _size(self.codes.popitem(last=False)[1])


def _size(codes: Codes) -> int:
    return codes.mean.nbytes + codes.logvar.nbytes


_recent_codes = _RecentCodes()

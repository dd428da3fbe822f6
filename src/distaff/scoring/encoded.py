"""Codes and losses of models that a GPU has just trained: computed there, kept beside the runs until they are scored.

An image costs a core a third of a millisecond, so that the codes and losses of one conv64 keep it busy for a minute,
and a GPU for less than a second. The process that trained a pack has the GPU and the weights; those that score have
neither, and read a file a run, packs/ID.codes. Where there is none, they encode by themselves: it is only sooner.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import from_numpy

from distaff.atomic import write
from distaff.codes import Codes, encode_rows
from distaff.errors import DistaffError
from distaff.scoring.final_losses import BATCHES, final_losses
from distaff.scoring.grid_codes import GridCodes, encode_grid
from distaff.scoring.protocol import EvaluationProtocol
from distaff.store.store import Store
from distaff.trained import Model
from distaff.training.device import exact, gpu_name
from distaff.training.seal import BLANK, KEY, check_seal, metadata_of, sealed
from distaff.untrusted.regular import read_bytes
from distaff.weather import is_there, remove

SUFFIX = ".codes"
PARTS = ("mean", "logvar")
Ints = NDArray[np.int64]


class Encoded(NamedTuple):
    """Codes of one model for an evaluation, its final losses, and the device that computed them."""

    codes: GridCodes
    losses: dict[str, float]
    device: str


def encode_trained(store: Store, models: Iterable[Model], protocol: EvaluationProtocol, device: str) -> None:
    """Keep what scoring `models` by `protocol` needs of a network, computed on `device`, beside the runs of `store`.

    What cannot be computed or written there is left to whoever scores.
    """
    exact()
    with contextlib.suppress(RuntimeError, OSError):  # a GPU that is full or lost, a disk that is full
        for model in models:
            write(encoded_path(store, model.run.id), _content(model, protocol, device), fsync=False)


def read_encoded(store: Store, model: Model, protocol: EvaluationProtocol) -> Encoded | None:
    """What `encode_trained` kept of `model`, if it is of these weights and of all rows of `protocol`."""
    path = encoded_path(store, model.run.id)
    if not is_there(path):
        return None
    try:
        content = read_bytes(path)
        check_seal(content)
        metadata, tensors = metadata_of(content), load(content)
    except (OSError, SafetensorError, DistaffError):
        return None
    if metadata.get("model") != _identity(model):
        return None
    known = {
        rows: Codes(*(tensors[f"{rows}/{part}"].numpy() for part in PARTS)) for rows in json.loads(metadata["rows"])
    }
    try:
        codes = encode_grid(model, protocol.grid_rows, protocol.metrics, lambda rows: known[_digest(rows)])
    except KeyError:  # it was made for an evaluation of other rows
        return None
    return Encoded(codes, json.loads(metadata["losses"]), metadata["device"])


def forget_encoded(store: Store, id: str) -> None:
    """Remove what is kept of run `id`."""
    remove(encoded_path(store, id))


def encoded_path(store: Store, id: str) -> Path:
    """The file of run `id`."""
    return store.folder / "packs" / f"{id}{SUFFIX}"


def _content(model: Model, protocol: EvaluationProtocol, device: str) -> tuple[bytes, memoryview]:
    network, codes = model.network_on(device), dict[str, Codes]()

    def encode(rows: Ints) -> Codes:
        codes[_digest(rows)] = encode_rows(network, model.dataset, rows, device=device)
        return codes[_digest(rows)]

    encode_grid(model, protocol.grid_rows, protocol.metrics, encode)
    tensors = {f"{rows}/{part}": from_numpy(getattr(pair, part)) for rows, pair in codes.items() for part in PARTS}
    metadata = {
        "model": _identity(model),
        "rows": json.dumps(list(codes)),
        "losses": json.dumps(final_losses(model, BATCHES, device)),
        "device": gpu_name(device) or "cpu",
        KEY: BLANK,
    }
    return sealed(save(tensors, metadata))


def _identity(model: Model) -> str:
    name, weights = model.identity
    return f"{name}-{weights.hex()}"


def _digest(rows: Ints) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes()).hexdigest()[:16]

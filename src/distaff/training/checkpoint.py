"""Checkpoints of packs in progress: written whole or not at all, and bit for bit the same when read back."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.training.adam import Moments
from distaff.training.pack import Pack, State
from distaff.training.seal import BLANK, KEY, check_seal, metadata_of, sealed
from distaff.types import Params
from distaff.untrusted.regular import read_bytes
from distaff.weather import described

PARTS = ("params", "first", "second", "critic", "critic_first", "critic_second")


class NotSaved(DistaffError):
    """Training cannot go on, as its checkpoint cannot be written; `kept` is where its state is instead, if anywhere."""

    def __init__(self, message: str, kept: Path | None) -> None:
        super().__init__(message)
        self.kept = kept


def save_somewhere(
    path: Path, spare: Path | None, pack: Pack, state: State, curve: Tensor, columns: tuple[str, ...], saved: int
) -> None:
    """Write the checkpoint to `path`; where that cannot be, write it to `spare` and raise `NotSaved`.

    `saved` is the update of the checkpoint before: without a spare, training since then is lost.
    """
    try:
        save_checkpoint(path, pack, state, curve, columns)
    except OSError as error:
        wrong = f"{path.parent.parent} cannot be written to ({described(error)})"
        if spare is not None:
            with contextlib.suppress(OSError):
                save_checkpoint(spare, pack, state, curve, columns)
                kept = f"the state of {len(pack.runs)} models at update {state.step} is kept in {spare}"
                raise NotSaved(
                    f"{wrong}: {kept}, and the same command goes on from there on this machine", spare
                ) from error
        lost = f"updates {saved + 1} to {state.step} of {len(pack.runs)} models are lost, as no other place has room"
        raise NotSaved(f"{wrong}: {lost}; the same command goes on from update {saved}", None) from error


def save_checkpoint(path: Path, pack: Pack, state: State, curve: Tensor, columns: tuple[str, ...]) -> None:
    """Write `state` and the curve so far to `path`, whole or not at all; raises `OSError` where it cannot."""
    parts = (state.params, *state.moments, state.critic, *state.critic_moments)
    tensors = {
        f"{part}/{name}": t.detach().contiguous()
        for part, named in zip(PARTS, parts, strict=True)
        for name, t in named.items()
    }
    rest = {"curve": curve, "sound": state.sound}
    metadata = {
        "step": str(state.step),
        "runs": json.dumps([run.id for run in pack.runs]),
        "columns": json.dumps(columns),
        KEY: BLANK,
    }
    write(path, sealed(save({**tensors, **rest}, metadata)))


def load_checkpoint(path: Path, pack: Pack) -> tuple[State, Tensor, tuple[str, ...]]:
    """The state, the curve and its columns in a checkpoint, whose columns are () where its version wrote none.

    Raises `DistaffError` if the file is torn, not what was written, or of other runs.
    """
    try:
        return state_in(read_bytes(path), pack)
    except (DistaffError, FileNotFoundError) as error:
        raise DistaffError(f"{path} {error}: delete it and train again from the start") from error


def state_in(content: bytes, pack: Pack) -> tuple[State, Tensor, tuple[str, ...]]:
    """The same of the content of a checkpoint."""
    try:
        check_seal(content)
        tensors = {name: tensor.to(pack.device) for name, tensor in load(content).items()}
    except (SafetensorError, DistaffError) as error:
        raise DistaffError(f"is not a checkpoint ({error})") from error
    metadata = metadata_of(content)
    if json.loads(metadata["runs"]) != [run.id for run in pack.runs]:
        raise DistaffError("belongs to other runs")
    if "sound" not in tensors:
        raise DistaffError("is a checkpoint of an older distaff")
    parts: dict[str, Params] = {part: {} for part in PARTS}
    for name, tensor in tensors.items():
        part, slash, key = name.partition("/")
        if slash:
            parts[part][key] = tensor.requires_grad_(part in {"params", "critic"})
    ordered = {part: {key: parts[part][key] for key in _order(pack, part)} for part in PARTS}
    state = State(
        int(metadata["step"]),
        ordered["params"],
        Moments(ordered["first"], ordered["second"]),
        ordered["critic"],
        Moments(ordered["critic_first"], ordered["critic_second"]),
        tensors["sound"],
    )
    return state, tensors["curve"].cpu(), tuple(json.loads(metadata.get("columns", "[]")))


def _order(pack: Pack, part: str) -> list[str]:
    """The names of a part in the order of its module, in which gradients come."""
    module: torch.nn.Module | None = pack.critic if part.startswith("critic") else pack.vae
    return [name for name, _ in module.named_parameters()] if module is not None else []

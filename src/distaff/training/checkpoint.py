"""Checkpoints of packs in progress: written whole or not at all, and bit for bit the same when read back."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.training.adam import Moments
from distaff.training.pack import Pack, State
from distaff.types import Params

PARTS = ("params", "first", "second", "critic", "critic_first", "critic_second")


def save_checkpoint(path: Path, pack: Pack, state: State, curve: Tensor) -> None:
    """Write `state` and the curve so far to `path`, whole or not at all."""
    parts = (state.params, *state.moments, state.critic, *state.critic_moments)
    tensors = {
        f"{part}/{name}": t.detach() for part, named in zip(PARTS, parts, strict=True) for name, t in named.items()
    }
    rest = {"curve": curve, "sound": state.sound}
    metadata = {"step": str(state.step), "runs": json.dumps([run.id for run in pack.runs])}
    try:
        write(path, save({**tensors, **rest}, metadata))
    except OSError as error:
        raise DistaffError(f"{path} cannot be written ({error}): the checkpoint before it is intact") from error


def load_checkpoint(path: Path, pack: Pack) -> tuple[State, Tensor]:
    """The state and the curve in a checkpoint; raises `DistaffError` if the file is torn or of other runs."""
    try:
        with safe_open(path, "pt", device=pack.device) as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is not a mapping)
    except SafetensorError as error:
        raise DistaffError(f"{path} is not a checkpoint ({error}): delete it and train again from the start") from error
    if json.loads(metadata["runs"]) != [run.id for run in pack.runs]:
        raise DistaffError(f"{path} belongs to other runs: delete it, or name another folder")
    if "sound" not in tensors:
        raise DistaffError(f"{path} is a checkpoint of an older distaff: delete it and train again from the start")
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
    return state, tensors["curve"].cpu()


def _order(pack: Pack, part: str) -> list[str]:
    """The names of a part in the order of its module, in which gradients come."""
    module: torch.nn.Module | None = pack.critic if part.startswith("critic") else pack.vae
    return [name for name, _ in module.named_parameters()] if module is not None else []

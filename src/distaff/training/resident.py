"""A pack's images and draws on its device: a batch is drawn there, by kernels alone, and no byte of it travels.

What `draw_on_device` draws is what `draw_batch` draws. It waits for nothing and copies nothing from the host, so that
it may be captured in a CUDA graph, which then draws the batch of the step that it finds in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from distaff.data import Dataset, Factors
from distaff.plugins.registry import DATASETS
from distaff.training.kernels.stored import Stored
from distaff.training.pack import Pack, latents
from distaff.training.step import Draws

AT_ONCE = 2**26  # bytes of images that are copied to a device together


class Resident(NamedTuple):
    """What the draws of a pack need on its device, whatever the step."""

    images: Tensor  # all images of the data set, as `Stored` has them
    seeds: Tensor  # [s] in ascending order
    grid: Grid


class Grid(NamedTuple):
    """The visible factors of a data set."""

    steps: Tensor  # [f]: rows of the grid from a value of a factor to its next
    sizes: Tensor  # [f]
    rows: Tensor | None  # [n]: the rows of the grid that have an image, where not all have one


def drawn_on_device(pack: Pack) -> bool:
    """Whether kernels alone can draw the batches of `pack`; the others are drawn by `draw_batch`.

    The host draws correlated factors and the second views of a method, and what a plug-in of the user's own does to
    images that are observed anew is not known to be possible in a captured graph.
    """
    dataset = pack.dataset
    known = dataset.observe is None or pack.runs[0].dataset.name in DATASETS.packaged()
    return known and dataset.prior is None and all(group.hooks.views is None for group in pack.groups)


def resident(pack: Pack, room: int) -> Resident | None:
    """The images of the pack's data set on its device, and what its draws need beside them.

    None where kernels alone cannot draw, where the images take more than `room` bytes there, or where the pack looks
    at fewer images than there are: they are copied whole, but for bits, of which dSprites' are read in a moment.
    """
    looks = pack.runs[0].updates * pack.runs[0].batch * len(pack.seeds)
    dataset = pack.dataset
    if not drawn_on_device(pack) or (dataset.packed is None and len(dataset) > looks):
        return None
    shape, kind = _stored_shape(dataset)
    if math.prod(shape) * kind.itemsize > room:
        return None
    images = torch.empty(shape, dtype=kind, device=pack.device)
    start = 0
    for part in _parts(dataset, AT_ONCE // (math.prod(shape[1:]) * kind.itemsize)):
        images[start : start + len(part)].copy_(part)
        start += len(part)
    return Resident(images, torch.tensor(pack.seeds, device=pack.device), _grid(dataset.factors, pack.device))


def draw_on_device(pack: Pack, resident: Resident, step: Tensor, dtype: torch.dtype = torch.float32) -> Draws:
    """The draws of the update that `step`, int64 [] on the device, counts from 0: those of `draw_batch`.

    Images are rounded to `dtype`, and the target is not: it is the images as they are stored, which are fewer bytes to
    read, or, where they are observed anew, in float32.
    """
    from distaff.training.kernels import triton_draws, triton_images

    dataset, hooks, seeds = pack.dataset, pack.groups[0].hooks, resident.seeds
    n, d = pack.runs[0].batch, latents(pack.runs[0])
    rows = triton_draws.rows(seeds, "data", step, n, len(dataset))
    own = any(group.hooks.noise for group in pack.groups)
    target: Tensor | Stored
    if dataset.observe is None:
        target = Stored(resident.images, _of_models(pack, rows))
        x = triton_images.look(target, dtype)
    else:
        looked = triton_images.look(Stored(resident.images, rows))
        uniforms = triton_draws.uniforms(seeds, "nuisance", step, (n, *dataset.nuisance))
        seen = dataset.observe(looked.flatten(0, 1), uniforms.flatten(0, 1))
        target = _of_models(pack, seen.reshape(len(seeds), n, *seen.shape[1:]).contiguous())
        x = target.to(dtype)
    return Draws(
        x,
        _of_models(pack, triton_draws.normals(seeds, "noise", step, (n, d))),
        _of_models(pack, triton_draws.permutations(seeds, "permute", step, n, d)) if pack.critic else None,
        _of_models(pack, _values(resident.grid, rows)) if hooks.labels else None,
        _of_models(pack, triton_draws.normals(seeds, "method", step, (n, d))) if own else None,
        target,
    )


def _of_models(pack: Pack, of_seeds: Tensor) -> Tensor:
    """What each seed has [s ...], for each model [k ...]."""
    return of_seeds if pack.seed_of is None else of_seeds[pack.seed_of]


def _values(grid: Grid, rows: Tensor) -> Tensor:
    """The values of the visible factors [... f] at `rows`."""
    places = rows if grid.rows is None else grid.rows[rows]
    return places.unsqueeze(-1) // grid.steps % grid.sizes


def _grid(factors: Factors, device: str) -> Grid:
    steps = [math.prod(factors.all_sizes[i + 1 :]) for i in factors.visible]
    rows = None if factors.grid_rows is None else torch.tensor(factors.grid_rows, device=device)
    return Grid(torch.tensor(steps, device=device), torch.tensor(factors.sizes, device=device), rows)


def _stored_shape(dataset: Dataset) -> tuple[tuple[int, ...], torch.dtype]:
    """The shape and type of all images as they are stored."""
    if dataset.packed is not None:
        return dataset.packed().shape, torch.int64
    return (len(dataset), *dataset.images(np.zeros(1, dtype=np.int64)).shape[1:]), torch.uint8


def _parts(dataset: Dataset, n: int) -> Iterator[Tensor]:
    """All images as they are stored, some `n` at a time."""
    for start in range(0, len(dataset), max(1, n)):
        end = min(start + max(1, n), len(dataset))
        if dataset.packed is not None:
            yield torch.from_numpy(np.array(dataset.packed()[start:end]).view(np.int64))
        else:
            yield torch.from_numpy(np.ascontiguousarray(dataset.images(np.arange(start, end))))

"""What holds of every data set: bytes at every row, rows and values that lead to each other, nothing drawn unasked."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from distaff import rng
from distaff.data import Dataset
from distaff.plugins.file import Plugin
from distaff.plugins.registry import DATASETS
from distaff.plugins.spec import Spec
from distaff.runs import run
from distaff.testing.check import Property, expect, expect_refusal, property_of
from distaff.training.pack import begin, pack
from distaff.training.passes.choice import passes_for
from distaff.training.step import take_step

DATASET_PROPERTIES: list[Property[DatasetUnderCheck]] = []
ROWS = 24  # that are looked at, the first and the last among them
TRIES = 12  # rows at which a factor is moved, until an image changes


@dataclass(frozen=True, eq=False)
class DatasetUnderCheck:
    """The data set of a specification, with what its decorator declares."""

    spec: Spec
    plugin: Plugin

    @functools.cached_property
    def loaded(self) -> Dataset:
        """The data set; its images may be made at the first look."""
        dataset: Dataset = DATASETS.unguarded(self.spec.name)(**dict(self.spec.values))
        kind = type(dataset).__name__
        expect(isinstance(dataset, Dataset), f"it returns {kind}; return distaff.data.Dataset(name, factors, ...)")
        return dataset

    @functools.cached_property
    def rows(self) -> NDArray[np.int64]:
        """Some of its rows, in no order."""
        n = len(self.loaded)
        some = np.random.default_rng(0).integers(n, size=min(ROWS, n))
        some[:2] = 0, n - 1
        return some

    @functools.cached_property
    def images(self) -> NDArray[np.uint8]:
        """The stored images of `rows`."""
        return self.loaded.images(self.rows)

    def uniforms(self, n: int, step: int = 0) -> torch.Tensor | None:
        """What the nuisance of `n` images is drawn from."""
        return rng.uniform(0, "nuisance", step, (n, *self.loaded.nuisance)) if self.loaded.nuisance else None


def dataset_under_check(spec: Spec) -> DatasetUnderCheck:
    """The data set of `spec`; its file is imported."""
    return DatasetUnderCheck(spec, DATASETS.plugin(spec.name))


def _without_nuisance(data: DatasetUnderCheck) -> str:
    return "" if data.loaded.observe else "its images are not observed anew at every look"


def _without_floats(data: DatasetUnderCheck) -> str:
    return "" if data.loaded.floats else "it has no faster way to floats"


@property_of(DATASET_PROPERTIES)
def it_says_where_its_images_come_from_and_what_may_be_done_with_them(data: DatasetUnderCheck) -> None:
    """`source=`, `licence=`, and a docstring of what is seen."""
    for mark in ("source", "licence"):
        expect(data.plugin.marks.get(mark), f"@dataset(...) has no {mark}=")
    expect(data.plugin.summary, "it has no docstring: what is seen, and how many images there are")


@property_of(DATASET_PROPERTIES)
def rows_and_factor_values_lead_to_each_other(data: DatasetUnderCheck) -> None:
    """Row i is row i of the grid, the last factor varying fastest; hidden factors come from uniforms."""
    factors = data.loaded.factors
    values = factors.values(data.rows)
    expect(values.shape == (len(data.rows), len(factors.names)), f"values of {len(data.rows)} rows are {values.shape}")
    expect((values >= 0).all() and (values < np.array(factors.sizes)).all(), "values leave the grid of factors")
    hidden = len(factors.all_names) - len(factors.names)
    uniforms = np.random.default_rng(1).random((len(values), hidden)) if hidden else None
    back = factors.rows(values, uniforms)
    expect((factors.values(back) == values).all(), "factors.rows(values) gives rows that hold other values")
    expect(hidden or (back == data.rows).all(), "factors.rows(factors.values(rows)) are other rows")
    outside = np.array([len(data.loaded)])
    expect_refusal(lambda: factors.values(outside), IndexError, (), f"row {len(data.loaded)} of {len(data.loaded)}")


@property_of(DATASET_PROPERTIES)
def images_are_bytes_of_the_declared_shape(data: DatasetUnderCheck) -> None:
    """uint8 [b h w c] from 0 to 255."""
    images, (h, w, c) = data.images, data.loaded.shape
    expect(isinstance(images, np.ndarray), f"images(rows) is {type(images).__name__}; make it an array")
    expect(images.dtype == np.uint8, f"images are {images.dtype}; make them uint8 from 0 to 255")
    stored = images.shape[3:] if data.loaded.observe else (c,)
    shape = (len(data.rows), h, w, *stored)
    expect(
        images.ndim == 4 and images.shape == shape, f"images of {len(data.rows)} rows are {images.shape}, not {shape}"
    )
    most = int(images.max())
    expect(most > 1, f"the brightest byte is {most}: images in [0, 1] become bytes by np.rint(255 * x)")
    none = data.loaded.images(np.array([], dtype=np.int64))
    expect(none.shape == (0, *images.shape[1:]), f"images of no rows are {none.shape}, not {(0, *images.shape[1:])}")


@property_of(DATASET_PROPERTIES)
def an_image_is_that_of_its_row_whatever_stands_beside_it(data: DatasetUnderCheck) -> None:
    """In any order, twice, alone, and when the set is opened again."""
    images, rows = data.images, data.rows
    order = np.random.default_rng(2).integers(len(rows), size=len(rows))
    kept = rows[order].copy()
    again = data.loaded.images(rows[order])
    expect((rows[order] == kept).all(), "images(rows) writes into the rows")
    expect((again == images[order]).all(), "images of the same rows in another order are others")
    expect((data.loaded.images(rows[3:4]) == images[3:4]).all(), "an image alone is not that of the batch")
    fresh: Dataset = DATASETS.unguarded(data.spec.name)(**dict(data.spec.values))
    expect((fresh.images(rows) == images).all(), "the set opened again has other images: draw from distaff.draws")


@property_of(DATASET_PROPERTIES)
def every_factor_changes_images(data: DatasetUnderCheck) -> None:
    """Of the visible factors, each with more than one value; one that does not show cannot be learned."""
    factors = data.loaded.factors
    if not factors.complete:
        expect(len(np.unique(data.images, axis=0)) > 1 or len(data.loaded) == 1, "all images are the same")
        return
    generator = np.random.default_rng(3)
    rows = generator.integers(len(data.loaded), size=min(TRIES, len(data.loaded)))
    every = factors.all_values(rows)
    for place, name, size in zip(factors.visible, factors.names, factors.sizes, strict=True):
        moved = every.copy()
        moved[:, place] = (moved[:, place] + generator.integers(1, max(2, size), len(rows))) % size
        other = np.ravel_multi_index(tuple(moved.T), factors.all_sizes)
        differs = (data.loaded.images(rows) != data.loaded.images(other)).any()
        expect(size == 1 or differs, f"no image changed with factor {name!r}, at {len(rows)} rows")


@property_of(DATASET_PROPERTIES)
def a_batch_is_what_a_network_sees(data: DatasetUnderCheck) -> None:
    """float32 [b c h w] in [0, 1], of the declared shape."""
    x, (h, w, c) = data.loaded.batch(data.rows, data.uniforms(len(data.rows))), data.loaded.shape
    shape = (len(data.rows), c, h, w)
    expect(tuple(x.shape) == shape, f"a batch is {tuple(x.shape)}; its shape={data.loaded.shape} says {shape}")
    expect(x.dtype == torch.float32, f"a batch is {x.dtype}, not float32")
    least, most = float(x.min()), float(x.max())
    expect(0 <= least <= most <= 1, f"a batch holds numbers from {least:g} to {most:g}, not from 0 to 1")


@property_of(DATASET_PROPERTIES, unless=_without_nuisance)
def an_observation_is_a_pure_function_of_image_and_uniforms(data: DatasetUnderCheck) -> None:
    """The same again, an image's own whatever stands beside it, and another with other uniforms."""
    observe = data.loaded.observe
    assert observe is not None
    x = torch.from_numpy(np.moveaxis(data.images[:6], 3, 1).copy()).float() / 255
    u, other = data.uniforms(len(x)), data.uniforms(len(x), 1)
    expect(u is not None, "it has observe= and no nuisance=: how many uniforms an image needs")
    assert u is not None
    assert other is not None
    kept = x.clone(), u.clone()
    first = observe(x, u)
    expect(torch.equal(x, kept[0]) and torch.equal(u, kept[1]), "observe writes into what it is given")
    expect(torch.equal(first, observe(x, u)), "observe gives another image for the same uniforms")
    alone = torch.cat([observe(x[i : i + 1], u[i : i + 1]) for i in range(len(x))])
    expect(torch.equal(first, alone), "an observation depends on the images beside it")
    expect(not torch.equal(first, observe(x, other)), "observe gives the same images for other uniforms")


@property_of(DATASET_PROPERTIES, unless=_without_floats)
def its_faster_way_to_floats_gives_the_same(data: DatasetUnderCheck) -> None:
    """`floats(rows)` is `images(rows)` in [0, 1], channels first."""
    floats = data.loaded.floats
    assert floats is not None
    expected = torch.from_numpy(np.moveaxis(data.images, 3, 1).copy()).float() / 255
    found = floats(data.rows)
    expect(tuple(found.shape) == tuple(expected.shape), f"floats are {tuple(found.shape)}, not {tuple(expected.shape)}")
    expect(torch.allclose(found, expected, atol=1e-6), "floats(rows) are not the images of these rows over 255")


@property_of(DATASET_PROPERTIES)
def rows_of_an_update_depend_on_seed_and_update_alone(data: DatasetUnderCheck) -> None:
    """Also where factors are correlated by `prior`."""
    drawn = data.loaded.draw_rows(1, 2, 64)
    inside = drawn.shape == (64,) and (drawn >= 0).all() and (drawn < len(data.loaded)).all()
    expect(inside, f"64 drawn rows are {drawn.shape} from {drawn.min()} to {drawn.max()}")
    expect((drawn == data.loaded.draw_rows(1, 2, 64)).all(), "the same seed and update draw other rows")
    if len(data.loaded) > 1:
        others = (data.loaded.draw_rows(1, 3, 64) != drawn).any() and (data.loaded.draw_rows(2, 2, 64) != drawn).any()
        expect(others, "other seeds and updates draw the same rows")


@property_of(DATASET_PROPERTIES)
def a_small_model_trains_on_it(data: DatasetUnderCheck) -> None:
    """Three updates that are finite."""
    one = run(str(data.spec), "beta_vae(beta=1)", "mlp(width=8, latents=3)", updates=3, batch=8)
    packed = pack((one,))
    state = begin(packed)
    passes = passes_for(packed, state)
    for _ in range(3):
        state, _, _ = take_step(packed, state, passes)
    finite = all(bool(torch.isfinite(weights).all()) for weights in state.params.values())
    expect(finite, "weights are not finite after three updates of beta_vae(beta=1)")

"""What a device draws is what the host draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from distaff import rng
from distaff.data import Factors
from distaff.runs import Run, run
from distaff.training.kernels.stored import Stored
from distaff.training.pack import Pack, pack
from distaff.training.resident import draw_on_device, drawn_on_device, resident
from distaff.training.step import Draws, draw_batch

pytest.importorskip("triton")
from distaff.training.kernels.triton_images import look
from triton_bounds import interpreted

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
NETWORK = "mlp(width=8, latents=3)"
ROOM = 2**30
SEEDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3)
STEPS = st.integers(0, 2**40)


@pytest.fixture(scope="module")
def kernels() -> ModuleType:
    from distaff.training.kernels import triton_draws

    return triton_draws


@pytest.fixture(autouse=True)
def _poisoned() -> Iterator[None]:
    """Memory that a kernel is given is NaN, or the largest integer, before it writes."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def on_device(seeds: list[int], step: int) -> tuple[Tensor, Tensor]:
    return torch.tensor(seeds, device=DEVICE), torch.tensor(step, device=DEVICE)


def assert_normal(found: Tensor, expected: Tensor) -> None:
    """Equal, but for the last digit of one in a thousand: logarithms and cosines in float64 differ in theirs."""
    assert found.dtype == torch.float32
    bits, others = (part.contiguous().view(torch.int32).long() for part in (found.cpu(), expected))
    assert (bits - others).abs().max() <= 1
    assert (bits != others).sum() <= 1 + bits.numel() // 1000


@settings(max_examples=15)
@given(SEEDS, STEPS, st.sampled_from([1, 2, 3, 5, 64, 700]), st.sampled_from([1, 2, 768, 737_280, 2**31 - 1]))
def test_rows_are_those_of_the_host(kernels: ModuleType, seeds: list[int], step: int, n: int, below: int) -> None:
    of_seed, now = on_device(seeds, step)
    expected = np.stack([rng.integers(seed, "data", step, n, below) for seed in seeds])
    with interpreted():
        found = kernels.rows(of_seed, "data", now, n, below)
    assert found.dtype == torch.int64
    np.testing.assert_array_equal(found.cpu().numpy(), expected)


@settings(max_examples=15)
@given(SEEDS, STEPS, st.sampled_from([(1,), (2, 1), (5, 3), (3, 7, 4), (33, 40)]))
def test_uniforms_and_normals_are_those_of_the_host(
    kernels: ModuleType, seeds: list[int], step: int, shape: tuple[int, ...]
) -> None:
    of_seed, now = on_device(seeds, step)
    with interpreted():
        found, normals = (
            draw(of_seed, stream, now, shape)
            for draw, stream in ((kernels.uniforms, "nuisance"), (kernels.normals, "noise"))
        )
    assert torch.equal(found.cpu(), torch.stack([rng.uniform(seed, "nuisance", step, shape) for seed in seeds]))
    assert_normal(normals, torch.stack([rng.normal(seed, "noise", step, shape) for seed in seeds]))


@settings(max_examples=15)
@given(SEEDS, STEPS, st.sampled_from([1, 2, 5, 16, 64, 70]), st.integers(1, 3))
def test_permutations_are_those_of_the_host(
    kernels: ModuleType, seeds: list[int], step: int, length: int, columns: int
) -> None:
    of_seed, now = on_device(seeds, step)
    expected = torch.stack([rng.permutations(seed, "permute", step, length, columns) for seed in seeds])
    with interpreted():
        found = kernels.permutations(of_seed, "permute", now, length, columns)
    assert torch.equal(found.cpu(), expected)


def runs(settings_of: list[tuple[str, int]], dataset: str, batch: int = 5) -> tuple[Run, ...]:
    return tuple(
        run(dataset, method, NETWORK, "critic(width=8, depth=1)", seed=seed, batch=batch, updates=10_000)
        for method, seed in settings_of
    )


def assert_same(found: Draws, expected: Draws) -> None:
    for name, one, other in zip(Draws._fields, found._replace(target=None), expected, strict=True):
        assert (one is None) == (other is None), name
        if one is None:
            continue
        assert one.shape == other.shape, name
        if name in ("noise", "own"):
            assert_normal(one, other)
        else:
            assert one.dtype == other.dtype
            assert torch.equal(one.cpu(), other), name


def both(packed: Pack, step: int) -> tuple[Draws, Draws]:
    """The draws of the device, and those of the host."""
    there = dataclasses.replace(packed, device=DEVICE)
    on = resident(there, ROOM)
    assert on is not None
    return draw_on_device(there, on, torch.tensor(step, device=DEVICE)), draw_batch(packed, step)


@pytest.mark.parametrize("step", [0, 2**33 + 7])
@pytest.mark.parametrize(("methods", "dataset"), [
    ([("beta_vae", 0), ("beta_vae", 4)], "toy"),
    ([("beta_vae", 0), ("beta_vae", 1)], "dsprites"),
    ([("factor_vae", 3), ("factor_vae", 2**32 - 1)], "toy_hidden"),
    ([("beta_vae", 7), ("annealed_vae", 7), ("annealed_vae", 2)], "toy_color"),
    ([("beta_vae(beta=2)", 1), ("beta_vae(beta=4)", 1)], "color_dsprites"),
    ([("beta_vae", 1)], "noisy_dsprites"),
    ([("beta_vae", 1), ("beta_vae", 2)], "scream_dsprites"),
], ids=str)  # fmt: skip
def test_a_pack_draws_what_the_host_draws(methods: list[tuple[str, int]], dataset: str, step: int) -> None:
    batch = 2 if "noisy" in dataset else 5
    packed = pack(runs(methods, dataset, batch))
    assert drawn_on_device(packed)
    assert_same(*both(packed, step))


PLUGINS = {
    "methods/noisy.py": """
from distaff.methods import Outputs, Terms, method

@method(paper="none", noise=True, labels=True)
def noisy(out: Outputs) -> Terms:
    \"\"\"A penalty on what factors and noise have in common with codes.\"\"\"
    return {"nll": out.nll, "kl": out.kl, "along": (out.noise * out.mean).sum() * out.labels.float().mean()}
""",
    "data/flickering.py": """
import dataclasses
from distaff.data import Dataset, dataset, load

@dataset(source="generated", licence="CC0-1.0")
def flickering() -> Dataset:
    \"\"\"toy, darker by chance.\"\"\"
    return dataclasses.replace(load("toy"), observe=lambda x, u: x * u[:, None, None], nuisance=(1,))
""",
}


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in PLUGINS.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("dataset", ["toy", "toy_hidden"])
def test_a_method_has_its_labels_and_its_noise(dataset: str) -> None:
    found, expected = both(pack(runs([("noisy", 3), ("noisy", 5)], dataset)), 7)
    assert found.own is not None
    assert found.labels is not None
    assert_same(found, expected)


@pytest.mark.usefixtures("plugins")
def test_labels_of_an_incomplete_grid_are_those_of_the_rows_that_exist() -> None:
    packed = pack(runs([("noisy", 3)], "toy"))
    whole = packed.dataset
    grid_rows = np.flatnonzero(np.arange(len(whole)) % 3)
    some = Factors(whole.factors.all_names, whole.factors.all_sizes, grid_rows=grid_rows)
    part = dataclasses.replace(whole, factors=some, images=lambda rows: whole.images(grid_rows[rows]))
    assert_same(*both(dataclasses.replace(packed, dataset=part), 2))


@pytest.mark.usefixtures("plugins")
def test_what_the_host_must_draw_is_left_to_it() -> None:
    on_host = [
        runs([("beta_vae", 0)], "correlated(dataset='toy', pairs=(('scale', 'posX'),), sigma=.2)"),
        runs([("ada_gvae", 0)], "toy"),
        runs([("beta_vae", 0)], "flickering"),
    ]
    for members in on_host:
        assert not drawn_on_device(pack(members))
        assert resident(pack(members), ROOM) is None


def test_images_that_do_not_fit_or_are_seldom_seen_stay_on_the_host() -> None:
    packed = pack(runs([("beta_vae", 0), ("beta_vae", 1)], "toy"))
    assert resident(packed, 768 * 256 - 1) is None
    found = resident(packed, 768 * 256)
    assert found is not None
    assert torch.equal(found.images, torch.from_numpy(packed.dataset.images(np.arange(768))))
    for updates, enough in ((76, False), (77, True)):  # of 5 images for each of two seeds
        short = pack(tuple(dataclasses.replace(one, updates=updates) for one in packed.runs))
        assert (resident(short, ROOM) is not None) == enough


def test_images_are_copied_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distaff.training.resident.AT_ONCE", 256 * 100)
    packed = pack(runs([("beta_vae", 0)], "toy"))
    found = resident(packed, ROOM)
    assert found is not None
    assert torch.equal(found.images, torch.from_numpy(packed.dataset.images(np.arange(768))))


def test_the_next_step_is_read_from_memory() -> None:
    packed = dataclasses.replace(pack(runs([("beta_vae", 0)], "toy")), device=DEVICE)
    on, step = resident(packed, ROOM), torch.tensor(4, device=DEVICE)
    assert on is not None
    before = draw_on_device(packed, on, step)
    after = draw_on_device(packed, on, step.add_(1))
    assert not torch.equal(before.x, after.x)
    assert_same(after, draw_batch(pack(runs([("beta_vae", 0)], "toy")), 5))


@pytest.mark.parametrize("dataset", ["toy", "toy_color"])
def test_images_in_half_precision_have_a_target_that_is_not_rounded(dataset: str) -> None:
    packed = dataclasses.replace(pack(runs([("beta_vae", 2), ("annealed_vae", 2)], dataset)), device=DEVICE)
    on, step = resident(packed, ROOM), torch.tensor(4, device=DEVICE)
    assert on is not None
    with interpreted():
        draws = draw_on_device(packed, on, step, torch.bfloat16)
    exact = draw_on_device(packed, on, step).x
    assert torch.equal(draws.x, exact.to(torch.bfloat16))
    target = draws.target
    assert isinstance(target, Stored) == (dataset != "toy_color")
    assert torch.equal(look(target) if isinstance(target, Stored) else target, exact)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_stored_images_are_read_by_row(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.tensor([[4, 0, 3], [1, 1, 4]], device=DEVICE)
    pixels = torch.randint(256, (5, 6, 70, 3), dtype=torch.uint8, generator=generator).to(DEVICE)
    words = torch.randint(-(2**63), 2**63 - 1, (5, 6), generator=generator).to(DEVICE)
    bits = (words[rows].unsqueeze(-1) >> torch.arange(64, device=DEVICE) & 1).unsqueeze(2)
    with interpreted():
        found = look(Stored(pixels, rows), dtype), look(Stored(words, rows), dtype)
    assert torch.equal(found[0], (pixels[rows].permute(0, 1, 4, 2, 3).cpu().float() / 255).to(DEVICE, dtype))
    assert torch.equal(found[1], bits.to(dtype))

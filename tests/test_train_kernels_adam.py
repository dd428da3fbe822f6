"""Adam of a whole arena in one launch, and in the gradient of a dense layer, is the rule that CPUs compile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from distaff.runs import Optim
from distaff.training.adam import Moments, adam_step, update

pytest.importorskip("triton")
from distaff.training.arena import places_of, table_of
from distaff.training.kernels import Updated, triton_adam, triton_dense
from distaff.training.kernels.shapes import Activation
from triton_bounds import interpreted

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CRITIC = Optim(lr=1e-3, beta1=0.5, beta2=0.9)


@pytest.fixture(autouse=True)
def _interpreted() -> Iterator[None]:
    with interpreted():
        yield


class Arena:
    """k models' tensors of given sizes, one after the other, with gradients in parts; gaps hold NaN."""

    def __init__(self, sizes: list[int], parts: list[int], k: int) -> None:
        self.sizes, self.parts, self.k = sizes, parts, k
        self.starts = np.cumsum([0] + [-(-size // 16) * 16 for size in sizes]).tolist()
        shape = (k, self.starts[-1])
        self.p, self.m, self.v = (torch.full(shape, float("nan"), device=DEVICE) for _ in range(3))
        self.s = torch.full(shape, float("nan"), dtype=torch.bfloat16, device=DEVICE)
        for of, first in ((self.p, torch.randn), (self.m, torch.zeros), (self.v, torch.zeros)):
            for part in self.tensors(of):
                part.copy_(first(part.shape))
        self.laid_out = places_of([(size,) for size in sizes], [(0,)] * len(sizes), parts, k)
        self.places = [place.gradient for place in self.laid_out]
        last = self.laid_out[-1]
        self.gradients = torch.full((last.gradient + k * last.parts * last.size,), float("nan"), device=DEVICE)

    def tensors(self, of: Tensor) -> list[Tensor]:
        return [of[:, at : at + size] for at, size in zip(self.starts, self.sizes, strict=False)]

    def draw(self) -> list[Tensor]:
        """New gradients in the buffer; returns what they are the parts of."""
        sums = []
        for at, size, parts in zip(self.places, self.sizes, self.parts, strict=False):
            drawn = torch.randn(parts, self.k, size)
            self.gradients[at : at + drawn.numel()] = drawn.flatten().to(DEVICE)
            sums.append(drawn.double().sum(0))
        return sums

    def update(self, optim: Optim, t: int, block: int = triton_adam.BLOCK, shadow: bool = True) -> None:
        table = table_of(self.laid_out, block)
        rate, count = (torch.tensor([float(one)], device=DEVICE) for one in (optim.lr, t))
        triton_adam.adam(self.p, self.m, self.v, self.s if shadow else None, self.gradients, table.to(DEVICE), rate,
                         count, optim.beta1, optim.beta2, optim.eps)  # fmt: skip


def exact(p: Tensor, m: Tensor, v: Tensor, g: Tensor, optim: Optim, t: int) -> tuple[Tensor, Tensor, Tensor]:
    """The rule in float64."""
    m = m + (1 - optim.beta1) * (g - m)
    v = optim.beta2 * v + (1 - optim.beta2) * g * g
    step = optim.lr / (1 - optim.beta1**t) * m / ((v / (1 - optim.beta2**t)).sqrt() + optim.eps)
    return p - step, m, v


@pytest.mark.parametrize("optim", [Optim(), CRITIC, Optim(lr=0.1, eps=1e-2)], ids=["vae", "critic", "eps"])
def test_three_updates_are_those_of_cpus_and_of_the_paper(optim: Optim) -> None:
    arena = Arena([40, 7, 2100, 2], [1, 1, 3, 6], k=2)
    ours = {str(i): part.cpu().clone() for i, part in enumerate(arena.tensors(arena.p))}
    moments = Moments(*({name: torch.zeros_like(p) for name, p in ours.items()} for _ in range(2)))
    paper = [(p.double(), torch.zeros_like(p).double(), torch.zeros_like(p).double()) for p in ours.values()]
    for t in (1, 2, 3):
        sums = arena.draw()
        arena.update(optim, t)
        update(ours, [g.float() for g in sums], moments, optim, adam_step(optim, t - 1, 3))
        paper = [exact(*state, g, optim, t) for state, g in zip(paper, sums, strict=True)]
    for i, (p, m, v) in enumerate(paper):
        for found, cpu, expected in ((arena.p, ours, p), (arena.m, moments.first, m), (arena.v, moments.second, v)):
            torch.testing.assert_close(arena.tensors(found)[i].cpu().double(), expected, rtol=2e-6, atol=2e-6)
            torch.testing.assert_close(arena.tensors(found)[i].cpu(), cpu[str(i)], rtol=2e-6, atol=2e-6)
        assert torch.equal(arena.tensors(arena.s)[i], arena.tensors(arena.p)[i].bfloat16())


def test_what_lies_between_tensors_is_left_alone() -> None:
    arena = Arena([5, 33, 12], [2, 1, 1], k=3)
    arena.draw()
    arena.update(Optim(), 1)
    outside = torch.ones(arena.starts[-1], dtype=torch.bool)
    for at, size in zip(arena.starts, arena.sizes, strict=False):
        outside[at : at + size] = False
    assert int(outside.sum()) == 11 + 15 + 4
    for of in (arena.p, arena.m, arena.v, arena.s):
        assert of[:, outside].isnan().all()
        assert of[:, ~outside].isfinite().all()


@pytest.mark.parametrize("optim", [Optim(), CRITIC], ids=["vae", "critic"])
@pytest.mark.parametrize("t", [1, 2, 10, 1000, 300_000, 1_000_000])
def test_the_corrections_of_the_moments_are_exact_at_any_update(optim: Optim, t: int) -> None:
    """From moments of nothing the first step is (1 - beta1) / (1 - beta1^t) and so on, whatever t is."""
    optim = Optim(lr=1.0, beta1=optim.beta1, beta2=optim.beta2, eps=1e-30)
    arena = Arena([16], [1], k=1)
    arena.p.zero_()
    arena.gradients.fill_(1.0)
    arena.update(optim, t)
    first, second = (-np.expm1(t * np.log(beta)) for beta in (optim.beta1, optim.beta2))
    expected = (1 - optim.beta1) / first / np.sqrt((1 - optim.beta2) / second)
    np.testing.assert_allclose(-arena.p.double().cpu().numpy(), expected, rtol=5e-7)


@settings(max_examples=15)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 70), st.integers(1, 7)), min_size=1, max_size=4),
    k=st.integers(1, 3), block=st.sampled_from([16, 48, 1024, 2048]), shadow=st.booleans(),
)  # fmt: skip
def test_any_arena_is_updated_in_any_blocks(sizes: list[tuple[int, int]], k: int, block: int, shadow: bool) -> None:
    arena = Arena([size for size, _ in sizes], [parts for _, parts in sizes], k)
    before = [part.cpu().double() for part in arena.tensors(arena.p)]
    sums = arena.draw()
    arena.update(CRITIC, 1, block, shadow)
    for p, g, found in zip(before, sums, arena.tensors(arena.p), strict=True):
        expected = exact(p, torch.zeros_like(p), torch.zeros_like(p), g, CRITIC, 1)[0]
        torch.testing.assert_close(found.cpu().double(), expected, rtol=1e-6, atol=1e-5)
    assert arena.s.isnan().all() != shadow


def test_a_block_larger_than_a_program_takes_is_walked_through() -> None:
    arenas = []
    for block in (1024, 4096):
        torch.manual_seed(0)
        arenas.append(Arena([5008], [2], k=2))
        arenas[-1].draw()
        arenas[-1].update(CRITIC, 4, block)
    assert torch.equal(arenas[0].p, arenas[1].p)


def test_the_weights_of_a_model_do_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(1)
    together, alone = Arena([70, 9], [3, 2], k=3), Arena([70, 9], [3, 2], k=1)
    together.draw()
    for of, other in ((alone.p, together.p), (alone.m, together.m), (alone.v, together.v)):
        of.copy_(other[1:2])
    for at, start, size, parts in zip(alone.places, together.places, alone.sizes, alone.parts, strict=False):
        whole = together.gradients[start : start + parts * 3 * size].view(parts, 3, size)
        alone.gradients[at : at + parts * size] = whole[:, 1].flatten()
    for arena in (together, alone):
        arena.update(Optim(), 7)
    for of, other in ((alone.p, together.p), (alone.m, together.m), (alone.v, together.v)):
        assert torch.equal(torch.nan_to_num(of), torch.nan_to_num(other[1:2]))


def test_the_table_covers_every_weight_once_and_no_block_straddles_tensors() -> None:
    sizes, starts, parts = [100, 6, 33], [0, 112, 128], [2, 1, 4]
    places = places_of([(size,) for size in sizes], [(0,)] * 3, parts, models=5)
    assert [place.start for place in places] == starts
    assert [place.gradient for place in places] == [0, 1008, 1040]  # 2*5*100 and 1*5*6, each to a multiple of 16
    table = table_of(places, block=32)
    assert table.tolist() == [
        [0, 32, 0, 2, 100], [32, 32, 32, 2, 100], [64, 32, 64, 2, 100], [96, 4, 96, 2, 100],
        [112, 6, 1008, 1, 6],
        [128, 32, 1040, 4, 33], [160, 1, 1072, 4, 33],
    ]  # fmt: skip


LAYERS = {"odd": (2, 5, 9, 7), "latents": (2, 4, 10, 20), "logits": (1, 6, 20, 2), "blocks": (1, 70, 40, 70)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("sizes", list(LAYERS.values()), ids=list(LAYERS))
def test_a_layer_updated_with_its_gradient_is_that_updated_after_it(
    sizes: tuple[int, int, int, int], dtype: torch.dtype
) -> None:
    k, b, i, o = sizes
    torch.manual_seed(0)
    x, above = (torch.randn(k, b, size, device=DEVICE).to(dtype) for size in (i, o))
    fused, after = (Arena([o * i, o], [1, 1], k) for _ in range(2))
    for of, other in ((after.p, fused.p), (after.m, fused.m), (after.v, fused.v)):
        of.copy_(other)
    rate = torch.tensor([CRITIC.lr], device=DEVICE)
    for t in (1, 2, 3):
        of_w, of_b = (
            after.gradients[at : at + k * n].view(1, k, *shape)
            for at, n, shape in zip(after.places, after.sizes, ((o, i), (o,)), strict=False)
        )
        triton_dense.dense_weights(x, above, of_w, of_b)
        after.update(CRITIC, t)
        views = [(w.view(k, o, i), b) for w, b in (fused.tensors(of) for of in (fused.p, fused.m, fused.v, fused.s))]
        if dtype == torch.float32:
            views[3] = (None, None)
        weights, biases = (Updated(*of) for of in zip(*views, strict=True))
        triton_dense.dense_weights_adam(x, above, weights, biases, rate, torch.tensor([float(t)], device=DEVICE),
                                        CRITIC.beta1, CRITIC.beta2, CRITIC.eps)  # fmt: skip
    for of, other in ((fused.p, after.p), (fused.m, after.m), (fused.v, after.v)):
        torch.testing.assert_close(of, other, rtol=1e-4, atol=2e-6, equal_nan=True)
    if dtype == torch.bfloat16:
        for found, master in zip(fused.tensors(fused.s), fused.tensors(fused.p), strict=True):
            assert torch.equal(found, master.bfloat16())


def test_the_gradient_below_is_that_of_the_weights_before_the_update() -> None:
    """The order of calls that `dense_weights_adam` asks for: after it the weights are others."""
    arena = Arena([12, 4], [1, 1], k=1)
    x, above = torch.randn(1, 2, 3, device=DEVICE), torch.randn(1, 2, 4, device=DEVICE)
    (w, b), (m, bm), (v, bv) = (arena.tensors(of) for of in (arena.p, arena.m, arena.v))
    before = triton_dense.dense_below(above, w.view(1, 4, 3), x, Activation())
    one = torch.ones(1, device=DEVICE)
    weights = Updated(w.view(1, 4, 3), m.view(1, 4, 3), v.view(1, 4, 3), None)
    triton_dense.dense_weights_adam(x, above, weights, Updated(b, bm, bv, None), one, one, 0.9, 0.999, 1e-8)
    after = triton_dense.dense_below(above, w.view(1, 4, 3), x, Activation())
    assert not torch.allclose(before, after)

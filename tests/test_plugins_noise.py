"""A method that requests noise is given draws of its own stream, the same however it is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distaff import rng
from distaff.runs import Optim, Run, run
from distaff.training.engines.loop import loop
from distaff.training.engines.mapped import mapped
from distaff.training.engines.stacked import stacked
from distaff.training.fit import Trained, fit
from distaff.training.pack import begin, pack
from distaff.training.step import draw_batch, group_terms, step

NOISY = '''
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="none", noise=True{more})
def {name}(out: Outputs, *, weight: Hyper = 1.0) -> Terms:
    """A penalty on the codes along random directions."""
    along = (out.noise * out.mean).sum(1)
    return {{"nll": out.nll, "kl": out.kl, "along": weight * along.square().mean()}}
'''
NETWORK = "mlp(width=8, latents=3)"


@pytest.fixture(autouse=True)
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "noisy.py").write_text(NOISY.format(name="noisy", more=""))
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))


def noisy(seed: int = 0, method: str = "noisy", **rest: object) -> Run:
    return run("toy", method, NETWORK, seed=seed, updates=12, optim=Optim(lr=1e-3), **rest)


def test_the_noise_is_a_draw_of_its_own_stream_for_each_seed_and_update() -> None:
    packed = pack((noisy(3), noisy(5)))
    drawn = draw_batch(packed, 7)
    assert drawn.own is not None
    assert torch.equal(drawn.own[1], rng.normal(5, "method", 7, (64, 3)))
    assert not torch.equal(drawn.own, drawn.noise)
    assert draw_batch(pack((noisy(method="beta_vae"),)), 7).own is None


def test_other_draws_are_as_they_were_without_it() -> None:
    with_it, without = (draw_batch(pack((noisy(method=name),)), 7) for name in ("noisy", "beta_vae"))
    assert torch.equal(with_it.x, without.x)
    assert torch.equal(with_it.noise, without.noise)


def test_the_others_of_a_pack_do_not_see_it() -> None:
    packed = pack((noisy(), noisy(method="beta_vae")))
    _, _, outputs = step(packed, begin(packed), stacked)
    seen = []
    (plain,) = (group for group in packed.groups if not group.hooks.noise)
    spied = plain._replace(terms=lambda out, **_: seen.append(out.noise) or {"nll": out.nll})
    group_terms(spied, outputs)
    assert set(seen) == {None}


def weights(trained: Trained) -> bytes:
    return b"".join(part.numpy().tobytes() for _, part in sorted(trained.params.items()))


def test_a_run_is_the_same_bits_alone_in_a_pack_and_resumed(tmp_path: Path) -> None:
    def stop(done: int, _: int) -> None:
        if done >= 5:
            raise KeyboardInterrupt

    (alone,) = fit((noisy(1),))
    together = fit((noisy(0), noisy(1), noisy(1, "noisy(weight=5)"), noisy(1, "beta_vae"), noisy(2, "dip_vae_i")))
    (beside,) = (one for one in together if one.run == alone.run)
    assert weights(alone) == weights(beside)
    path = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        fit((noisy(1),), checkpoint=path, progress=stop)
    assert weights(fit((noisy(1),), checkpoint=path)[0]) == weights(alone)
    other = next(one for one in together if str(one.run.method) == "noisy(weight=5)")
    assert weights(other) != weights(alone), "and the term with it counts"


@pytest.mark.parametrize("engine", [mapped, stacked])
def test_all_engines_give_the_terms_of_loop(engine) -> None:  # type: ignore[no-untyped-def]
    packed = pack((noisy(0), noisy(4), noisy(2, "beta_vae")))
    _, terms, outputs = step(packed, begin(packed), engine)
    _, slow, of_loop = step(packed, begin(packed), loop)
    assert torch.equal(outputs.noise, of_loop.noise)
    for group, same in zip(terms, slow, strict=True):
        for name, value in group.items():
            torch.testing.assert_close(value, same[name])


def test_the_id_of_a_method_does_not_know_of_noise(tmp_path: Path) -> None:
    before = noisy().id
    (tmp_path / "methods" / "noisy.py").write_text(NOISY.format(name="noisy", more="").replace(", noise=True", ""))
    assert noisy().id == before
    assert run("toy", "beta_vae(beta=4)", "mlp(width=64)", seed=1).id == "c093ed08152541ac"

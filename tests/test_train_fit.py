"""Training resumes where it stopped, records what it optimised, and names the models that diverged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distaff import data
from distaff.codes import encode
from distaff.errors import DistaffError
from distaff.plugins.registry import NETWORKS
from distaff.runs import Optim, Run, run
from distaff.training.checkpoint import load_checkpoint, save_checkpoint
from distaff.training.fit import Trained, fit
from distaff.training.kernels.cpu import adam
from distaff.training.pack import begin, pack
from distaff.training.passes.choice import passes_for
from distaff.training.step import take_step

NETWORK = "mlp(width=32, latents=5)"


def runs(*methods: str, updates: int = 60) -> tuple[Run, ...]:
    return tuple(
        run("toy", m, NETWORK, "critic(width=16, depth=2)", updates=updates, optim=Optim(lr=1e-3)) for m in methods
    )


def same(one: Trained, other: Trained) -> bool:
    return all(torch.equal(w, other.params[name]) for name, w in one.params.items()) and torch.equal(
        one.curve.nan_to_num(-1), other.curve.nan_to_num(-1)
    )


@pytest.mark.parametrize("methods", [("beta_vae(beta=2)", "dip_vae_i"), ("factor_vae",)])
def test_an_interrupted_pack_goes_on_bit_for_bit(methods: tuple[str, ...], tmp_path: Path) -> None:
    whole = fit(runs(*methods))

    def interrupt(done: int, _: int) -> None:
        if done == 23:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(runs(*methods), checkpoint=tmp_path / "state.safetensors", progress=interrupt)
    state, *_ = load_checkpoint(tmp_path / "state.safetensors", pack(runs(*methods)))
    assert state.step == 23
    again = fit(runs(*methods), checkpoint=tmp_path / "state.safetensors")
    assert all(same(one, other) for one, other in zip(whole, again, strict=True))


def test_an_interrupt_inside_an_update_saves_no_torn_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, calls = fit(runs("beta_vae(beta=2)")), 0

    def torn(p: torch.Tensor, *rest: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 30:
            p.add_(1)
            raise KeyboardInterrupt
        adam(p, *rest)

    path = tmp_path / "state.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr("distaff.training.kernels.cpu.adam", torn)
        with pytest.raises(KeyboardInterrupt):
            fit(runs("beta_vae(beta=2)"), checkpoint=path, checkpoint_seconds=0.0)
    state, *_ = load_checkpoint(path, pack(runs("beta_vae(beta=2)")))
    assert state.step == 29
    assert same(whole[0], fit(runs("beta_vae(beta=2)"), checkpoint=path)[0])


def test_a_torn_or_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    packed = pack(runs("beta_vae"))
    save_checkpoint(path, packed, begin(packed), torch.zeros(1, 1, 1), ("step",))
    with pytest.raises(DistaffError, match="belongs to other runs"):
        fit(runs("dip_vae_i"), checkpoint=path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DistaffError, match="is not a checkpoint"):
        fit(runs("beta_vae"), checkpoint=path)


def test_the_objective_of_the_curve_is_the_sum_of_its_terms_and_falls() -> None:
    (one,) = fit(runs("beta_vae(beta=1)", updates=400))
    column = {name: one.curve[:, i] for i, name in enumerate(one.columns)}
    torch.testing.assert_close(column["objective"], column["term.nll"] + column["term.kl"])
    assert column["objective"][-20:].mean() < 0.6 * column["objective"][0]
    by_latent = torch.stack([column[f"kl.{d}"] for d in range(5)]).sum(0)
    torch.testing.assert_close(by_latent, column["term.kl"], rtol=1e-4, atol=1e-4)


def test_a_diverged_run_is_named_with_its_step_and_its_neighbour_is_not() -> None:
    sick, well = sorted(fit(runs("beta_vae(beta=1e39)", "beta_vae(beta=1)")), key=lambda one: one.diverged is None)
    assert sick.diverged == 1
    assert well.diverged is None


def test_a_pack_of_which_no_model_is_finite_is_trained_no_further() -> None:
    done: list[int] = []
    lost = fit(runs("beta_vae(beta=1e39)", "beta_vae(beta=2e39)", updates=4000), progress=lambda at, _: done.append(at))
    assert [one.diverged for one in lost] == [1, 1]
    assert done == [20], "the first point of the curve"


EXPLODES = '''
import torch
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="https://example.org")
def explodes(out: Outputs, *, after: Hyper = 10.0) -> Terms:
    """Not finite after an update, on every processor."""
    return {"nll": out.nll, "kl": out.kl * torch.where(out.step >= after, torch.inf, 1.0)}
'''


def test_the_update_that_diverged_is_named_exactly_and_after_an_interruption_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(at: int, _: int) -> None:
        if at > min(expected):
            raise KeyboardInterrupt

    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "explodes.py").write_text(EXPLODES)
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))
    both = tuple(run("toy", f"explodes(after={after})", NETWORK, updates=400) for after in (46, 133))
    expected = []
    for one in both:
        packed = pack((one,))
        state, objective = begin(packed), torch.zeros(1)
        passes = passes_for(packed, state)
        while objective.isfinite() and state.step < one.updates:
            state, (terms,), _ = take_step(packed, state, passes)
            objective = terms["nll"] + terms["kl"]
        expected.append(state.step)
    assert expected == [47, 134], "between the points of the curve, one before the interruption and one after it"
    path = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        fit(both, checkpoint=path, progress=stop)
    assert [one.diverged for one in fit(both, checkpoint=path)] == expected


@pytest.mark.slow
def test_where_memory_ends_the_models_are_named_and_what_they_need(tmp_path: Path) -> None:
    code = (
        "import torch, resource; from distaff.runs import run; from distaff.training.fit import fit;"
        "resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2);"
        "fit((run('toy', 'beta_vae', 'mlp(width=20000)', updates=2),))"
    )
    for limit in (6e9, 9e9):
        words = [sys.executable, "-c", f"import sys; {code}", str(int(limit))]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        assert "DistaffError: out of memory (" in done.stderr
        assert "1 models of mlp(width=20000) side by side need about" in done.stderr


def test_codes_of_rows_do_not_depend_on_the_rows_beside_them() -> None:
    (one,) = fit(runs("beta_vae"))
    toy = data.load("toy")
    vae = NETWORKS.bind(one.run.network)(toy.shape)
    every = encode(vae, one.params, toy, np.arange(len(toy)))
    some = encode(vae, one.params, toy, np.array([700, 3]))
    np.testing.assert_allclose(every.mean[[700, 3]], some.mean, atol=1e-5)
    drawn = every.sample(np.random.Generator(np.random.Philox(0)))
    assert drawn.shape == every.mean.shape
    assert not np.array_equal(drawn, every.mean)

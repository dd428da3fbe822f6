"""A regulariser that warms up grows linearly to its strength; without, nothing of a method or its ids changes."""

from __future__ import annotations

import math

import pytest

from distaff.methods import beta_tc_vae, beta_vae, factor_vae
from distaff.plugins.registry import METHODS
from distaff.runs import Optim, run
from distaff.testing.method_outputs import drawn_outputs
from distaff.testing.oracles import oracle_of
from distaff.training.fit import fit

FUNCTIONS = {"beta_vae": (beta_vae, "beta"), "beta_tc_vae": (beta_tc_vae, "beta"), "factor_vae": (factor_vae, "gamma")}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("step", [0.0, 1.0, 250.0, 1_000.0, 5_000.0])
def test_the_objective_is_that_of_the_slow_version_at_every_update(name: str, step: float) -> None:
    function, strength = FUNCTIONS[name]
    oracle = oracle_of(METHODS.plugin(name))
    assert oracle
    out = drawn_outputs(3, step=step)
    values = {strength: 3.0, "warmup": 1_000}
    assert math.isclose(float(sum(function(out, **values).values())), oracle(out, values), rel_tol=1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_nothing_at_first_and_whole_at_the_end(name: str) -> None:
    function, strength = FUNCTIONS[name]
    for step, share in ((0.0, 0.0), (50.0, 0.5), (100.0, 1.0), (1e6, 1.0)):
        out = drawn_outputs(4, step=step)
        term = list(function(out, **{strength: 3.0}))[-1]
        warm, whole = function(out, **{strength: 3.0, "warmup": 100}), function(out, **{strength: 3.0})
        assert float(warm[term]) == pytest.approx(share * float(whole[term]), rel=1e-12)


def test_runs_without_a_warmup_keep_their_ids() -> None:
    assert run("dsprites", "beta_vae(beta=4)").id == run("dsprites", "beta_vae(beta=4, warmup=0)").id
    assert "warmup" not in METHODS.parse("factor_vae(gamma=20)").identity
    ids = {run("dsprites", f"beta_vae(beta=4, warmup={n})").id for n in (0, 1, 10_000)}
    assert len(ids) == 3


def test_models_with_and_without_a_warmup_are_trained_side_by_side() -> None:
    specs = ("beta_vae(beta=4)", "beta_vae(beta=4, warmup=50)", "beta_vae(beta=8, warmup=50)")
    runs = tuple(run("toy", spec, "mlp(width=16, latents=3)", updates=60, optim=Optim(lr=1e-3)) for spec in specs)
    together = {one.run.id: one for one in fit(runs)}
    for one in runs:
        (alone,) = fit((one,))
        assert all((alone.params[name] == weights).all() for name, weights in together[one.id].params.items())
    first = {id: float(one.curve[0, one.columns.index("term.kl")]) for id, one in together.items()}
    assert first[runs[0].id] > 10 * first[runs[1].id] >= 0

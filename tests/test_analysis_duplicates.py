"""Runs of the same mathematics count once, whatever they are called."""

import polars as pl
import pytest
import torch

from distaff.analysis.agreement import agreement
from distaff.analysis.claims.evidence import evidence
from distaff.analysis.claims.measures import trend
from distaff.analysis.duplicates import canonical_method, without_duplicates
from distaff.analysis.scores import TC
from distaff.analysis.selection import transfer_game
from distaff.analysis.variance import variance_explained
from distaff.methods import Outputs
from distaff.plugins.registry import METHODS
from simulated_study import simulated

MARKED = [name for name in METHODS.packaged() if "same_as" in METHODS.plugin(name).marks]
TWICE = pl.col("spec") == "beta_tc_vae(beta=1)"


def outputs() -> Outputs:
    draw = torch.Generator().manual_seed(0)
    mean, logvar, z = (torch.randn(6, 4, generator=draw, dtype=torch.float64).requires_grad_() for _ in range(3))
    logits = torch.randn(6, 2, generator=draw, dtype=torch.float64)
    return Outputs(torch.tensor(20.0, dtype=torch.float64), mean, logvar, z, torch.tensor(7.0), logits, logits)


@pytest.mark.parametrize("name", MARKED)
def test_a_method_that_is_said_to_be_another_has_its_loss_and_its_gradient(name):
    values, other = METHODS.plugin(name).marks["same_as"]
    found = []
    for spec in (METHODS.spec(name, **values), METHODS.parse(other)):
        out = outputs()
        loss = sum(METHODS.bind(spec)(out).values())
        gradients = torch.autograd.grad(loss, (out.mean, out.logvar, out.z), allow_unused=True)
        nothing = torch.zeros_like(out.z)
        found.append([loss, *(nothing if one is None else one for one in gradients)])
    for one, same in zip(*found, strict=True):
        torch.testing.assert_close(one, same)


def test_marked_methods_are_known_by_their_values_and_others_by_themselves():
    assert MARKED == ["beta_tc_vae", "dip_vae_i", "dip_vae_ii", "factor_vae"]
    assert canonical_method("beta_tc_vae(beta=1)") == canonical_method("beta_tc_vae(beta=1.0)") == "beta_vae(beta=1)"
    assert canonical_method("factor_vae(gamma=0, clip=False)") == "beta_vae(beta=1)"
    for spec in ("beta_tc_vae(beta=2)", "beta_vae(beta=1)", "no_such_method(beta=1)"):
        assert canonical_method(spec) == spec


def test_a_run_that_stands_twice_counts_once_and_one_that_stands_alone_stays():
    table = simulated(2)[0]
    assert without_duplicates(table)["spec"].n_unique() == 17
    assert without_duplicates(table).equals(table.filter(~TWICE))
    alone = table.filter(pl.col("method") != "beta_vae")
    assert without_duplicates(alone).equals(alone)
    other = table.with_columns(seed=pl.when(TWICE).then(pl.col("seed") + 10).otherwise("seed"))
    assert without_duplicates(other).equals(other)


def copied(seeds: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A study whose beta-TCVAE with beta = 1 has the scores of beta-VAE with beta = 1, and the study without it."""
    table = simulated(seeds)[0]
    without = table.filter(~TWICE)
    same = without.filter(pl.col("spec") == "beta_vae(beta=1)")
    of = table.filter(TWICE).drop("value").join(same.select("seed", "representation", "metric", "value"),
                                                ["seed", "representation", "metric"])  # fmt: skip
    return pl.concat([without, of.select(table.columns)]), without


def test_agreement_variance_game_and_evidence_are_those_without_the_copies():
    both, without = copied(4)
    for analysis in (lambda t: agreement(t, ["mig", "dci"]), variance_explained, transfer_game):
        assert analysis(both).equals(analysis(without))
    study, once = (evidence(table, resamples=5) for table in (both, without))
    assert study.runs == once.runs == 68
    assert study.settings == 18


def test_the_strengths_of_a_method_keep_the_one_that_is_another_method():
    study, once = (evidence(table, resamples=5) for table in copied(4))
    sampled = f"{TC}@sampled"
    assert trend(study, sampled, "beta_tc_vae")[0] != trend(once, sampled, "beta_tc_vae")[0]
    assert trend(study, sampled, "beta_vae")[0] == trend(once, sampled, "beta_vae")[0]

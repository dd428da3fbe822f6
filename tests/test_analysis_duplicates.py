"""Runs of the same mathematics count once, whatever they are called."""

import polars as pl

from distaff.analysis.agreement import agreement
from distaff.analysis.claims.evidence import evidence
from distaff.analysis.claims.measures import trend
from distaff.analysis.duplicates import canonical_method, without_duplicates
from distaff.analysis.scores import TC
from distaff.analysis.selection import transfer_game
from distaff.analysis.variance import variance_explained
from distaff.plugins.registry import METHODS
from distaff.testing.simulated_study import simulated, simulated_study

MARKED = [name for name in METHODS.packaged() if "same_as" in METHODS.plugin(name).marks]
TWICE = pl.col("spec") == "beta_tc_vae(beta=1)"


def test_marked_methods_are_known_by_their_values_and_others_by_themselves():
    assert {"beta_tc_vae", "dip_vae_i", "dip_vae_ii", "factor_vae"} <= set(MARKED)
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


def test_a_trend_is_within_a_network_whatever_another_network_reaches():
    """A score rises with the strength in two networks; that of the lower strengths has the higher scores."""
    table = simulated_study(("a",), 6, strengths=6)[0].filter(pl.col("method") == "beta_vae")
    low, high = pl.col("strength_index") < 3, pl.col("strength_index") >= 3
    rising = pl.when(pl.col("metric") == TC).then(pl.col("strength_index") + 0.01 * pl.col("seed")).otherwise("value")
    table = table.with_columns(rising.alias("value"), pl.lit("mlp").alias("network"))
    other = table.filter(low).with_columns(
        pl.when(pl.col("metric") == TC).then(pl.col("value") + 100).otherwise("value").alias("value"),
        pl.lit("mlp(width=8)").alias("network"),
        *((pl.col(name).cast(pl.String) + "-wide").alias(name) for name in ("setting", "configuration", "id")),
    )
    texts = {name: pl.String for name in other.columns if other[name].dtype == pl.String}
    both = pl.concat([table.filter(high).cast(texts), other])
    assert trend(evidence(both, resamples=5), TC, "beta_vae")[0] > 0.9

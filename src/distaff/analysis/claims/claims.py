"""What the papers found, each statement as a test of a study: an effect, and the range of it under which it holds.

Where a paper gives a sign, the range is that side of zero. Where it gives a number, or says that there is little of
something, the range is as wide as the statement is loose; its ends are choices of this library, and are shown.

Every claim is about the paper's six metrics and its methods at the strengths that it tried (`paper.RANGES`). What a
claim needs of a study stands beside it: `needs` that its effect can exist, `sees` that the contrary could be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis import needs
from distaff.analysis.claims import measures
from distaff.analysis.claims.claim import CLAIMS, assess, claim
from distaff.analysis.claims.evidence import Evidence, evidence
from distaff.analysis.scores import ACTIVE_TC, TC
from distaff.analysis.selection import LEAST_SEEDS
from distaff.analysis.usefulness import accuracies, efficiencies

Array = NDArray[np.float64]
SAMPLED = f"{TC}@sampled"
FALLS, RISES = (float("-inf"), 0.0), (0.0, float("inf"))
ICML, BEYOND = "Locatello et al., 2019", "Bonheme and Grzes, 2021"


def below(end: float) -> tuple[float, float]:
    """Effects less than `end`."""
    return float("-inf"), end


def above(end: float) -> tuple[float, float]:
    """Effects greater than `end`."""
    return end, float("inf")


def scorecard(
    table: pl.DataFrame,
    *,
    grids: Mapping[str, Sequence[int]] | None = None,
    resamples: int = 400,
    seed: int = 0,
) -> pl.DataFrame:
    """Every claim on this table, a row each: value, low, high, verdict, more_seeds, needs, published, n and seeds.

    `verdict` is supported, contradicted, not enough evidence, or not applicable. Of the last two, `needs` says what is
    missing; of an open claim `more_seeds` may say how many more a setting would take (null beyond a thousand).
    `comparisons` is how many claims have an interval, among which one in twenty is decided by luck where nothing is
    true. `settings` are those within the paper's range, on which all is computed, `left_out` the others. `grids` gives
    the factor sizes of data sets, for the claim about noise.
    """
    study = evidence(table, grids=grids, resamples=resamples, seed=seed)
    numbers = {name: pl.Float64() for name in ("value", "low", "high", "seeds")}
    other = {"needs": pl.String(), "more_seeds": pl.Int64()}
    card = pl.DataFrame([assess(one, study) for one in CLAIMS.values()], schema_overrides={**numbers, **other})
    return card.with_columns(
        comparisons=pl.col("low").is_not_null().sum().cast(pl.Int64),
        settings=pl.lit(study.settings, pl.Int64),
        left_out=pl.lit(study.left_out, pl.Int64),
    )


def on_what(card: pl.DataFrame) -> str:
    """A sentence on what the verdicts of a scorecard rest: settings of the paper, and the number of comparisons."""
    comparisons, settings, left_out = card.select("comparisons", "settings", "left_out").row(0)
    inside = f"Of {settings + left_out} settings {settings} lie in the paper's range of methods and strengths"
    rest = f"{inside}; the others do not count here. " if left_out else ""
    made = "1 comparison is" if comparisons == 1 else f"{comparisons} comparisons are"
    chance = "where nothing is true, one in twenty is decided by luck"
    return f"{rest}{made} made, each with an interval of 95 %: {chance}."


correlated = partial(claim, source=f"{ICML}, 5.1", figure="total_correlation")
moving = partial(correlated, bounds=(-1, 1))
TREND = "rank correlation with strength"


@moving(
    "Total correlation of samples falls with the strength of β-VAE.",
    TREND,
    published="falls",
    holds=FALLS,
    needs=[needs.strengths("beta_vae", SAMPLED)],
)
def sampled_total_correlation_falls_for_beta_vae(study: Evidence) -> Array:
    return measures.trend(study, SAMPLED, "beta_vae")


@moving(
    "Total correlation of samples falls with the strength of β-TCVAE.",
    TREND,
    published="falls",
    holds=FALLS,
    needs=[needs.strengths("beta_tc_vae", SAMPLED)],
)
def sampled_total_correlation_falls_for_beta_tc_vae(study: Evidence) -> Array:
    return measures.trend(study, SAMPLED, "beta_tc_vae")


@moving(
    "Total correlation of means rises with the strength of β-VAE.",
    TREND,
    published="rises",
    holds=RISES,
    needs=[needs.strengths("beta_vae", TC)],
)
def mean_total_correlation_rises_for_beta_vae(study: Evidence) -> Array:
    return measures.trend(study, TC, "beta_vae")


@moving(
    "Total correlation of means rises with the strength of β-TCVAE.",
    TREND,
    published="rises",
    holds=RISES,
    needs=[needs.strengths("beta_tc_vae", TC)],
)
def mean_total_correlation_rises_for_beta_tc_vae(study: Evidence) -> Array:
    return measures.trend(study, TC, "beta_tc_vae")


@moving(
    "Total correlation of means rises with the strength of FactorVAE.",
    TREND,
    published="rises, less",
    holds=RISES,
    needs=[needs.strengths("factor_vae", TC)],
)
def mean_total_correlation_rises_for_factor_vae(study: Evidence) -> Array:
    return measures.trend(study, TC, "factor_vae")


@correlated(
    "DIP-VAE-I keeps the total correlation of means low.",
    "log10 of its total correlation over that of β-VAE",
    published="low throughout",
    holds=FALLS,
    needs=[needs.both_methods("dip_vae_i", "beta_vae", TC)],
)
def dip_vae_i_keeps_means_independent(study: Evidence) -> Array:
    return measures.ratio_to_beta_vae(study, TC, "dip_vae_i")


@correlated(
    "The means that people use depend on each other more than the samples that were trained to be independent.",
    "log10 of the total correlation of means over that of samples",
    published="except in DIP-VAE-I",
    holds=RISES,
    needs=[needs.columns(TC, SAMPLED)],
)
def means_depend_more_than_samples(study: Evidence) -> Array:
    return measures.gap(study, TC)


@claim(
    "Passive latents explain most of that gap.",
    "share of the gap that is gone when only active latents count",
    published="most of it",
    source=BEYOND,
    holds=above(0.5),
    figure="correlation_of_means",
    needs=[needs.columns(TC, SAMPLED, ACTIVE_TC, f"{ACTIVE_TC}@sampled")],
    sees=[needs.gap_is_seen],
)
def passive_latents_explain_the_gap(study: Evidence) -> Array:
    return 1 - measures.share_of_gap(study, TC, ACTIVE_TC)


agreeing = partial(claim, source=f"{ICML}, 5.2", figure="metric_agreement", bounds=(-1, 1))


@agreeing(
    "All metrics but Modularity are correlated.",
    "mean rank correlation of the others",
    published="mildly to strongly",
    holds=above(0.2),
    needs=[needs.metrics(2, ordinary=True)],
    sees=[needs.more_than_noise],
)
def metrics_are_correlated(study: Evidence) -> Array:
    found = [rho for name, rho in measures.alone(study).items() if name != "modularity"]
    mean: Array = np.mean(found, axis=0)
    return mean


@agreeing(
    "Modularity is the metric that disagrees.",
    "mean rank correlation of the next odd metric with the others, less that of Modularity",
    published="it alone",
    holds=RISES,
    needs=[needs.columns("modularity"), needs.metrics(2, ordinary=True)],
    sees=[needs.settings_differ_in("modularity")],
)
def modularity_disagrees(study: Evidence) -> Array:
    return measures.next_odd(study) - measures.alone(study)["modularity"]


@agreeing(
    "MIG and DCI go together.",
    "rank correlation",
    published="strongly",
    holds=above(0.5),
    needs=[needs.columns("mig", "dci")],
    sees=[needs.each_more_than_noise("mig", "dci")],
)
def mig_and_dci_agree(study: Evidence) -> Array:
    return measures.pair(study, "mig", "dci")


@agreeing(
    "BetaVAE and FactorVAE score go together.",
    "rank correlation",
    published="strongly",
    holds=above(0.5),
    needs=[needs.columns("beta_vae_score", "factor_vae_score")],
    sees=[needs.each_more_than_noise("beta_vae_score", "factor_vae_score")],
)
def beta_vae_and_factor_vae_scores_agree(study: Evidence) -> Array:
    return measures.pair(study, "beta_vae_score", "factor_vae_score")


@claim(
    "A code that knows nothing has a high Modularity.",
    "Modularity of noise over the mean of the trained models",
    published="noise: 0.67 to 0.99",
    source="docs/analysis/reach.md",
    holds=above(0.75),
    figure="score_by_method",
    needs=[needs.columns("modularity"), needs.factor_sizes],
)
def noise_has_a_high_modularity(study: Evidence) -> Array:
    return measures.noise_share(study, "modularity")


deciding = partial(claim, source=f"{ICML}, 5.3 and Table 5", figure="variance_explained")
SHARE = "adjusted share of the variance, which noise may take below 0 or above 1"


@deciding(
    "The choice of method explains about 37 % of the variance of scores.",
    SHARE,
    published="0.37",
    holds=(0.27, 0.47),
    needs=[needs.metrics(1), needs.methods(2)],
    sees=[needs.more_than_noise],
    bounds=(-np.inf, 1),
)
def method_explains_about_37_per_cent(study: Evidence) -> Array:
    return measures.explained_by(study, settings=False)


@deciding(
    "The seed explains about 41 % of the variance of scores.",
    SHARE,
    published="0.41",
    holds=(0.31, 0.51),
    needs=[needs.metrics(1)],
    sees=[needs.more_than_noise],
    bounds=(0, np.inf),
)
def seed_explains_about_41_per_cent(study: Evidence) -> Array:
    return 1 - measures.explained_by(study, settings=True)


@claim(
    "No method dominates.",
    "share of data sets and metrics on which the commonest winner wins",
    published="none does",
    source=f"{ICML}, 5.3",
    holds=below(0.75),
    figure="score_by_method",
    needs=[needs.metrics(1), needs.methods(2), needs.datasets(3)],
    sees=[needs.settings_differ],
    bounds=(0, 1),
)
def no_method_dominates(study: Evidence) -> Array:
    return measures.wins_of_the_commonest(study)


playing = partial(claim, source=f"{ICML}, 5.4 and Table 1", figure="transfer_game", seeds=LEAST_SEEDS)
BEATS = "probability to beat or tie a random model"


@playing(
    "A good setting stays good with another seed.",
    BEATS,
    published="0.807",
    holds=above(needs.CLEARLY),
    needs=[needs.metrics(1)],
    sees=[needs.more_than_noise],
    bounds=(0, 1),
)
def settings_transfer_to_another_seed(study: Evidence) -> Array:
    return study.game(metric=True, dataset=True)


@playing(
    "Judged by another metric, a good setting is worth less.",
    "probability that is lost to the other metric",
    published="0.181",
    holds=RISES,
    needs=[needs.metrics(2)],
    bounds=(-1, 1),
)
def settings_are_worth_less_to_another_metric(study: Evidence) -> Array:
    return study.game(metric=True, dataset=True) - study.game(metric=False, dataset=True)


@playing(
    "Settings hardly transfer to another data set.",
    BEATS,
    published="0.593",
    holds=below(needs.CLEARLY),
    needs=[needs.metrics(1), needs.datasets(2)],
    sees=[needs.good_settings_stay_good],
    bounds=(0, 1),
)
def settings_hardly_transfer_to_another_data_set(study: Evidence) -> Array:
    return study.game(metric=True, dataset=False)


@playing(
    "Nor do they to another data set and metric.",
    BEATS,
    published="0.549",
    holds=below(needs.CLEARLY),
    needs=[needs.metrics(2), needs.datasets(2)],
    sees=[needs.good_settings_stay_good],
    bounds=(0, 1),
)
def settings_hardly_transfer_to_another_data_set_and_metric(study: Evidence) -> Array:
    return study.game(metric=False, dataset=False)


@claim(
    "No score without labels selects well.",
    "probability that the best such choice beats or ties a random model",
    published="no clear pattern",
    source=f"{ICML}, 5.4",
    holds=below(needs.CLEARLY),
    figure="selection_without_labels",
    needs=[needs.metrics(1), needs.no_labels],
    sees=[needs.good_settings_stay_good],
    seeds=LEAST_SEEDS,
)
def no_score_without_labels_selects_well(study: Evidence) -> Array:
    return measures.best_without_labels(study)


useful = partial(claim, source=f"{ICML}, 5.5", figure="usefulness")
RHO = "mean rank correlation"
STRONGEST = "size of the mean rank correlation, for the learner that has the stronger"


@useful(
    "Metrics but Modularity go with accuracy downstream.",
    RHO,
    published="on some data sets",
    holds=RISES,
    needs=[needs.accuracy, needs.metrics(1, ordinary=True)],
    bounds=(-1, 1),
)
def metrics_go_with_accuracy(study: Evidence) -> Array:
    tasks = accuracies(study.table)
    most = max((one.labels for one in tasks), default=0)
    columns = [one.column for one in tasks if one.labels == most]
    return measures.with_tasks(study, columns, "needs downstream accuracy")


@useful(
    "Metrics have no reliable link with sample efficiency.",
    STRONGEST,
    published="none",
    holds=below(0.3),
    needs=[needs.efficiency, needs.metrics(1, ordinary=True)],
    sees=[needs.settings_differ_in_efficiency],
    bounds=(-1, 1),
)
def metrics_have_no_reliable_link_with_efficiency(study: Evidence) -> Array:
    columns = [one.column for one in efficiencies(study.table)]
    return measures.strongest_with_task(study, columns, "needs statistical efficiency")

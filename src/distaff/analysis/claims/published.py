"""What the papers found, each statement as a test of a study: an effect, and the range of it under which it holds.

Where a paper gives a sign, the range is that side of zero. Where it gives a number, or says that there is little of
something, the range is as wide as the statement is loose; its ends are choices of this library, and are shown.

Every claim is about the paper's six metrics and its methods at the strengths that it tried (`paper.RANGES`). It lists
what it requires of a study: `requires` that its effect can exist, `controls` that the contrary could be detected.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from distaff.analysis.claims import measures, requirements
from distaff.analysis.claims.claim import CLAIMS as CLAIMS  # noqa: PLC0414
from distaff.analysis.claims.claim import claim
from distaff.analysis.claims.evidence import Evidence
from distaff.analysis.scores import ACTIVE_TC, TC
from distaff.analysis.selection import LEAST_SEEDS
from distaff.analysis.usefulness import accuracies, efficiencies

Array = NDArray[np.float64]
SAMPLED = f"{TC}@sampled"
INFORMATION = "pairwise_mutual_information"
FALLS, RISES = (float("-inf"), 0.0), (0.0, float("inf"))
ICML, BEYOND = "Locatello et al., 2019", "Bonheme and Grzes, 2021"


def below(end: float) -> tuple[float, float]:
    """Effects less than `end`."""
    return float("-inf"), end


def above(end: float) -> tuple[float, float]:
    """Effects greater than `end`."""
    return end, float("inf")


correlated = partial(claim, source=f"{ICML}, 5.1", figure="total_correlation")
moving = partial(correlated, bounds=(-1, 1))
TREND = "rank correlation with strength"


@moving(
    "Total correlation of samples falls with the strength of β-VAE.",
    TREND,
    published="falls",
    holds=FALLS,
    requires=[requirements.strengths("beta_vae", SAMPLED)],
)
def sampled_total_correlation_falls_for_beta_vae(study: Evidence) -> Array:
    return measures.trend(study, SAMPLED, "beta_vae")


@moving(
    "Total correlation of samples falls with the strength of β-TCVAE.",
    TREND,
    published="falls",
    holds=FALLS,
    requires=[requirements.strengths("beta_tc_vae", SAMPLED)],
)
def sampled_total_correlation_falls_for_beta_tc_vae(study: Evidence) -> Array:
    return measures.trend(study, SAMPLED, "beta_tc_vae")


@moving(
    "Total correlation of samples does not fall with the strength of FactorVAE.",
    TREND,
    published="does not",
    holds=above(-0.3),
    requires=[requirements.strengths("factor_vae", SAMPLED)],
    controls=[requirements.falls_for("beta_vae", SAMPLED)],
)
def factor_vae_keeps_sampled_total_correlation(study: Evidence) -> Array:
    return measures.trend(study, SAMPLED, "factor_vae")


@correlated(
    "The samples of the plain VAE depend on each other more than those of regularised models.",
    "log10 of its total correlation over that of the other settings",
    published="the most of all",
    holds=RISES,
    requires=[requirements.plain_vae(SAMPLED)],
)
def plain_vae_has_the_most_dependent_samples(study: Evidence) -> Array:
    return measures.plain_over_regularised(study, SAMPLED)


@moving(
    "Total correlation of means rises with the strength of β-VAE.",
    TREND,
    published="rises",
    holds=RISES,
    requires=[requirements.strengths("beta_vae", TC)],
)
def mean_total_correlation_rises_for_beta_vae(study: Evidence) -> Array:
    return measures.trend(study, TC, "beta_vae")


@moving(
    "Total correlation of means rises with the strength of β-TCVAE.",
    TREND,
    published="rises",
    holds=RISES,
    requires=[requirements.strengths("beta_tc_vae", TC)],
)
def mean_total_correlation_rises_for_beta_tc_vae(study: Evidence) -> Array:
    return measures.trend(study, TC, "beta_tc_vae")


@moving(
    "Total correlation of means rises with the strength of FactorVAE.",
    TREND,
    published="rises, less",
    holds=RISES,
    requires=[requirements.strengths("factor_vae", TC)],
)
def mean_total_correlation_rises_for_factor_vae(study: Evidence) -> Array:
    return measures.trend(study, TC, "factor_vae")


@correlated(
    "DIP-VAE-I keeps the total correlation of means low.",
    "log10 of its total correlation over that of β-VAE",
    published="low throughout",
    holds=FALLS,
    requires=[requirements.both_methods("dip_vae_i", "beta_vae", TC)],
)
def dip_vae_i_keeps_means_independent(study: Evidence) -> Array:
    return measures.ratio_to_beta_vae(study, TC, "dip_vae_i")


@correlated(
    "The means that people use depend on each other more than the samples that were trained to be independent.",
    "log10 of the total correlation of means over that of samples",
    published="except in DIP-VAE-I",
    holds=RISES,
    requires=[requirements.columns(TC, SAMPLED)],
)
def means_depend_more_than_samples(study: Evidence) -> Array:
    return measures.gap(study, TC)


@moving(
    "Pairwise information of samples falls with the strength of β-VAE, as total correlation does.",
    TREND,
    published="falls",
    holds=FALLS,
    requires=[requirements.strengths("beta_vae", f"{INFORMATION}@sampled")],
)
def sampled_information_falls_for_beta_vae(study: Evidence) -> Array:
    return measures.trend(study, f"{INFORMATION}@sampled", "beta_vae")


@moving(
    "Pairwise information of means rises with the strength of β-VAE, as total correlation does.",
    TREND,
    published="rises",
    holds=RISES,
    requires=[requirements.strengths("beta_vae", INFORMATION)],
)
def mean_information_rises_for_beta_vae(study: Evidence) -> Array:
    return measures.trend(study, INFORMATION, "beta_vae")


@claim(
    "Passive latents explain most of that gap.",
    "share of the gap that is gone when only active latents count",
    published="most of it",
    source=BEYOND,
    holds=above(0.5),
    figure="correlation_of_means",
    requires=[requirements.columns(TC, SAMPLED, ACTIVE_TC, f"{ACTIVE_TC}@sampled")],
    controls=[requirements.gap_is_significant],
)
def passive_latents_explain_the_gap(study: Evidence) -> Array:
    return 1 - measures.share_of_gap(study, TC, ACTIVE_TC)


agreeing = partial(claim, source=f"{ICML}, 5.2", figure="metric_agreement", bounds=(-1, 1))


@agreeing(
    "All metrics but Modularity are correlated.",
    "mean rank correlation of the others",
    published="mildly to strongly",
    holds=above(0.2),
    requires=[requirements.metrics(2, ordinary=True)],
    controls=[requirements.more_than_noise],
)
def metrics_are_correlated(study: Evidence) -> Array:
    others = [rho for name, rho in measures.mean_correlations(study).items() if name != "modularity"]
    mean: Array = np.mean(others, axis=0)
    return mean


@agreeing(
    "Modularity is the metric that disagrees.",
    "mean rank correlation of the next odd metric with the others, less that of Modularity",
    published="it alone",
    holds=RISES,
    requires=[requirements.columns("modularity"), requirements.metrics(2, ordinary=True)],
    controls=[requirements.settings_differ_in("modularity")],
)
def modularity_disagrees(study: Evidence) -> Array:
    return measures.least_correlated(study) - measures.mean_correlations(study)["modularity"]


@agreeing(
    "MIG and DCI go together.",
    "rank correlation",
    published="strongly",
    holds=above(0.5),
    requires=[requirements.columns("mig", "dci")],
    controls=[requirements.each_more_than_noise("mig", "dci")],
)
def mig_and_dci_agree(study: Evidence) -> Array:
    return measures.correlation(study, "mig", "dci")


@agreeing(
    "BetaVAE and FactorVAE score go together.",
    "rank correlation",
    published="strongly",
    holds=above(0.5),
    requires=[requirements.columns("beta_vae_score", "factor_vae_score")],
    controls=[requirements.each_more_than_noise("beta_vae_score", "factor_vae_score")],
)
def beta_vae_and_factor_vae_scores_agree(study: Evidence) -> Array:
    return measures.correlation(study, "beta_vae_score", "factor_vae_score")


@claim(
    "A code that knows nothing has a high Modularity.",
    "Modularity of noise over the mean of the trained models",
    published="noise: 0.67 to 0.99",
    source="docs/analysis/baselines.md",
    holds=above(0.75),
    figure="score_by_method",
    requires=[requirements.columns("modularity"), requirements.factor_sizes],
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
    requires=[requirements.metrics(1), requirements.methods(2)],
    controls=[requirements.more_than_noise],
    bounds=(-np.inf, 1),
)
def method_explains_about_37_per_cent(study: Evidence) -> Array:
    return measures.explained_by(study, settings=False)


@deciding(
    "The seed explains about 41 % of the variance of scores.",
    SHARE,
    published="0.41",
    holds=(0.31, 0.51),
    requires=[requirements.metrics(1)],
    controls=[requirements.more_than_noise],
    bounds=(0, np.inf),
)
def seed_explains_about_41_per_cent(study: Evidence) -> Array:
    return 1 - measures.explained_by(study, settings=True)


@deciding(
    "Method and strength together explain about 59 % of the variance of scores.",
    SHARE,
    published="0.59",
    holds=(0.49, 0.69),
    requires=[requirements.metrics(1), requirements.methods(2)],
    controls=[requirements.more_than_noise],
    bounds=(-np.inf, 1),
)
def method_and_strength_explain_about_59_per_cent(study: Evidence) -> Array:
    return measures.explained_by(study, settings=True)


@deciding(
    "Strength and seed matter more than the choice of method.",
    "share of the variance that the method does not explain, less the share that it does",
    published="0.26",
    holds=RISES,
    requires=[requirements.metrics(1), requirements.methods(2)],
    controls=[requirements.more_than_noise],
)
def strength_and_seed_outweigh_the_method(study: Evidence) -> Array:
    return 1 - 2 * measures.explained_by(study, settings=False)


@claim(
    "No method dominates.",
    "share of data sets and metrics on which the commonest winner wins",
    published="none does",
    source=f"{ICML}, 5.3",
    holds=below(0.75),
    figure="score_by_method",
    requires=[requirements.metrics(1), requirements.methods(2), requirements.datasets(3)],
    controls=[requirements.settings_differ],
    bounds=(0, 1),
)
def no_method_dominates(study: Evidence) -> Array:
    return measures.share_of_most_frequent_winner(study)


playing = partial(claim, source=f"{ICML}, 5.4 and Table 1", figure="transfer_game", seeds=LEAST_SEEDS)
BEATS = "probability to beat or tie a random model"


@playing(
    "A good setting stays good with another seed.",
    BEATS,
    published="0.807",
    holds=above(requirements.CLEARLY),
    requires=[requirements.metrics(1)],
    controls=[requirements.more_than_noise],
    bounds=(0, 1),
)
def settings_transfer_to_another_seed(study: Evidence) -> Array:
    return study.game(metric=True, dataset=True)


@playing(
    "Judged by another metric, a good setting is worth less.",
    "probability that is lost to the other metric",
    published="0.181",
    holds=RISES,
    requires=[requirements.metrics(2)],
    bounds=(-1, 1),
)
def settings_are_worth_less_to_another_metric(study: Evidence) -> Array:
    return study.game(metric=True, dataset=True) - study.game(metric=False, dataset=True)


@playing(
    "Settings hardly transfer to another data set.",
    BEATS,
    published="0.593",
    holds=below(requirements.CLEARLY),
    requires=[requirements.metrics(1), requirements.datasets(2)],
    controls=[requirements.good_settings_stay_good],
    bounds=(0, 1),
)
def settings_hardly_transfer_to_another_data_set(study: Evidence) -> Array:
    return study.game(metric=True, dataset=False)


@playing(
    "Nor do they to another data set and metric.",
    BEATS,
    published="0.549",
    holds=below(requirements.CLEARLY),
    requires=[requirements.metrics(2), requirements.datasets(2)],
    controls=[requirements.good_settings_stay_good],
    bounds=(0, 1),
)
def settings_hardly_transfer_to_another_data_set_and_metric(study: Evidence) -> Array:
    return study.game(metric=False, dataset=False)


@claim(
    "No score without labels selects well.",
    "probability that the best such choice beats or ties a random model",
    published="no clear pattern",
    source=f"{ICML}, 5.4",
    holds=below(requirements.CLEARLY),
    figure="selection_without_labels",
    requires=[requirements.metrics(1), requirements.no_labels],
    controls=[requirements.good_settings_stay_good],
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
    requires=[requirements.accuracy, requirements.metrics(1, ordinary=True)],
    bounds=(-1, 1),
)
def metrics_go_with_accuracy(study: Evidence) -> Array:
    tasks = accuracies(study.table)
    most = max((one.labels for one in tasks), default=0)
    columns = [one.column for one in tasks if one.labels == most]
    return measures.with_tasks(study, columns, "needs downstream accuracy")


@useful(
    "Modularity goes with accuracy downstream less than the other metrics do.",
    "mean rank correlation of the other metrics with accuracy, less that of Modularity",
    published="all but Modularity",
    holds=RISES,
    requires=[
        requirements.accuracy,
        requirements.metrics(1, ordinary=True),
        requirements.columns("modularity"),
    ],
    controls=[requirements.settings_differ_in("modularity")],
    bounds=(-2, 2),
)
def modularity_goes_less_with_accuracy(study: Evidence) -> Array:
    tasks = accuracies(study.table)
    most = max((one.labels for one in tasks), default=0)
    columns = [one.column for one in tasks if one.labels == most]
    needs = "needs downstream accuracy"
    of_modularity = study.mean([measures.correlation(study, "modularity", one) for one in columns], needs)
    return measures.with_tasks(study, columns, needs) - of_modularity


@useful(
    "Metrics have no reliable link with sample efficiency.",
    STRONGEST,
    published="none",
    holds=below(0.3),
    requires=[requirements.efficiency, requirements.metrics(1, ordinary=True)],
    controls=[requirements.settings_differ_in_efficiency],
    bounds=(-1, 1),
)
def metrics_have_no_reliable_link_with_efficiency(study: Evidence) -> Array:
    columns = [one.column for one in efficiencies(study.table)]
    return measures.strongest_with_task(study, columns, "needs statistical efficiency")

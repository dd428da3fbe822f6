"""The effects that claims are about, each measured on the evidence of a study: [1 + resamples]."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from distaff.analysis.claims.evidence import DatasetRuns, Evidence, mean_of, rank_correlation
from distaff.analysis.marks import head
from distaff.analysis.score_array import score_array
from distaff.analysis.scores import paper_unsupervised, unsupervised
from distaff.analysis.selection import best_anew, expected, seeds_drawn, selection_outcomes
from distaff.analysis.variance import shares
from distaff.errors import DistaffError

Array = NDArray[np.float64]
ORDINARY = ("beta_vae_score", "factor_vae_score", "mig", "dci", "sap")  # the paper's, without Modularity
LEAST = 1e-9  # nats: the least argument of a logarithm


def with_columns(study: Evidence, *names: str) -> list[DatasetRuns]:
    """The data sets that have all these columns."""
    return [part for part in study.datasets if set(names) <= part.columns.keys()]


def trend(study: Evidence, column: str, method: str) -> Array:
    """The rank correlation of a score with the strength of one method, mean over its variants and data sets.

    Variants differ in more than strength, as by their network: ranked together, the difference between two networks
    would hide or feign what the strength does.
    """
    correlations = []
    for part in study.datasets_with_duplicates:
        for variant in np.unique(part.variant[part.method == method]):
            rows = (part.method == method) & (part.variant == variant)
            if column in part.columns and len(np.unique(part.strength_index[rows])) > 1:
                strength = part.strength_index[rows].astype(np.float64)
                correlations.append(rank_correlation(strength, part.column(column)[rows], part.times[:, rows]))
    return study.mean(correlations, f"needs {column} of {method} at two strengths")


def ratio_to_beta_vae(study: Evidence, column: str, method: str) -> Array:
    """log10 of a score of one method over that of beta-VAE, mean over runs and data sets."""
    ratios = []
    for part in (one for one in study.datasets_with_duplicates if column in one.columns):
        if {method, "beta_vae"} <= set(part.method):
            logs, rows = (
                np.log10(np.maximum(part.columns[column], LEAST)),
                [part.method == method, part.method == "beta_vae"],
            )
            of_method, of_beta_vae = (mean_of(logs[chosen], part.times[:, chosen]) for chosen in rows)
            ratios.append(of_method - of_beta_vae)
    return study.mean(ratios, f"needs {column} of {method} and of beta_vae")


def is_plain(part: DatasetRuns) -> NDArray[np.bool_]:
    """Which runs are of the plain VAE, beta-VAE with strength 1."""
    plain: NDArray[np.bool_] = (part.method == "beta_vae") & (part.strength == 1)
    return plain


def plain_over_regularised(study: Evidence, column: str) -> Array:
    """log10 of a score of the plain VAE over its mean at the other settings, without AnnealedVAE, as in Figure 1."""
    ratios = []
    for part in with_columns(study, column):
        logs, plain = np.log10(np.maximum(part.columns[column], LEAST)), is_plain(part)
        others = ~plain & (part.method != "annealed_vae")
        if plain.any() and others.any():
            ratios.append(mean_of(logs[plain], part.times[:, plain]) - mean_of(logs[others], part.times[:, others]))
    return study.mean(ratios, f"needs {column} of beta_vae(beta=1) and of other settings")


def gap(study: Evidence, column: str) -> Array:
    """log10 of a score of means over that of samples, without the method that makes means independent."""
    gaps = []
    for part in with_columns(study, column, f"{column}@sampled"):
        rows = part.method != "dip_vae_i"
        mean, sampled = (np.log10(np.maximum(part.columns[n][rows], LEAST)) for n in (column, f"{column}@sampled"))
        gaps.append(mean_of(mean - sampled, part.times[:, rows]))
    return study.mean(gaps, f"needs {column} of means and samples")


def share_of_gap(study: Evidence, whole: str, part: str) -> Array:
    """How much of the gap of one score another score has too, to first order about the observed values.

    A ratio of resamples has no variance where a resample has no gap; its linear part has, and is the same where the
    gap is far from zero, without which there is nothing to share.
    """
    of_part, of_whole = gap(study, part), gap(study, whole)
    if abs(of_whole[0]) < LEAST:
        raise DistaffError("needs a gap between means and samples")
    share = of_part[0] / of_whole[0]
    drawn: Array = share + (of_part - share * of_whole) / of_whole[0]
    return drawn


def correlation(study: Evidence, a: str, b: str) -> Array:
    """The rank correlation of two scores, mean over data sets."""
    correlations = [part.correlation(a, b) for part in with_columns(study, a, b)]
    return study.mean(correlations, f"needs {a} and {b}")


def ordinary_metrics(study: Evidence) -> list[str]:
    """The paper's metrics without Modularity, those that every data set has."""
    return [name for name in study.metrics if head(name) in ORDINARY]


def mean_correlations(study: Evidence) -> dict[str, Array]:
    """The mean rank correlation of each metric with the others; the ordinary ones leave Modularity out."""
    ordinary = ordinary_metrics(study)
    rho = {frozenset(two): correlation(study, *two) for two in combinations(ordinary, 2)}
    means = {a: np.mean([rho[frozenset((a, b))] for b in ordinary if b != a], axis=0) for a in ordinary}
    if "modularity" in study.metrics:
        means["modularity"] = np.mean([correlation(study, "modularity", name) for name in ordinary], axis=0)
    return means


def noise_share(study: Evidence, metric: str) -> Array:
    """The score of noise on a data set over that of the trained models."""
    from distaff.metrics.baselines import expected as expected_baselines  # compiles metrics, which no table needs

    ratios = []
    for part in with_columns(study, metric):
        if known := expected_baselines(metric, study.grids.get(part.dataset, ())):
            ratios.append(known.noise / mean_of(part.columns[metric], part.times))
    return study.mean(ratios, f"needs {metric}, and the factor sizes of its data set")


def least_correlated(study: Evidence) -> Array:
    """The least of the ordinary metrics' mean rank correlations, with that metric chosen anew in each resample."""
    means = np.array([rho for name, rho in mean_correlations(study).items() if name != "modularity"])
    least: Array = -best_anew(-means, study.seeds)
    return least


def explained_by(study: Evidence, *, settings: bool) -> Array:
    """The adjusted share of variance that methods, or settings, explain, mean over the metrics and data sets."""
    explained = []
    for part in study.datasets:
        groups = part.settings if settings else np.unique(part.method, return_inverse=True)[1]
        for name in study.metrics:
            share = shares(part.columns[name], groups, part.times).adjusted
            explained += [share] if np.isfinite(share[0]) else []
    return study.mean(explained, "needs a metric that varies, and two seeds a setting")


def share_of_most_frequent_winner(study: Evidence) -> Array:
    """The share of data sets and metrics on which the method that wins most often has the highest mean."""
    methods = sorted({str(name) for part in study.datasets for name in part.method})
    won = np.zeros((len(study.datasets[0].times), len(methods)))
    for part in study.datasets:
        member = (part.method[:, None] == np.array(methods)).astype(np.float64)
        for name in study.metrics:
            finite = np.isfinite(part.columns[name])
            sums = part.times[:, finite] @ (member[finite] * part.columns[name][finite, None])
            sizes = part.times[:, finite] @ member[finite]
            means = np.divide(sums, sizes, out=np.full_like(sums, -np.inf), where=sizes > 0)
            won[np.arange(len(won)), means.argmax(axis=1)] += 1
    most: Array = won.max(axis=1) / (len(study.datasets) * len(study.metrics))
    return most


def best_without_labels(study: Evidence) -> Array:
    """How often the setting that the best score without labels chooses beats or ties a random model.

    Which score is best is chosen anew in each resample, and the optimism of that choice is taken off.
    """
    names = paper_unsupervised(study.table)
    names += [name for name in unsupervised(study.table) if head(name) == "udr"]  # only where it was requested
    played = score_array(study.table, [*names, *study.metrics])
    weights = seeds_drawn(played, study.resamples, study.seed)
    outcomes = [selection_outcomes(played, name, study.metrics) for name in names if name in played.metrics]
    probabilities = [expected(one, weights) for one in outcomes if one is not None]
    if not probabilities:
        raise DistaffError("needs a score without labels that every data set has")
    return best_anew(np.array(probabilities), len(played.seeds))


def with_tasks(study: Evidence, tasks: Sequence[str], needs: str) -> Array:
    """The rank correlation of the ordinary metrics with downstream columns, mean over both and data sets."""
    return study.mean([correlation(study, name, one) for one in tasks for name in ordinary_metrics(study)], needs)


def strongest_with_task(study: Evidence, tasks: Sequence[str], needs: str) -> Array:
    """The size of `with_tasks` of the one column with the strongest link: contrary ones must not cancel each other.

    Which column it is is chosen anew in each resample, and the optimism of that choice is taken off.
    """
    each = [np.abs(with_tasks(study, [one], needs)) for one in tasks]
    return best_anew(np.array(each), study.seeds) if each else study.mean([], needs)

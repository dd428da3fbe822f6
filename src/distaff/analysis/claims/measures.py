"""The effects that claims are about, each measured on the evidence of a study: [1 + resamples]."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from distaff.analysis.block import block
from distaff.analysis.claims.evidence import Evidence, Part, mean_of, rank_correlation
from distaff.analysis.scores import head, paper_unsupervised, unsupervised
from distaff.analysis.selection import best_anew, expected, seeds_drawn, selection_outcomes
from distaff.analysis.variance import shares
from distaff.errors import DistaffError

Array = NDArray[np.float64]
ORDINARY = ("beta_vae_score", "factor_vae_score", "mig", "dci", "sap")  # the paper's, without Modularity
LEAST = 1e-9  # nats: where a logarithm would have no end


def with_columns(study: Evidence, *names: str) -> list[Part]:
    """The data sets that have all these columns."""
    return [part for part in study.parts if set(names) <= part.columns.keys()]


def trend(study: Evidence, column: str, method: str) -> Array:
    """The rank correlation of a score with the strength of one method, mean over data sets."""
    found = []
    for part in study.whole:
        rows = part.method == method
        if column in part.columns and len(np.unique(part.strength_index[rows])) > 1:
            strength = part.strength_index[rows].astype(np.float64)
            found.append(rank_correlation(strength, part.column(column)[rows], part.times[:, rows]))
    return study.mean(found, f"needs {column} of {method} at two strengths")


def ratio_to_beta_vae(study: Evidence, column: str, method: str) -> Array:
    """log10 of a score of one method over that of beta-VAE, mean over runs and data sets."""
    found = []
    for part in (one for one in study.whole if column in one.columns):
        if {method, "beta_vae"} <= set(part.method):
            logs, rows = (
                np.log10(np.maximum(part.columns[column], LEAST)),
                [part.method == method, part.method == "beta_vae"],
            )
            of = [mean_of(logs[chosen], part.times[:, chosen]) for chosen in rows]
            found.append(of[0] - of[1])
    return study.mean(found, f"needs {column} of {method} and of beta_vae")


def gap(study: Evidence, column: str) -> Array:
    """log10 of a score of means over that of samples, without the method that makes means independent."""
    found = []
    for part in with_columns(study, column, f"{column}@sampled"):
        rows = part.method != "dip_vae_i"
        mean, sampled = (np.log10(np.maximum(part.columns[n][rows], LEAST)) for n in (column, f"{column}@sampled"))
        found.append(mean_of(mean - sampled, part.times[:, rows]))
    return study.mean(found, f"needs {column} of means and samples")


def share_of_gap(study: Evidence, whole: str, part: str) -> Array:
    """How much of the gap of one score is there in another, to first order about what was found.

    A ratio of resamples has no variance where a resample has no gap; its linear part has, and is the same where the
    gap is far from zero, without which there is nothing to share.
    """
    above, below = gap(study, part), gap(study, whole)
    if abs(below[0]) < LEAST:
        raise DistaffError("needs a gap between means and samples")
    share = above[0] / below[0]
    drawn: Array = share + (above - share * below) / below[0]
    return drawn


def pair(study: Evidence, a: str, b: str) -> Array:
    """The rank correlation of two scores, mean over data sets."""
    found = [part.correlation(a, b) for part in with_columns(study, a, b)]
    return study.mean(found, f"needs {a} and {b}")


def ordinary_metrics(study: Evidence) -> list[str]:
    """The paper's metrics without Modularity, those that every data set has."""
    return [name for name in study.metrics if head(name) in ORDINARY]


def alone(study: Evidence) -> dict[str, Array]:
    """The mean rank correlation of each metric with the others; the ordinary ones leave Modularity out."""
    ordinary = ordinary_metrics(study)
    rho = {frozenset(two): pair(study, *two) for two in combinations(ordinary, 2)}
    found = {a: np.mean([rho[frozenset((a, b))] for b in ordinary if b != a], axis=0) for a in ordinary}
    if "modularity" in study.metrics:
        found["modularity"] = np.mean([pair(study, "modularity", name) for name in ordinary], axis=0)
    return found


def noise_share(study: Evidence, metric: str) -> Array:
    """What noise scores on a data set, over what the trained models do."""
    from distaff.metrics.baselines import expected as expected_baselines  # compiles metrics, which no table needs

    found = []
    for part in with_columns(study, metric):
        if known := expected_baselines(metric, study.grids.get(part.dataset, ())):
            found.append(known.noise / mean_of(part.columns[metric], part.times))
    return study.mean(found, f"needs {metric}, and the factor sizes of its data set")


def next_odd(study: Evidence) -> Array:
    """The least of the ordinary metrics' mean rank correlations, which metric it is chosen anew in each resample."""
    found = np.array([rho for name, rho in alone(study).items() if name != "modularity"])
    least: Array = -best_anew(-found, study.seeds)
    return least


def explained_by(study: Evidence, *, settings: bool) -> Array:
    """The adjusted share of variance that methods, or settings, explain, mean over the metrics and data sets."""
    found = []
    for part in study.parts:
        groups = part.cells if settings else np.unique(part.method, return_inverse=True)[1]
        for name in study.metrics:
            share = shares(part.columns[name], groups, part.times).adjusted
            found += [share] if np.isfinite(share[0]) else []
    return study.mean(found, "needs a metric that varies, and two seeds a setting")


def wins_of_the_commonest(study: Evidence) -> Array:
    """The share of data sets and metrics on which the method that wins most often has the highest mean."""
    methods = sorted({str(name) for part in study.parts for name in part.method})
    won = np.zeros((len(study.parts[0].times), len(methods)))
    for part in study.parts:
        member = (part.method[:, None] == np.array(methods)).astype(np.float64)
        for name in study.metrics:
            there = np.isfinite(part.columns[name])
            sums = part.times[:, there] @ (member[there] * part.columns[name][there, None])
            sizes = part.times[:, there] @ member[there]
            means = np.divide(sums, sizes, out=np.full_like(sums, -np.inf), where=sizes > 0)
            won[np.arange(len(won)), means.argmax(axis=1)] += 1
    most: Array = won.max(axis=1) / (len(study.parts) * len(study.metrics))
    return most


def best_without_labels(study: Evidence) -> Array:
    """How often the setting that the best score without labels chooses beats or ties a random model.

    Which score is best is chosen anew in each resample, and the optimism of that choice is taken off.
    """
    names = paper_unsupervised(study.table)
    names += [name for name in unsupervised(study.table) if head(name) == "udr"]  # there where it was asked for
    played = block(study.table, [*names, *study.metrics])
    weights = seeds_drawn(played, study.resamples, study.seed)
    outcomes = [selection_outcomes(played, name, study.metrics) for name in names if name in played.metrics]
    found = [expected(one, weights) for one in outcomes if one is not None]
    if not found:
        raise DistaffError("needs a score without labels that every data set has")
    return best_anew(np.array(found), len(played.seeds))


def with_tasks(study: Evidence, tasks: Sequence[str], needs: str) -> Array:
    """The rank correlation of the ordinary metrics with downstream columns, mean over both and data sets."""
    return study.mean([pair(study, name, one) for one in tasks for name in ordinary_metrics(study)], needs)


def strongest_with_task(study: Evidence, tasks: Sequence[str], needs: str) -> Array:
    """The size of `with_tasks` of the one column with the strongest link: contrary ones must not cancel each other.

    Which column it is is chosen anew in each resample, and the optimism of that choice is taken off.
    """
    each = [np.abs(with_tasks(study, [one], needs)) for one in tasks]
    return best_anew(np.array(each), study.seeds) if each else study.mean([], needs)

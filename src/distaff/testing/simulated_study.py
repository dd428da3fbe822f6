"""A study whose truth is known: scores are a method's effect, a strength's effect and a seed's, in given amounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from distaff.analysis.settings import complete

METHODS = {
    "beta_vae": ("beta", (1, 2, 4, 6, 8, 16)),
    "factor_vae": ("gamma", (10, 20, 30, 40, 50, 100)),
    "dip_vae_i": ("lambda_od", (1, 2, 5, 10, 20, 50)),
    "dip_vae_ii": ("lambda_od", (1, 2, 5, 10, 20, 50)),
    "beta_tc_vae": ("beta", (1, 2, 4, 6, 8, 10)),
    "annealed_vae": ("c_max", (5, 10, 25, 50, 75, 100)),
}
METRICS = ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap")
DATASETS = ("dsprites", "color_dsprites", "noisy_dsprites", "scream_dsprites", "smallnorb", "cars3d", "shapes3d")
PICKED = {3: (0, 2, 5), 6: (0, 1, 2, 3, 4, 5)}
KEYS = ["id", "dataset", "method", "strength", "strength_index", "spec", "seed"]


@dataclass(frozen=True)
class Truth:
    """What is planted beside the effects on the scores; the defaults are what the paper found."""

    odd: str | None = "modularity"  # the metric that has nothing to do with the others
    odd_is_reliable: bool = True  # it measures something else, and as well; else it is noise
    apart: float = 0.02  # how far the metrics scatter about the quality that they share
    mean_slope: float = 1.2  # of log total correlation of mean codes, a strength
    sampled_slope: float = -0.5
    factor_vae_slope: float = 0.0  # the same of FactorVAE's samples
    losses_know: float = 0.0  # how much of the quality the losses know
    useful: float = 1.0  # how much of the quality downstream accuracy knows
    efficient: float = 0.0  # and statistical efficiency, which else depends on what the odd metric measures
    steady: float = 0.05  # total correlation of DIP-VAE-I's means, at every strength
    passive: bool = True  # the gap between mean and sampled total correlation is that of passive latents
    views: bool = False  # whether the unified view and mutual information are there
    tasks: bool = False  # whether downstream columns and total correlation on active latents are there


def simulated(
    seeds: int = 5,
    dataset: str = "toy",
    *,
    method: float = 0.06,
    strength: float = 0.05,
    seed: float = 0.06,
    rng: int = 0,
    effects: int | None = None,
    metrics: tuple[str, ...] = METRICS,
    strengths: int = 3,
    truth: Truth = Truth(),
    shared: float = 0.0,
    luck: int | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The table of scores and of runs: standard deviations of the three effects on every metric but the odd one.

    Runs of one seed share the part `shared` of the variance that is the seed's, also with other data sets that are
    given the same `luck`.

    Data sets that are given the same `effects` share what methods and strengths do, and differ in their seeds. In the
    mean over settings, the effects have their standard deviations exactly.
    """
    setting = np.random.default_rng([7, rng if effects is None else effects])
    of_method, of_strength = setting.standard_normal(len(METHODS)), setting.standard_normal((len(METHODS), strengths))
    of_method, of_strength = of_method - of_method.mean(), of_strength - of_strength.mean(axis=1, keepdims=True)
    of_method, of_strength = of_method / of_method.std(), of_strength / of_strength.std()  # exactly as given
    other_method, other_strength = setting.standard_normal(of_method.shape), setting.standard_normal(of_strength.shape)
    other_method -= other_method.mean() + of_method * (other_method - other_method.mean()).dot(of_method) / len(METHODS)
    other_strength -= other_strength.mean(axis=1, keepdims=True)
    other_strength -= of_strength * (other_strength * of_strength).mean()
    quality, other = (
        np.repeat(method * a[:, None] + strength * b, seeds)
        for a, b in (
            (of_method, of_strength),
            (other_method / other_method.std(), other_strength / other_strength.std()),
        )
    )
    draw = np.random.default_rng(rng)
    common = np.tile(
        np.random.default_rng([13, rng if luck is None else luck]).standard_normal(seeds), len(quality) // seeds
    )
    independent = np.sqrt(1 - shared) * draw.standard_normal(len(quality))
    quality = 0.25 + quality + seed * (independent + np.sqrt(shared) * common)
    runs = _runs(dataset, strengths, seeds)
    scores = _columns(draw, runs, quality, other + seed * draw.standard_normal(len(quality)), metrics, truth)
    columns = runs.select(KEYS).hstack([pl.Series(f"{kind}/{name}", values) for (kind, name), values in scores.items()])
    long = columns.unpivot(index=KEYS, variable_name="name", value_name="value")
    split = pl.col("name").str.split_exact("/", 1).struct.rename_fields(["representation", "metric"])
    table = long.with_columns(split.alias("name")).unnest("name").select(*KEYS, "representation", "metric", "value")
    return complete(table), complete(runs)


def _runs(dataset: str, strengths: int, seeds: int) -> pl.DataFrame:
    rows = [
        {
            "id": f"{dataset}-{name}-{index}-{number}",
            "dataset": dataset,
            "method": name,
            "strength": float(values[place]),
            "strength_index": index,
            "spec": f"{name}({parameter}={values[place]})",
            "seed": number,
        }
        for name, (parameter, values) in METHODS.items()
        for index, place in enumerate(PICKED[strengths])
        for number in range(seeds)
    ]
    command = pl.format('distaff train {} "{}" --seed {}', "dataset", "spec", "seed")
    return pl.DataFrame(rows).with_columns(
        pl.lit("done").alias("status"), pl.lit(12.5).alias("seconds"), command.alias("command"),
        pl.lit(None, pl.String).alias("reason"),
    )  # fmt: skip


def _columns(
    draw: np.random.Generator,
    runs: pl.DataFrame,
    quality: np.ndarray,
    other: np.ndarray,
    metrics: tuple[str, ...],
    truth: Truth,
) -> dict[tuple[str, str], np.ndarray]:
    n, index = len(quality), runs["strength_index"].to_numpy()

    def noise(scale: float) -> np.ndarray:
        return scale * draw.standard_normal(n)

    known = (quality - quality.mean()) / max(quality.std(), 1e-12)
    scores = {("mean", name): quality + noise(truth.apart) for name in metrics}
    if truth.odd in metrics:
        scores["mean", truth.odd] = 0.8 + (other + noise(truth.apart) if truth.odd_is_reliable else noise(0.05))
    rising = 0.1 * np.exp(truth.mean_slope * index + noise(0.3))
    steady = runs["method"].to_numpy() == "dip_vae_i"
    slope = np.where(runs["method"].to_numpy() == "factor_vae", truth.factor_vae_slope, truth.sampled_slope)
    mean, sampled = np.where(steady, truth.steady, rising), 0.03 * np.exp(slope * index + noise(0.2))
    scores["mean", "gaussian_total_correlation"] = mean
    scores["sampled", "gaussian_total_correlation"] = sampled
    scores["mean", "train.nll"] = (
        20.0 + 5 * index * (truth.losses_know == 0) - 10 * truth.losses_know * known + noise(1)
    )
    scores["mean", "train.kl"] = 18.0 - 4 * index * (truth.losses_know == 0) - 10 * truth.losses_know * known + noise(1)
    if truth.tasks:
        for labels, level in ((10, 0.3), (100, 0.45), (1000, 0.6), (10000, 0.7)):
            for learner in ("logistic", "trees"):
                accuracy = level + 0.05 * (truth.useful * known + noise(0.5))
                scores["mean", f"downstream(labels={labels}, learner='{learner}')"] = accuracy
        apart = other / max(other.std(), 1e-12) * (truth.efficient == 0)
        scores["mean", "statistical_efficiency"] = 0.7 + 0.05 * (truth.efficient * known + apart + noise(0.5))
        scores["mean", "gaussian_total_correlation(dims='active')"] = (
            sampled * np.exp(noise(0.2)) if truth.passive else mean
        )
        scores["sampled", "gaussian_total_correlation(dims='active')"] = sampled * np.exp(noise(0.1))
    if truth.views:
        for matrix in ("importance", "information", "accuracy"):
            shared = quality + noise(0.05)
            for aggregation in ("dci", "mig", "modularity"):
                scores["mean", f"unified_scores.{matrix}.{aggregation}"] = shared + noise(0.03)
        for kind, values in (("mean", mean), ("sampled", sampled)):
            scores[kind, "pairwise_mutual_information"] = values / 5 + 0.1 + np.abs(noise(0.01))
    return scores


def simulated_study(
    datasets: tuple[str, ...] = DATASETS,
    seeds: int = 50,
    *,
    strengths: int = 6,
    effects: Sequence[int] | None = None,
    rng: int = 0,
    truth: Truth = Truth(tasks=True),
    **sizes: Any,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Several data sets at once, by default as many runs as the 2019 study has: 12,600; `effects` one for each."""
    shared = effects or [1000 * rng + number for number in range(len(datasets))]
    parts = [
        simulated(
            seeds, name, rng=1000 * rng + number, strengths=strengths, truth=truth, effects=shared[number], **sizes
        )
        for number, name in enumerate(datasets)
    ]
    return pl.concat(table for table, _ in parts), pl.concat(runs for _, runs in parts)


def noise_study(seeds: int, rng: int, datasets: Sequence[str] = DATASETS[:3], shared: float = 0.0) -> pl.DataFrame:
    """The table of a study in which nothing is true: every number is noise, `shared` of its variance by a seed's runs.

    The shared part is the seed's quality on a data set, the same for all settings and metrics. What cannot be negative
    is log-normal.
    """
    truth = Truth(tasks=True)
    table = pl.concat(simulated(seeds, name, strengths=3, truth=truth)[0] for name in datasets)
    draw = np.random.default_rng([11, rng])
    quality = draw.standard_normal((len(datasets), seeds))
    place = table["dataset"].replace_strict({name: k for k, name in enumerate(datasets)}).to_numpy()
    values = np.sqrt(1 - shared) * draw.standard_normal(table.height)
    values += np.sqrt(shared) * quality[place, table["seed"].to_numpy()]
    positive = table["metric"].str.contains("correlation").to_numpy()
    return table.with_columns(value=pl.Series(np.where(positive, np.exp(values), values)))


def untrained(n: int = 20, dataset: str = "toy", metrics: tuple[str, ...] = ("mig",)) -> pl.DataFrame:
    """The scores of models that were never trained."""
    draw = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "id": f"untrained-{number}",
            "dataset": dataset,
            "method": "untrained",
            "strength": 0.0,
            "strength_index": 0,
            "spec": "untrained",
            "seed": number,
            "representation": "mean",
            "metric": metric,
            "value": float(abs(0.08 * draw.standard_normal())),
        }
        for metric in metrics
        for number in range(n)
    )


def repeats(dataset: str = "toy") -> pl.DataFrame:
    """Evaluations of one run whose spread falls as one over the root of the rows."""
    return pl.DataFrame(
        {"dataset": dataset, "metric": name, "rows": n, "draw": draw, "value": 0.2 + (-1) ** draw / n**0.5}
        for name in ("mig", "dci")
        for n in (100, 400)
        for draw in range(4)
    )


def matrices(dataset: str = "toy") -> pl.DataFrame:
    """Three models with three codes for two factors: apart, mixed, and knowing nothing."""
    known = {"best": [[0.9, 0.1], [0.0, 0.8], [0.0, 0.0]], "middle": [[0.5, 0.4], [0.3, 0.5], [0.0, 0.1]],
             "worst": [[0.0, 0.0]] * 3}  # fmt: skip
    return pl.DataFrame(
        {"dataset": dataset, "run": run, "matrix": name, "code": code, "factor": factor, "value": value}
        for run, matrix in known.items()
        for name in ("importance", "information", "accuracy")
        for code, row in enumerate(matrix)
        for factor, value in zip(("shape", "x"), row, strict=True)
    )

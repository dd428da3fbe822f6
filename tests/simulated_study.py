"""A study whose truth is known: scores are a method's effect, a strength's effect and a seed's, in given amounts."""

from __future__ import annotations

import numpy as np
import polars as pl

METHODS = {
    "beta_vae": ("beta", (1, 4, 16)),
    "factor_vae": ("gamma", (10, 30, 100)),
    "dip_vae_i": ("lambda_od", (1, 5, 50)),
    "dip_vae_ii": ("lambda_od", (1, 5, 50)),
    "beta_tc_vae": ("beta", (1, 4, 10)),
    "annealed_vae": ("c_max", (5, 25, 100)),
}
METRICS = ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap")


def simulated(
    seeds: int = 5,
    dataset: str = "toy",
    *,
    method: float = 0.06,
    strength: float = 0.05,
    seed: float = 0.06,
    rng: int = 0,
    metrics: tuple[str, ...] = METRICS,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The table of scores and of runs: standard deviations of the three effects on every metric but Modularity."""
    draw = np.random.default_rng(rng)
    scores, runs = [], []
    for name, (parameter, values) in METHODS.items():
        of_method = method * draw.standard_normal()
        for index, value in enumerate(values):
            of_strength = strength * draw.standard_normal()
            for number in range(seeds):
                spec = f"{name}({parameter}={value})"
                key = {
                    "id": f"{dataset}-{name}-{index}-{number}",
                    "dataset": dataset,
                    "method": name,
                    "strength": float(value),
                    "strength_index": index,
                    "spec": spec,
                    "seed": number,
                }
                quality = 0.25 + of_method + of_strength + seed * draw.standard_normal()
                found = {("mean", metric): quality + 0.02 * draw.standard_normal() for metric in metrics}
                if "modularity" in metrics:
                    found["mean", "modularity"] = 0.8 + 0.05 * draw.standard_normal()
                rising = 0.1 * 6.0**index * np.exp(0.3 * draw.standard_normal())
                found["mean", "gaussian_total_correlation"] = 0.05 if name == "dip_vae_i" else rising
                found["sampled", "gaussian_total_correlation"] = (
                    0.03 * 0.6**index * np.exp(0.2 * draw.standard_normal())
                )
                found["mean", "train.nll"] = 20.0 + 5 * index + draw.standard_normal()
                found["mean", "train.kl"] = 18.0 - 4 * index + draw.standard_normal()
                scores += [
                    {**key, "representation": kind, "metric": metric, "value": float(number)}
                    for (kind, metric), number in found.items()
                ]
                command = f'distaff train {dataset} "{spec}" --seed {number}'
                runs.append({**key, "status": "done", "seconds": 12.5, "command": command, "reason": None})
    schema = {"reason": pl.String}
    return pl.DataFrame(scores), pl.DataFrame(runs, schema_overrides=schema)


def untrained(n: int = 20, dataset: str = "toy") -> pl.DataFrame:
    """The MIG of models that were never trained."""
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
            "metric": "mig",
            "value": float(abs(0.08 * draw.standard_normal())),
        }
        for number in range(n)
    )

"""unsupervised_2019: the 12,600 models of "Challenging Common Assumptions" (Locatello et al., ICML 2019).

7 data sets x 6 methods x 6 strengths x 50 seeds, nine evaluations of mean and of sampled codes. The position of a run
is the old library's model number, 1800 data set + 300 method + 50 strength + seed:

    distaff study index studies/unsupervised_2019.py 5432
    distaff study find studies/unsupervised_2019.py "beta_vae(beta=4)" --dataset cars3d --seed 7

FactorVAE has the 150,000 updates that the published models had, because two optimisers advanced one counter;
`studies/unsupervised_2019.py:full_budget` is the same study with 300,000, as the paper says.

Rows of an evaluation are drawn as in 2019, independently and with replacement, so that scores compare with those that
were published. Of the rows of a test, dSprites' and MPI3D's 100,000 encoded images give 9.5 % that were trained on
(whole dSprites: 1.3 %), SmallNORB 19 %, Cars3D 43 %; `grid_rows=` encodes more. The share is written beside the scores.

What it costs: 3.5e9 updates of a model in all. `distaff study plan studies/unsupervised_2019.py --measure --only
"dataset=dsprites,method=beta_vae"` times one on the machine at hand. At 85 ms on one core of a server of 2024 that is
3,400 days of one core: years for a laptop, five weeks for 100 nodes of one core each, two days for 2,000 cores. At the
pace of dSprites, 32 models side by side, one H100 would need 13 days, 6 in bf16 (0.31 and 0.14 ms an update of a
model, FactorVAE's 0.51 and 0.27: `python benchmarks/training.py conv64 --device cuda`); scores are computed on
processors. The authors name 2.5 years of a P100.
"""

from dataclasses import replace

from distaff import Run, Study, run, sweep

DATASETS = (
    "dsprites",
    "color_dsprites",
    "noisy_dsprites",
    "scream_dsprites",
    "smallnorb",
    "cars3d",
    "shapes3d",
)
METHODS = (
    *sweep("beta_vae", "beta", [1, 2, 4, 6, 8, 16]),
    *sweep("factor_vae", "gamma", [10, 20, 30, 40, 50, 100]),
    *sweep("dip_vae_i", "lambda_od", [1, 2, 5, 10, 20, 50]),
    *sweep("dip_vae_ii", "lambda_od", [1, 2, 5, 10, 20, 50]),
    *sweep("beta_tc_vae", "beta", [1, 2, 4, 6, 8, 10]),
    *sweep("annealed_vae", "c_max", [5, 10, 25, 50, 75, 100]),
)
SEEDS = range(50)
LABELS = (10, 100, 1_000, 10_000)
METRICS = (
    "beta_vae_score",
    "dci",
    *(f"downstream(labels={n}, learner='trees')" for n in LABELS),
    *(f"downstream(labels={n}, learner='logistic')" for n in LABELS),
    "factor_vae_score",
    "mig",
    "modularity",
    "explicitness",
    "sap",
    "gaussian_total_correlation",
    "gaussian_wasserstein_correlation",
    "pairwise_mutual_information",
)


def cells(datasets: tuple[str, ...] = DATASETS, factor_vae: int = 150_000) -> list[Run]:
    """One run of each data set, method and strength, seed 0."""
    lengths = {method: factor_vae if method.startswith("factor_vae") else 300_000 for method in METHODS}
    return [run(dataset, method, updates=lengths[method]) for dataset in datasets for method in METHODS]


def design(name: str, purpose: str, of: list[Run]) -> Study:
    """The cells `of`, 50 seeds each, seeds innermost."""
    runs = tuple(replace(one, seed=seed) for one in of for seed in SEEDS)
    return Study(name, runs, METRICS, purpose, sampling="2019")


PURPOSE = "Six methods, six strengths, fifty seeds, seven data sets: can disentanglement be learnt without supervision?"
study = design("unsupervised_2019", PURPOSE, cells())
full_budget = design("unsupervised_2019_full_budget", PURPOSE, cells(factor_vae=300_000))

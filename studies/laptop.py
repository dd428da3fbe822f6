"""laptop: the design of 2019 for two cores and an evening. 6 methods x 6 strengths x 50 seeds = 1,800 models of toy.

Images of 16 x 16 pixels, dense networks of width 64, six latents, 4,000 updates. What is not the paper's: strengths
reach below 1, where the total correlation of these small models can still fall, and annealing ends after a third of the
updates, as 100,000 of 300,000 there. Labels are 10, 100 and 1,000, scores are of 2,000 rows and 1,000 test rows.

What it costs: 7.2 million updates of a model, 51 minutes at the 2,350 a second of two cores, and 3,600 representations
of 2.2 s, 66 minutes. `distaff study plan studies/laptop.py --measure` says how long that takes here; it can be stopped
and resumed at will. Its scores, and what they show, are in evidence/laptop/.
"""

from distaff import Optim, Study, cross, sweep

UPDATES = 4_000
METHODS = (
    *sweep("beta_vae", "beta", [0.25, 0.5, 1, 2, 4, 8]),
    *sweep("factor_vae", "gamma", [1, 2, 5, 10, 20, 40]),
    *sweep("dip_vae_i", "lambda_od", [0.5, 1, 2, 5, 10, 20]),
    *sweep("dip_vae_ii", "lambda_od", [1, 2, 5, 10, 20, 50]),
    *sweep("beta_tc_vae", "beta", [0.25, 0.5, 1, 2, 4, 8]),
    *(f"annealed_vae(c_max={c}, gamma=50, iteration_threshold={UPDATES // 3})" for c in (2, 3, 4, 5, 6, 8)),
)
LABELS = (10, 100, 1_000)

study = Study(
    name="laptop",
    purpose="The design of 2019 in small: six methods, six strengths, fifty seeds on sprites of 16 x 16 pixels.",
    runs=cross(
        ["toy"],
        METHODS,
        range(50),
        network="mlp(latents=6, width=64)",
        critic="critic(depth=3, width=64)",
        optim=Optim(lr=1e-3),
        updates=UPDATES,
    ),
    metrics=(
        "beta_vae_score(train=2000, test=1000)",
        "dci",
        *(f"downstream(labels={n}, learner='trees')" for n in LABELS),
        *(f"downstream(labels={n}, learner='logistic')" for n in LABELS),
        "factor_vae_score(train=2000, test=1000)",
        "mig",
        "modularity",
        "explicitness",
        "sap",
        "irs",
        "gaussian_total_correlation",
        "gaussian_total_correlation(dims='active')",
        "gaussian_wasserstein_correlation",
        "pairwise_mutual_information",
        "mig_sup",
        "jemmig",
        "dcimig",
        "infomec",
        "unified_scores",
    ),
    rows=2_000,
    test_rows=1_000,
    grid_rows=10_000,
)

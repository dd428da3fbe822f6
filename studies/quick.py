"""quick: the 2019 design in small. 90 models of six methods on toy, and one short model of dSprites.

Ten minutes of CPU time. Strengths, updates and annealing are scaled to 768 images of 16 x 16 pixels.
"""

from distaff import Optim, Study, cross, run, sweep

TOY = {
    "network": "mlp(latents=6, width=64)",
    "critic": "critic(depth=3, width=64)",
    "optim": Optim(lr=1e-3),
    "updates": 4_000,
}
METHODS = [
    *sweep("beta_vae", "beta", [1, 2, 4]),
    *sweep("beta_tc_vae", "beta", [2, 4, 8]),
    *sweep("factor_vae", "gamma", [5, 10, 20]),
    *sweep("dip_vae_i", "lambda_od", [2, 10, 50]),
    *sweep("dip_vae_ii", "lambda_od", [2, 10, 50]),
    *(f"annealed_vae(c_max={c}, gamma=50, iteration_threshold=2000)" for c in (4, 6, 8)),
]

study = Study(
    name="quick",
    purpose="Six methods, three strengths each, five seeds: what decides how disentangled a representation is?",
    runs=(
        run("dsprites", "beta_vae(beta=4)", updates=600, optim=Optim(lr=5e-4)),
        *cross(["toy"], METHODS, range(5), **TOY),
    ),
    metrics=("mig", "dci", "factor_vae_score(train=2000, test=1000)", "modularity", "gaussian_total_correlation"),
    rows=2_000,
    test_rows=1_000,
    grid_rows=10_000,
    pack=25,
)

"""dubois_2019: the five dSprites models that github.com/YannDubs/disentangling-vae shares, trained again, 5 seeds each.

Network `burgess`, batch 64, 345,600 updates (30 epochs of 737,280 images), learning rate 5e-4; AnnealedVAE 1e-3,
FactorVAE 1e-4 for both of its networks, with 60 epochs of batches of 128 of which each half serves one loss. The
penalties of beta-VAE, beta-TCVAE and FactorVAE grow over the first 10,000 updates. The means over the last epoch in
their logs, in nats an image, and the latents above .1 nat:

    VAE                    nll 17.99   KL 25.40   10 latents
    beta-VAE, beta 4           35.61      15.35   10
    AnnealedVAE, C 25          81.06      25.00    4
    FactorVAE, gamma 6.4       36.63      21.74    9
    beta-TCVAE, beta 6.4       42.21      13.60    5

What is not theirs: first weights (Glorot-uniform, theirs are Kaiming-uniform), one batch of 64 for both losses of
FactorVAE, total correlation without the constants of minibatch weighted sampling, which have no gradient, and bfloat16.
What it costs: 8.6 million updates of a model, at 60 us each of an H100 nine minutes, FactorVAE's at twice that.
"""

from distaff import Optim, Study, cross

UPDATES, WARMUP = 345_600, 10_000
MODELS = {
    f"beta_vae(beta=1, warmup={WARMUP})": 5e-4,
    f"beta_vae(beta=4, warmup={WARMUP})": 5e-4,
    "annealed_vae(c_max=25, gamma=100, iteration_threshold=100000)": 1e-3,
    f"factor_vae(gamma=6.4, warmup={WARMUP})": 1e-4,
    f"beta_tc_vae(beta=6.4, warmup={WARMUP})": 5e-4,
}

study = Study(
    name="dubois_2019",
    purpose="The five shared dSprites models of 2019, trained again: are nll, KL and active latents the same?",
    runs=tuple(
        run
        for method, lr in MODELS.items()
        for run in cross(
            ["dsprites"],
            [method],
            range(5),
            network="burgess",
            optim=Optim(lr=lr),
            updates=UPDATES,
            precision="bf16",
        )
    ),
    metrics=("mig", "dci", "factor_vae_score", "sap", "modularity", "gaussian_total_correlation"),
)

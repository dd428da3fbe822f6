"""The losses of a trained model: what its weights reach, where the end of its curve says what they reached on the way.

A curve's last tenth is a mean over some twenty batches while the model was still learning, 1.8 to 3.3 nats above the
final model's loss in studies of a few thousand updates. The 2019 study evaluates the final model on 1,000 batches.
"""

from __future__ import annotations

import torch

from distaff import rng
from distaff.store.files import read_json
from distaff.store.store import Store
from distaff.trained import Model
from distaff.weather import names_in

BATCHES = 1_000  # the 2019 study's
PIXELS = 2**18  # of images that go through the network at once: 64 of 64 x 64, 1,024 of 16 x 16
ON_A_GPU = 2**24  # the same there
STREAM = "losses"


@torch.no_grad()
def final_losses(model: Model, batches: int = BATCHES, device: str = "cpu") -> dict[str, float]:
    """`nll`, `kl` and `elbo` of the final model in nats an image: means over `batches` batches of the run's own size.

    nll is E_q[-log p(x|z)], summed over pixels, with one draw of z an image; kl is KL(q(z|x) || N(0, I)), summed over
    latents; elbo is -(nll + kl). Images are drawn as in training, from the factors' distribution of the data set. Batch
    t takes rows, noise and nuisance from (seed of the run, `losses`, 3t), (..., 3t + 1) and (..., 3t + 2), so that the
    batches of two numbers of them agree as far as both go, and one seed shows every method the same images. It is the
    plain network that is evaluated, in float32: no posterior that a method shares between views in training.
    """
    run, dataset, network = model.run, model.dataset, model.network_on(device)
    height, width, channels = dataset.shape
    together = max(1, (PIXELS if device == "cpu" else ON_A_GPU) // (run.batch * height * width * channels))
    nll = kl = 0.0
    for first in range(0, batches, together):
        steps = range(first, min(first + together, batches))
        rows = torch.cat(
            [torch.from_numpy(dataset.draw_rows(run.seed, 3 * t, run.batch, STREAM)) for t in steps]
        ).numpy()
        noise = torch.cat([rng.normal(run.seed, STREAM, 3 * t + 1, (run.batch, model.latents)) for t in steps])
        shape = (run.batch, *dataset.nuisance)
        u = torch.cat([rng.uniform(run.seed, STREAM, 3 * t + 2, shape) for t in steps]) if dataset.nuisance else None
        x = dataset.batch(rows, None if u is None else u.to(device), device)
        loss, mean, logvar, _ = network(x, noise.to(device))
        nll += float(loss) * len(steps)
        kl += float(0.5 * (mean.square() + logvar.exp() - logvar - 1).sum(1).mean()) * len(steps)
    return {"nll": nll / batches, "kl": kl / batches, "elbo": -(nll + kl) / batches}


def has_final_losses(store: Store, id: str) -> bool:
    """Whether a file of scores of run `id` holds its final losses."""
    folder = store.run_folder(id)
    return any("losses" in read_json(folder / name) for name in names_in(folder) if name.startswith("scores-"))

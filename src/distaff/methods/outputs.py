"""What a method sees of a model, and what it gives back."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from jaxtyping import Float, Int
from torch import Tensor

from distaff.types import Scalar

Terms: TypeAlias = dict[str, Scalar]


class Outputs(NamedTuple):
    """One model, one batch: all that a method may see."""

    nll: Float[Tensor, ""]  # E_q[-log p(x|z)]: summed over pixels, mean over the batch, nats
    mean: Float[Tensor, "b d"]
    logvar: Float[Tensor, "b d"]
    z: Float[Tensor, "b d"]
    step: Float[Tensor, ""]  # updates so far: an argument, not a global counter
    real: Float[Tensor, "b 2"] | None = None  # the discriminator's logits on z ...
    fake: Float[Tensor, "b 2"] | None = None  # ... and on z with its dimensions shuffled over the batch
    labels: Int[Tensor, "b f"] | None = None  # only for methods that declare labels
    noise: Float[Tensor, "b d"] | None = (
        None  # standard normal, drawn anew at each update: only for those that declare it
    )

    @property
    def kl(self) -> Scalar:
        """KL(q(z|x) || N(0, I)) in closed form, mean over the batch, nats."""
        return kl_by_latent(self.mean, self.logvar).sum()


def kl_by_latent(mean: Float[Tensor, "*k b d"], logvar: Float[Tensor, "*k b d"]) -> Float[Tensor, "*k d"]:
    """0.5 (mean^2 + e^logvar - logvar - 1) of each latent, mean over the batch, nats."""
    return (0.5 * (mean.square() + logvar.exp() - logvar - 1)).mean(-2)

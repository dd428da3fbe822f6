"""The theorem on a trained model: a decoder of turned codes gives the same images, and other scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distaff.draws import generator
from distaff.networks import loaded
from distaff.networks.layers.likelihood import LIKELIHOODS
from distaff.pictures.model import observed_images
from distaff.theory.demonstration import scores
from distaff.theory.impossibility import Floats, checked
from distaff.trained import Model

ROWS, IMAGES = 10_000, 256


class Twins(NamedTuple):
    """A model and its turned twin: logits and images of both, their ELBOs an image, and their scores."""

    logits: Floats  # of the decoder at z ...
    turned_logits: Floats  # ... and of the turned decoder at Az [b c h w]
    pixels: tuple[NDArray[np.uint8], NDArray[np.uint8]]  # what they are on a screen [b h w c]
    elbo: Floats  # nats an image [b]: of the model under its diagonal posterior ...
    turned_elbo: Floats  # ... and of the turned model under the turned posterior, whose covariance is full
    diagonal_gap: float  # nats an image from the turned posterior to the nearest that is diagonal, KL
    scores: dict[str, tuple[float, float]]


@torch.no_grad()
def twins(model: Model, a: Floats) -> Twins:
    """`model` and its twin with latents turned by the orthogonal matrix `a` [d d], in double precision.

    The twin decodes w by dec(A'w); its posterior of an image is N(A m, A S A'), whose ELBO is computed from this full
    covariance. Scores are of mean codes m and A m.
    """
    dataset = model.dataset
    draws = generator("theory.rotated", 0)
    n = len(dataset)
    rows = draws.permutation(n) if n <= ROWS else draws.integers(n, size=ROWS)
    codes = model.encode(rows)
    factors = dataset.factors.values(rows)
    some = slice(0, IMAGES)
    x = torch.from_numpy(observed_images(dataset, rows)[some]).double().movedim(-1, 1)
    mean, std = (torch.from_numpy(part[some]).double() for part in (codes.mean, np.exp(0.5 * codes.logvar)))
    noise = torch.from_numpy(draws.standard_normal(mean.shape))
    turn = torch.from_numpy(checked(a))
    double = loaded(model.network, {name: _double(part) for name, part in model.network.state_dict().items()})
    z = mean + std * noise
    factor = turn * std[:, None, :]  # [b d d], a root of the turned covariance
    w = mean @ turn.T + (factor @ noise[:, :, None])[:, :, 0]
    logits, turned = double.decoder(z), double.decoder(w @ turn)
    kl = full_kl(mean, torch.diag_embed(std.square()))
    covariance = factor @ factor.mT
    turned_kl = full_kl(mean @ turn.T, covariance)
    pairs = zip(scores(codes.mean, factors).items(), scores(codes.mean @ a.T, factors).values(), strict=True)
    picture, nll = LIKELIHOODS[double.likelihood].picture, LIKELIHOODS[double.likelihood].nll
    losses = [
        torch.stack([nll(one[None], image[None]) for one, image in zip(raw, x, strict=True)])
        for raw in (logits, turned)
    ]
    return Twins(
        logits.numpy(),
        turned.numpy(),
        (_screen(picture(logits)), _screen(picture(turned))),
        (-losses[0] - kl).numpy(),
        (-losses[1] - turned_kl).numpy(),
        float(to_nearest_diagonal(covariance).mean()),
        {name: (first, second) for (name, first), second in pairs},
    )


def full_kl(mean: Tensor, covariance: Tensor) -> Tensor:
    """KL(N(m, S) || N(0, I)) = (tr S + m'm - d - log det S) / 2 of each row, nats; mean [b d], covariance [b d d]."""
    trace = covariance.diagonal(dim1=1, dim2=2).sum(1)
    kl: Tensor = 0.5 * (trace + mean.square().sum(1) - mean.shape[1] - torch.logdet(covariance))
    return kl


def to_nearest_diagonal(covariance: Tensor) -> Tensor:
    """The least KL(N(m, D) || N(m, S)) over diagonal D, (sum_i log P_ii + log det S) / 2 with P = S^-1, nats [b].

    A posterior of independent latents cannot follow the turn: this is what it would cost, and why VAEs with diagonal
    posteriors prefer some bases to others (Rolinek et al., 2019).
    """
    precision = torch.linalg.inv(covariance).diagonal(dim1=1, dim2=2)
    gap: Tensor = 0.5 * (precision.log().sum(1) + torch.logdet(covariance))
    return gap


def _screen(images: Tensor) -> NDArray[np.uint8]:
    return (255 * images).round().to(torch.uint8).movedim(1, -1).numpy()


def _double(part: Tensor) -> Tensor:
    """Weights and statistics in double precision; counts stay whole."""
    return part.double() if part.is_floating_point() else part

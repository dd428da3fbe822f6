"""plain: a beta-VAE and a FactorVAE as anyone would write them in PyTorch, one model, a DataLoader.

They are what distaff is compared with.
"""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset


def conv() -> tuple[nn.Module, nn.Module]:
    def down(i: int, o: int, k: int) -> list[nn.Module]:
        return [nn.Conv2d(i, o, k, 2, k // 2 - 1), nn.ReLU()]

    def up(i: int, o: int) -> list[nn.Module]:
        return [nn.ConvTranspose2d(i, o, 4, 2, 1), nn.ReLU()]

    encoder = nn.Sequential(*down(1, 32, 4), *down(32, 32, 4), *down(32, 64, 2), *down(64, 64, 2), nn.Flatten(),
                            nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 20))  # fmt: skip
    decoder = nn.Sequential(nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU(), nn.Unflatten(1, (64, 4, 4)),
                            *up(64, 64), *up(64, 32), *up(32, 32), nn.ConvTranspose2d(32, 1, 4, 2, 1))  # fmt: skip
    return encoder, decoder


def dense(side: int, width: int, latents: int) -> tuple[nn.Module, nn.Module]:
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(side**2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                            nn.Linear(width, 2 * latents))  # fmt: skip
    decoder = nn.Sequential(nn.Linear(latents, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(),
                            nn.Linear(width, width), nn.Tanh(), nn.Linear(width, side**2),
                            nn.Unflatten(1, (1, side, side)))  # fmt: skip
    return encoder, decoder


def train(encoder: nn.Module, decoder: nn.Module, images: torch.Tensor, updates: int, beta: float, lr: float) -> None:
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=lr)
    loader = DataLoader(TensorDataset(images), batch_size=64, shuffle=True, drop_last=True)
    while updates > 0:
        for (batch,) in loader:
            x = batch.to(next(encoder.parameters()).device)
            mean, logvar = encoder(x).chunk(2, dim=1)
            z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
            nll = bce(decoder(z), x, reduction="sum") / len(x)
            kl = 0.5 * (mean.square() + logvar.exp() - logvar - 1).sum(1).mean()
            optimiser.zero_grad()
            (nll + beta * kl).backward()
            optimiser.step()
            updates -= 1
            if not updates:
                break


def critic(latents: int, width: int, depth: int) -> nn.Module:
    layers: list[nn.Module] = []
    for before in [latents] + [width] * (depth - 1):
        layers += [nn.Linear(before, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(width, 2))


def train_with_critic(
    encoder: nn.Module,
    decoder: nn.Module,
    rival: nn.Module,
    images: torch.Tensor,
    updates: int,
    gamma: float,
    lr: float,
) -> None:
    """Algorithm 2 of Kim and Mnih (2018) with the codes of one batch."""
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=lr)
    of_rival = torch.optim.Adam(rival.parameters(), lr=1e-4, betas=(0.5, 0.9))
    loader = DataLoader(TensorDataset(images), batch_size=64, shuffle=True, drop_last=True)
    while updates > 0:
        for (batch,) in loader:
            x = batch.to(next(encoder.parameters()).device)
            mean, logvar = encoder(x).chunk(2, dim=1)
            z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
            nll = bce(decoder(z), x, reduction="sum") / len(x)
            kl = 0.5 * (mean.square() + logvar.exp() - logvar - 1).sum(1).mean()
            real = rival(z)
            optimiser.zero_grad()
            (nll + kl + gamma * (real[:, 0] - real[:, 1]).mean()).backward()
            order = torch.rand(z.shape, device=z.device).argsort(0)
            true = torch.zeros(len(x), dtype=torch.long, device=x.device)
            codes = z.detach()
            loss = (cross_entropy(rival(codes), true) + cross_entropy(rival(codes.gather(0, order)), true + 1)) / 2
            of_rival.zero_grad()
            loss.backward()
            optimiser.step()
            of_rival.step()
            updates -= 1
            if not updates:
                break

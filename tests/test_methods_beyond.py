"""What a method declares beyond its loss is passed to it: the factors of the batch, for semi-supervised methods."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distaff.runs import Optim, run, side_by_side
from distaff.training.fit import fit
from distaff.training.pack import pack
from distaff.training.step import draw_batch

SUPERVISED = '''
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper


@method(paper="https://arxiv.org/abs/1905.01258", labels=True)
def supervised_vae(out: Outputs, *, weight: Hyper = 10.0) -> Terms:
    """beta-VAE whose first latents are drawn to the factors of the batch, scaled to unit range."""
    assert out.labels is not None
    apart = out.mean[:, : out.labels.shape[1]] - out.labels / 4
    return {"nll": out.nll, "kl": out.kl, "supervised": weight * apart.square().sum(1).mean()}
'''


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "supervised_vae.py").write_text(SUPERVISED)
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))


@pytest.mark.usefixtures("plugins")
def test_labels_are_the_visible_factors_of_the_batch_and_can_be_learned() -> None:
    network, optim = "mlp(width=32, latents=5)", Optim(lr=1e-3)
    one = run("toy_hidden", "supervised_vae", network, updates=300, optim=optim)
    packed = pack((one,))
    drawn = draw_batch(packed, 7)
    assert drawn.labels is not None
    rows = packed.dataset.draw_rows(one.seed, 7, one.batch)
    assert torch.equal(drawn.labels[0], torch.from_numpy(packed.dataset.factors.values(rows)))
    assert side_by_side(one) != side_by_side(run("toy_hidden", "beta_vae", network, updates=300, optim=optim))
    (trained,) = fit((one,))
    term = trained.curve[:, trained.columns.index("term.supervised")]
    assert term[-20:].mean() < 0.2 * term[0]

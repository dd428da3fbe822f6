"""A trained model leaves distaff as plain modules, ONNX files and a repository, each giving the same numbers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import distaff
from distaff.errors import DistaffError
from distaff.runs import Optim, run
from distaff.share.huggingface import code, to_huggingface
from distaff.share.onnx import to_onnx
from distaff.store.store import Store
from distaff.trained import Model
from distaff.training.fit import fit

SETTINGS = [
    ("toy_color", "mlp(width=16, latents=4)"),
    ("dsprites", "conv64(width=4, hidden=16, latents=3)"),
    ("toy", "mlp(width=8, latents=3, likelihood='l2_tanh')"),
]


@pytest.fixture(scope="module", params=SETTINGS, ids=[network for _, network in SETTINGS])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    dataset, network = request.param
    one = run(dataset, "beta_vae(beta=2)", network, updates=3, batch=8, optim=Optim(lr=1e-2))
    store = Store(tmp_path_factory.mktemp("store"))
    (trained,) = fit((one,))
    store.put(trained, 1.0)
    loaded = distaff.load(store.run_folder(one.id))
    assert loaded.run == one
    return loaded


def inputs(model: Model) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shape = {"toy_color": (3, 16, 16), "dsprites": (1, 64, 64), "toy": (1, 16, 16)}[str(model.run.dataset)]
    return torch.rand(5, *shape, generator=generator), torch.randn(
        5, int(model.run.network["latents"]), generator=generator
    )  # type: ignore[arg-type]


def test_the_modules_are_torchs_own_and_hold_the_weights_of_the_run(model: Model) -> None:
    vae = model.modules()
    assert all(type(layer).__module__.startswith("torch.nn") for part in (vae.encoder, vae.decoder) for layer in part)
    x, z = inputs(model)
    mean, logvar = vae.encoder(x).chunk(2, dim=1)
    assert mean.shape == logvar.shape == z.shape
    assert vae.decoder(z).shape == x.shape
    picture = vae.picture(z)
    np.testing.assert_allclose(picture.movedim(1, -1), model.decode(z.numpy()), atol=1e-6)
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_twenty_lines_load_the_weights_without_distaff(model: Model, tmp_path: Path) -> None:
    x, z = inputs(model)
    to_huggingface(model, tmp_path)
    np.savez(tmp_path / "inputs.npz", x=x.numpy(), z=z.numpy())
    assert len(code(model).splitlines()) <= 20
    script = (
        f"{code(model)}\nimport numpy, sys, torch\na = numpy.load('inputs.npz')\n"
        "x, z = (torch.from_numpy(a[k]) for k in 'xz')\n"
        "with torch.no_grad(): numpy.savez('outputs.npz', e=encode(x).numpy(), d=decode(z).numpy())\n"
        "assert 'distaff' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    vae = model.modules()
    with np.load(tmp_path / "outputs.npz") as outputs:
        np.testing.assert_allclose(outputs["e"], vae.encoder(x).numpy(), atol=1e-6)
        np.testing.assert_allclose(outputs["d"], vae.decoder(z).numpy(), atol=1e-6)


def test_the_model_card_says_what_it_is_and_how_it_was_made(model: Model, tmp_path: Path) -> None:
    to_huggingface(model, tmp_path)
    card = (tmp_path / "README.md").read_text()
    for part in (f"# {model.run.method} on {model.run.dataset}", f"distaff train {model.run.dataset} ", "library_name"):
        assert part in card
    assert pytest.importorskip("huggingface_hub").ModelCard(card).data.library_name == "pytorch"


def test_onnx_files_give_the_same_numbers(model: Model, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    encoder, decoder = to_onnx(model, tmp_path)
    x, z = inputs(model)
    mean, logvar = onnxruntime.InferenceSession(str(encoder)).run(None, {"x": x.numpy()})
    np.testing.assert_allclose(np.hstack([mean, logvar]), model.modules().encoder(x).numpy(), atol=1e-4)
    (image,) = onnxruntime.InferenceSession(str(decoder)).run(None, {"z": z.numpy()})
    np.testing.assert_allclose(image, model.modules().picture(z).numpy(), atol=1e-4)


def test_a_run_that_was_copied_elsewhere_is_loaded_and_exported(tmp_path: Path) -> None:
    one = run("toy", "beta_vae", "mlp(width=8, latents=3)", updates=2)
    store = Store(tmp_path / "store")
    store.put(fit((one,))[0], 1.0)
    shutil.copytree(store.run_folder(one.id), tmp_path / "mine")
    shutil.rmtree(tmp_path / "store")
    assert distaff.load(tmp_path / "mine").run == one
    words = ["export", str(tmp_path / "mine"), "--to", "huggingface", "--out", str(tmp_path / "out")]
    program = [sys.executable, "-c", "from distaff.cli import main; main()"]
    subprocess.run([*program, *words], check=True, capture_output=True)
    assert (tmp_path / "out" / "README.md").exists()
    wrong = subprocess.run([*program, "show", str(tmp_path / "mine")], check=False, capture_output=True, text=True)
    assert "is outside a store: move it to STORE/runs/mine" in wrong.stderr


RESIDUAL = '''
import torch
from torch import nn
from distaff.networks import VAE, network

class Beside(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.own = nn.Linear(width, width)

    def forward(self, x):
        return x + self.own(x).relu()

@network(paper="")
def residual(shape, *, latents: int = 3) -> VAE:
    """Dense layers with a path around one."""
    h, w, c = shape
    with torch.device("meta"):
        encoder = nn.Sequential(nn.Flatten(-3), nn.Linear(h * w * c, 8), Beside(8), nn.Linear(8, 2 * latents))
        decoder = nn.Sequential(nn.Linear(latents, h * w * c), nn.Unflatten(-1, (c, h, w)))
        return VAE(encoder, decoder)
'''


def test_a_network_of_own_layers_is_loaded_and_goes_to_onnx_but_onto_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "residual.py").write_text(RESIDUAL)
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))
    one, store = run("toy", "beta_vae", "residual", updates=2), Store(tmp_path / "store")
    store.put(fit((one,))[0], 1.0)
    loaded = distaff.load(store.run_folder(one.id))
    assert loaded.modules().encoder(torch.rand(2, 1, 16, 16)).shape == (2, 6)
    with pytest.raises(
        DistaffError, match=r"residual has layers of its own \(Beside\), .*: --to onnx takes any network"
    ):
        to_huggingface(loaded, tmp_path / "card")
    assert not (tmp_path / "card").exists()
    pytest.importorskip("onnxscript")
    assert len(to_onnx(loaded, tmp_path / "onnx")) == 2


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(DistaffError, match="is not a run"):
        distaff.load(tmp_path)


def test_what_is_public_is_there_and_nothing_heavy_is_imported_for_it() -> None:
    code = "import sys, distaff; assert not {'torch', 'polars'} & set(sys.modules); distaff.load, distaff.table"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = distaff.nothing  # type: ignore[attr-defined]
    assert issubclass(nn.Sequential, nn.Module)

"""A trained model is one value: one network in evaluation mode, one data set for many, codes that are computed once."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

import distaff
from distaff import codes as encoding
from distaff import trained
from distaff.data import load
from distaff.errors import DistaffError
from distaff.networks import VAE, initial, loaded
from distaff.networks.conv64 import conv64
from distaff.pictures.draw import draw_pictures
from distaff.reports.build import report
from distaff.runs import Optim, Run, run
from distaff.scoring.baselines import MODELS
from distaff.share.onnx import to_onnx
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.work import work
from distaff.trained import Model
from distaff.training.fit import fit
from distaff.training.pack import pack
from distaff.types import Params
from real_studies import study_file

NORMED = '''
import torch
from torch import nn
from distaff.networks import VAE, network

@network(paper="")
def normed(shape, *, latents: int = 3, norm: bool = True) -> VAE:
    """Dense layers with batch normalisation and dropout on both sides."""
    h, w, c = shape
    with torch.device("meta"):
        between = lambda: [*[nn.BatchNorm1d(32)] * norm, nn.ReLU(), nn.Dropout(0.5)]
        encoder = nn.Sequential(nn.Flatten(1), nn.Linear(h * w * c, 32), *between(), nn.Linear(32, 2 * latents))
        decoder = nn.Sequential(
            nn.Linear(latents, 32), *between(), nn.Linear(32, h * w * c), nn.Unflatten(1, (c, h, w)))
        return VAE(encoder, decoder)
'''


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plugins" / "networks").mkdir(parents=True)
    (tmp_path / "plugins" / "networks" / "normed.py").write_text(NORMED)
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path / "plugins"))


def small(**rest: object) -> Run:
    return run("toy", "beta_vae(beta=1)", "mlp(width=16, latents=3)", updates=30, optim=Optim(lr=3e-3), **rest)


@pytest.fixture(scope="module")
def model() -> Model:
    return fit((small(),))[0].model


@pytest.fixture
def normed(plugins: None) -> tuple[Model, VAE]:
    """A network with BatchNorm and Dropout that torch trained, in training mode, and the model of its weights."""
    one = run("toy", "beta_vae", "normed", updates=30)
    vae = trained.NETWORKS.bind(one.network)((16, 16, 1)).to_empty(device="cpu")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for layer in vae.modules():
            if isinstance(layer, nn.Linear | nn.BatchNorm1d):
                layer.reset_parameters()
        adam = torch.optim.Adam(vae.parameters(), 3e-3)
        for step in range(100):
            x = load("toy").batch(load("toy").draw_rows(0, step, 64))
            nll, mean, logvar, _ = vae(x, torch.randn(64, 3))
            adam.zero_grad()
            (nll + 0.5 * (mean**2 + logvar.exp() - logvar - 1).sum(1).mean()).backward()  # type: ignore[no-untyped-call]
            adam.step()
    params = {name: part.detach().clone() for name, part in vae.state_dict().items()}
    return Model(one, params), vae


def test_codes_and_images_of_a_model_are_those_of_its_network(model: Model) -> None:
    vae, x = trained.NETWORKS.bind(model.run.network)((16, 16, 1)), load("toy").batch(np.arange(0, 768, 7))
    own = {name.removeprefix("encoder."): part for name, part in model.params.items() if name.startswith("encoder")}
    mean, logvar = functional_call(vae.encoder, own, (x,)).chunk(2, -1)
    codes = model.encode(np.arange(0, 768, 7))
    np.testing.assert_allclose(codes.mean, mean, atol=1e-6)
    np.testing.assert_allclose(codes.logvar, logvar, atol=1e-6)
    back = {name.removeprefix("decoder."): part for name, part in model.params.items() if name.startswith("decoder")}
    images = torch.sigmoid(functional_call(vae.decoder, back, (mean,))).movedim(1, -1)
    np.testing.assert_allclose(model.decode(codes.mean), images, atol=1e-6)
    assert model.latents == codes.mean.shape[1] == 3
    assert str(model) == f"Model(beta_vae(beta=1) on toy, seed 0, run {model.run.id})"


def test_a_store_a_folder_and_training_give_the_same_model(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path)
    (one,) = fit((small(),))
    store.put(one, 1.0)
    for other in (one.model, store.model(one.run.id), distaff.load(store.run_folder(one.run.id))):
        assert other.run == model.run
        assert (other.encode(np.arange(20)).mean == model.encode(np.arange(20)).mean).all()
        assert other.dataset is model.dataset, "one data set for many models"


def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each call of the one function that encodes was given."""
    calls: list[int] = []
    real = encoding.encode_rows

    def counted(network: VAE, dataset: object, rows: np.ndarray, *, seed: int = 0) -> encoding.Codes:
        calls.append(len(rows))
        return real(network, dataset, rows, seed=seed)  # type: ignore[arg-type]

    monkeypatch.setattr(trained, "encode_rows", counted)
    monkeypatch.setattr(trained, "_recent_codes", trained._RecentCodes())
    return calls


def test_rows_are_encoded_once_for_all_who_need_them_and_again_for_other_weights_rows_and_looks(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, rows = count(monkeypatch), np.arange(50)
    same = Model(model.run, {name: part.clone() for name, part in model.params.items()})
    assert model.encode(rows) is same.encode(rows.copy())
    assert calls == [50]
    other = Model(model.run, initial(model.network, 1))
    assert not np.allclose(other.encode(rows).mean, model.encode(rows).mean), "though it is the same run"
    model.encode(rows[::-1])
    model.encode(rows, seed=1)
    assert calls == [50] * 4


def test_no_more_codes_are_kept_than_memory_is_given(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count(monkeypatch)
    monkeypatch.setattr(trained, "CACHE_BYTES", 3 * 100 * 3 * 8)
    parts = [np.arange(100) + start for start in (0, 100, 200)]
    for rows in (*parts, *parts):
        model.encode(rows)
    assert len(calls) == 3
    model.encode(np.arange(300, 400))
    model.encode(parts[0])
    assert len(calls) == 5, "the first went"
    model.encode(parts[2])
    assert len(calls) == 5
    assert trained._recent_codes.bytes <= 3 * 100 * 3 * 8
    model.encode(np.arange(768))
    model.encode(np.arange(768))
    assert len(calls) == 7, "more than memory holds is never kept"
    assert trained._recent_codes.bytes <= 3 * 100 * 3 * 8


def test_a_report_with_udr_repeats_and_matrices_encodes_a_run_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = study_file(tmp_path, ("beta_vae(beta=1)", "beta_vae(beta=4)"), 2, 30), tmp_path / "store"
    work(Store(folder), load_study(file))
    calls = count(monkeypatch)
    report(file, folder, formats=(), udr=True, repeats=True, matrices=True)
    assert calls == [768] * (4 + MODELS), "the four runs and the untrained networks, once each"


def test_batchnorm_and_dropout_are_in_evaluation_mode_wherever_a_model_runs(normed: tuple[Model, VAE]) -> None:
    model, vae = normed
    every = model.encode(np.arange(768))
    with torch.no_grad():
        x = load("toy").batch(np.arange(768))
        torch_mean, _ = copy.deepcopy(vae).eval().encode(x)
        training_mean, _ = copy.deepcopy(vae).train().encode(x)
        np.testing.assert_allclose(every.mean, torch_mean, atol=1e-5)
        assert np.abs(every.mean - training_mean.numpy()).mean() > 0.1, "which is not what training mode gives"
        images = copy.deepcopy(vae).eval().picture(torch_mean).movedim(1, -1)
    np.testing.assert_allclose(model.decode(every.mean), images, atol=1e-5)
    alone = model.encode(np.array([5]))
    np.testing.assert_allclose(alone.mean[0], every.mean[5], atol=1e-5, err_msg="a code depends on its image alone")
    np.testing.assert_allclose(
        model.modules().encoder(x).chunk(2, 1)[0].detach(), torch_mean, atol=1e-5, err_msg="what is shared as well"
    )


def test_encoding_leaves_the_module_that_it_is_given_as_it_was(normed: tuple[Model, VAE]) -> None:
    model, vae = normed
    vae.encoder.eval()
    vae.decoder[1].eval()
    modes = {name: layer.training for name, layer in vae.named_modules()}
    before = {name: part.clone() for name, part in vae.state_dict().items()}
    codes = encoding.encode(vae, model.params, load("toy"), np.arange(100))
    np.testing.assert_allclose(codes.mean, model.encode(np.arange(100)).mean, atol=1e-6)
    assert {name: layer.training for name, layer in vae.named_modules()} == modes
    assert all(torch.equal(part, before[name]) for name, part in vae.state_dict().items())
    assert all(parameter.requires_grad for parameter in vae.parameters())


def test_a_network_with_batchnorm_is_drawn_and_exported_in_evaluation_mode(
    normed: tuple[Model, VAE], tmp_path: Path
) -> None:
    model, _ = normed
    assert [path.stat().st_size > 1000 for path in draw_pictures(model, tmp_path)] == [True] * 3
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    encoder, _ = to_onnx(model, tmp_path / "onnx")
    x = load("toy").batch(np.arange(40))
    mean, _ = onnxruntime.InferenceSession(str(encoder)).run(None, {"x": x.numpy()})
    np.testing.assert_allclose(mean, model.encode(np.arange(40)).mean, atol=1e-4)


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("network", "what"),
    [("normed", "BatchNorm1d keeps running .* GroupNorm"), ("normed(norm=False)", "Dropout draws random numbers")],
)
def test_training_refuses_layers_whose_state_or_chance_no_engine_keeps(network: str, what: str) -> None:
    with pytest.raises(DistaffError, match=what):
        pack((run("toy", "beta_vae", network, updates=2),))


def test_weights_of_another_network_are_refused_with_the_run_and_the_name_that_does_not_fit(model: Model) -> None:
    params: Params = {name: part for name, part in model.params.items() if name != "encoder.1.bias"}
    with pytest.raises(DistaffError, match=rf"run {model.run.id}: .*encoder\.1\.bias"):
        Model(model.run, params).encode(np.arange(3))
    with pytest.raises(DistaffError, match="size mismatch"):
        Model(small(seed=1), {**model.params, "encoder.1.bias": torch.zeros(3)}).decode(np.zeros((1, 3), np.float32))


@pytest.mark.parametrize("kind", [torch.int64, torch.float16, torch.float64])
def test_weights_of_another_type_are_refused_with_the_run_and_their_name(model: Model, kind: torch.dtype) -> None:
    params = {**model.params, "encoder.1.bias": model.params["encoder.1.bias"].to(kind)}
    complaint = rf"run {model.run.id}: encoder.1.bias holds {kind}, where torch.float32 belongs"
    with pytest.raises(DistaffError, match=complaint):
        Model(model.run, params).encode(np.arange(3))


def test_plain_modules_have_torchs_layers_and_the_same_images() -> None:
    vae = conv64((64, 64, 1), width=4, hidden=16, latents=3)
    held = loaded(vae, initial(vae, 0))
    plain = trained.plain(held)
    assert {type(layer).__module__.partition(".nn")[0] for layer in plain.decoder} == {"torch"}
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(plain.picture(z), held.picture(z))
    assert not any(p.requires_grad for p in plain.parameters())
    plain.decoder[0].weight.add_(1)  # type: ignore[operator]
    assert not torch.equal(plain.decoder[0].weight, held.decoder[0].weight), "copies"  # type: ignore[arg-type]

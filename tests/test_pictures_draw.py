"""A run's pictures: three files that show it, in its own colours, the same each time."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from distaff.codes import Codes
from distaff.commands.find_run import find_run
from distaff.commands.show import show
from distaff.data import Dataset, Factors
from distaff.errors import DistaffError
from distaff.networks.mlp import mlp
from distaff.pictures import effects
from distaff.pictures.draw import draw_pictures
from distaff.pictures.model import encode_sample, observed_images
from distaff.reports.gallery import draw_examples, example_runs
from distaff.runs import Optim, run
from distaff.store.store import Store
from distaff.testing.simulated_study import simulated
from distaff.trained import Model
from distaff.training.fit import fit


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    kept = Store(tmp_path_factory.mktemp("out") / "study")
    for dataset, updates in (("toy", 800), ("toy_color", 50)):
        one = run(dataset, "beta_vae(beta=0.5)", "mlp(width=32, latents=3)", updates=updates, optim=Optim(lr=3e-3))
        kept.put(fit((one,))[0], 1.0)
    return kept


def ids(store: Store, dataset: str) -> list[str]:
    found = sorted(path.name for path in (store.folder / "runs").iterdir())
    return [id for id in found if store.run(id).dataset.name == dataset]


def test_three_files_are_drawn_and_drawing_again_gives_the_same(store: Store, tmp_path: Path) -> None:
    one = ids(store, "toy")[0]
    paths = draw_pictures(store.model(one), tmp_path)
    assert [path.name for path in paths] == ["picture-images.png", "picture-latents.gif", "picture-factors.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in draw_pictures(store.model(one), tmp_path)] == before
    with Image.open(paths[1]) as gif:
        frames = np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]).astype(int)
    assert np.ptp(frames, axis=0).max() > 60, "the latents move"


def test_pictures_of_coloured_images_have_colour(store: Store, tmp_path: Path) -> None:
    one = ids(store, "toy_color")[0]
    with Image.open(draw_pictures(store.model(one), tmp_path)[0]) as sheet:
        picture = np.asarray(sheet.convert("RGB")).astype(int)
    assert np.ptp(picture, axis=-1).max() > 40


def test_the_real_images_are_those_that_the_codes_are_of(store: Store) -> None:
    one = ids(store, "toy_color")[0]
    found = encode_sample(store.model(one), rows=300)
    own = {n.removeprefix("encoder."): w for n, w in store.params(one).items() if n.startswith("encoder.")}
    x = torch.from_numpy(observed_images(found.model.dataset, found.rows)).movedim(-1, 1)
    mean = torch.func.functional_call(mlp((16, 16, 3), width=32, latents=3).encoder, own, (x,)).chunk(2, -1)[0]
    assert torch.allclose(mean, torch.from_numpy(found.codes.mean), atol=1e-6)


class Given:
    """An encoder that is not ours: codes of each row of a grid, and a function that makes images of them."""

    dataset = Dataset(
        "mine",
        Factors(("shape", "x", "y"), (3, 8, 8)),
        (16, 16, 1),
        images=lambda rows: np.repeat(rows % 256, 256).reshape(-1, 16, 16, 1).astype(np.uint8),
    )

    def __init__(self, codes: Codes) -> None:
        self.codes = codes

    def encode(self, rows: NDArray[np.int64]) -> Codes:
        return Codes(self.codes.mean[rows], self.codes.logvar[rows])

    def decode(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.broadcast_to(1 / (1 + np.exp(-z[:, :1, None, None])), (len(z), 16, 16, 1)).astype(np.float32)


def test_an_encoder_that_is_not_ours_is_drawn_as_a_model_is(tmp_path: Path) -> None:
    z = np.random.default_rng(0).standard_normal((192, 2)).astype(np.float32)
    paths = draw_pictures(Given(Codes(z, np.full_like(z, -np.inf))), tmp_path)
    assert [path.name for path in paths] == ["picture-images.png", "picture-latents.gif", "picture-factors.png"]
    assert all(path.stat().st_size > 1000 for path in paths)


def test_effects_separate_a_robust_latent_from_an_entangled_one() -> None:
    factors = np.stack(np.unravel_index(np.arange(3 * 8 * 8), (3, 8, 8)), 1)
    z = np.stack([factors[:, 1], factors[:, 1] + 3 * factors[:, 0]], 1).astype(np.float32)

    found = effects.frame(encode_sample(Given(Codes(z, np.zeros_like(z)))))
    held = found.filter((pl.col("factor") == "shape") & (pl.col("parent") == "x"))
    spread = held.group_by("latent", "at").agg((pl.col("mean").max() - pl.col("mean").min()).alias("spread"))
    assert spread.filter(pl.col("latent") == "z0")["spread"].max() == 0
    assert spread.filter(pl.col("latent") == "z1")["spread"].min() == pytest.approx(6)
    alone = found.filter((pl.col("latent") == "z0") & (pl.col("factor") == "x"))
    assert alone["mean"].to_list() == list(range(8))
    assert alone["std"].max() == 0


def test_a_model_that_is_not_finite_is_refused(store: Store, tmp_path: Path) -> None:
    one = ids(store, "toy")[0]
    for part in ("encoder.", "decoder."):
        broken = {
            name: weights * torch.nan if name.startswith(part) else weights
            for name, weights in store.params(one).items()
        }
        with pytest.raises(DistaffError, match=r"Model\(beta_vae\(beta=0.5\) on toy, seed 0, .* not finite"):
            draw_pictures(Model(store.run(one), broken), tmp_path)
        assert not list(tmp_path.iterdir())


def test_show_finds_a_run_by_folder_id_or_first_digits(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = ids(store, "toy")[0]
    for word, where in (
        (one, store.folder),
        (one[:8], store.folder.parent),
        (str(store.run_folder(one)), Path("nowhere")),
    ):
        show(word, store=where, out=tmp_path)
        assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "picture-images.png")
    show(one, store=store.folder)
    assert (store.run_folder(one) / "picture-images.png").exists()
    assert len(list(store.run_folder(one).iterdir())) <= 8


def test_a_run_that_is_not_there_or_not_alone_is_a_clear_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DistaffError, match="there is no run 'ffff0000' among the 2"):
        find_run("ffff0000", store.folder)
    with pytest.raises(DistaffError, match="there is no store in"):
        find_run("ab", tmp_path)
    twins = tmp_path / "runs"
    for id in ("ab11", "ab22"):
        (twins / id).mkdir(parents=True)
    with pytest.raises(DistaffError, match=r"2 runs in .* begin with 'ab'.*give more digits"):
        find_run("ab", tmp_path)


def test_a_report_shows_the_best_the_middle_and_the_worst_run_of_each_data_set() -> None:
    table, _ = simulated(3)
    one = table.filter(pl.col("id") == table["id"][0]).with_columns(
        pl.lit("lone").alias("dataset"), pl.lit("x").alias("id")
    )
    ranked = table.filter(pl.col("metric") == "mig").sort("value")["id"]
    assert example_runs(pl.concat([table, one])) == ["x", ranked[-1], ranked[len(ranked) // 2 - 1], ranked[0]]
    assert example_runs(table.clear()) == []


def test_the_runs_of_a_report_are_drawn_once_into_their_folders(store: Store, tmp_path: Path) -> None:
    one = ids(store, "toy")[0]
    copy = Store(tmp_path)
    shutil.copytree(store.run_folder(one), copy.run_folder(one), ignore=shutil.ignore_patterns("picture-*"))
    row = {"id": one, "dataset": "toy", "method": "beta_vae", "strength": 1.0, "strength_index": 0, "spec": "beta_vae"}
    scored = pl.DataFrame([{**row, "seed": 0, "representation": "mean", "metric": "mig", "value": 0.5}])
    assert draw_examples(scored, copy) == [one]
    drawn = {path: path.stat().st_mtime_ns for path in copy.run_folder(one).glob("picture-*")}
    assert len(drawn) == 3
    assert draw_examples(scored, copy) == [one]
    assert {path: path.stat().st_mtime_ns for path in copy.run_folder(one).glob("picture-*")} == drawn

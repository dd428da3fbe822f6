"""A run and the codes that were exported of it have the same scores, to the last digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distaff.commands.export import export
from distaff.commands.score import score
from distaff.data import load
from distaff.errors import DistaffError
from distaff.plugins.registry import metric_or_task
from distaff.runs import Optim, run
from distaff.scoring.grid_codes import encode_grid, grid_lines_of
from distaff.scoring.protocol import EvaluationProtocol, split_records_of_run
from distaff.scoring.score import score_run
from distaff.share.codes import to_codes
from distaff.store.files import read_json
from distaff.store.store import Store
from distaff.training.fit import fit

METRICS = (
    "mig",
    "sap",
    "factor_vae_score(train=300, test=200)",
    "gaussian_total_correlation(dims='active')",
    "downstream(labels=50)",
    "strong_downstream(labels=100, test=50, learner='logistic')",
)
SIZES = {"rows": 400, "test_rows": 200}


def trained(folder: Path, dataset: str) -> tuple[Store, str]:
    store = Store(folder / "store")
    one = run(dataset, "beta_vae(beta=2)", "mlp(width=16, latents=4)", updates=60, optim=Optim(lr=3e-3))
    (trained,) = fit((one,))
    store.put(trained, 1.0)
    return store, one.id


def scored(target: Path, metrics: tuple[str, ...], tmp_path: Path, **more: Any) -> dict[str, Any]:
    score(target, metrics, json=tmp_path / "scores.json", **SIZES, **more)
    found: dict[str, Any] = json.loads((tmp_path / "scores.json").read_text())
    return found


@pytest.mark.parametrize(
    ("dataset", "sampling"), [("toy_color", "disjoint"), ("toy_hidden", "disjoint"), ("toy", "2019")]
)
def test_scores_of_a_run_and_of_its_exported_codes_are_equal(dataset: str, sampling: str, tmp_path: Path) -> None:
    store, id = trained(tmp_path, dataset)
    metrics, more = METRICS, {"sampling": sampling}
    of_run = scored(store.run_folder(id), metrics, tmp_path, grid_rows=3_000, **more)
    export(str(store.run_folder(id)), to="codes", out=tmp_path, grid_rows=3_000)
    of_file = scored(tmp_path / "codes.npz", metrics, tmp_path, quick=True, **more)
    for metric in metrics:
        assert of_run[metric]["mean"]["value"] == of_file[metric]["value"], metric
        assert of_run[metric]["sampled"]["value"] == of_file[metric]["sampled"]["value"], metric
        for part, value in of_file[metric]["parts"].items():
            assert of_run[f"{metric}.{part}"]["mean"]["value"] == value
    protocol = EvaluationProtocol(tuple(map(metric_or_task, metrics)), 400, 200, 3_000, sampling)
    score_run(store, id, protocol)
    content = read_json(store.run_folder(id) / protocol.file)
    mine = {(row.get("spec", row["metric"]), row["representation"]): row["value"] for row in content["scores"]
            if "." not in row["metric"]}  # fmt: skip
    assert mine["mig", "mean"] == of_file["mig"]["value"]
    assert mine["downstream(labels=50)", "sampled"] == (of_file["downstream(labels=50)"]["sampled"]["value"])
    assert (content["split"]["overlap"] == 0) == (sampling == "disjoint")
    assert split_records_of_run(store, id) == {sampling: content["split"]}


def test_a_task_that_intervenes_scores_exported_codes_of_a_sample_as_it_does_the_run(tmp_path: Path) -> None:
    store, id = trained(tmp_path, "toy")
    fair = ("fairness(labels=100, per_value=30, learner='logistic')",)
    of_run = scored(store.run_folder(id), fair, tmp_path, grid_rows=200)
    to_codes(store.model(id), tmp_path, 200)
    assert {"line_codes", "line_factors"} <= set(np.load(tmp_path / "codes.npz").files)
    of_file = scored(tmp_path / "codes.npz", fair, tmp_path, quick=True)
    assert of_run[fair[0]]["mean"]["value"] == of_file[fair[0]]["value"]
    assert of_run[fair[0]]["sampled"]["value"] == of_file[fair[0]]["sampled"]["value"]
    whole = scored(store.run_folder(id), fair, tmp_path)
    assert of_run[fair[0]]["mean"]["value"] == pytest.approx(whole[fair[0]]["mean"]["value"], abs=0.1)


def test_lines_are_encoded_for_tasks_that_need_them_alone(tmp_path: Path) -> None:
    store, id = trained(tmp_path, "toy")
    model = store.model(id)
    fair = [metric_or_task("fairness")]
    assert encode_grid(model, 200, fair).line_codes is not None
    assert encode_grid(model, 200, [metric_or_task("mig"), metric_or_task("strong_downstream")]).line_codes is None
    assert encode_grid(model, 768, fair).line_codes is None


@pytest.mark.parametrize("dataset", ["dsprites", "toy_hidden", "shapes3d_lookalike"])
def test_lines_hold_every_value_of_each_factor(dataset: str) -> None:
    factors = load(dataset).factors
    rows = grid_lines_of(load(dataset), 5)
    there = {tuple(cell) for cell in factors.all_values(rows).tolist()}
    whole = {j: set() for j in factors.visible}
    for cell in there:
        for j in factors.visible:
            line = {(*cell[:j], value, *cell[j + 1 :]) for value in range(factors.all_sizes[j])}
            if line <= there:
                whole[j].add((*cell[:j], *cell[j + 1 :]))
    assert all(len(lines) >= 4 for lines in whole.values()), "two of five may lie on one line"
    assert len(rows) <= 5 * sum(factors.sizes)


def test_the_share_of_test_rows_that_were_trained_on_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", codes=rng.normal(size=(300, 2)), factors=rng.integers(0, 3, (300, 2)))
    scored(tmp_path / "mine.npz", ("sap",), tmp_path, quick=True)
    assert "200 train and 100 test rows of 300 images; no test row shows" in capsys.readouterr().out
    scored(tmp_path / "mine.npz", ("sap",), tmp_path, quick=True, sampling="2019")
    assert "% of the test rows show an image that was trained on" in capsys.readouterr().out


def test_a_file_whose_arrays_do_not_fit_is_refused(tmp_path: Path) -> None:
    codes, factors = np.zeros((5, 2)), np.zeros((5, 2), dtype=int)
    np.savez(tmp_path / "a.npz", codes=codes, factors=factors, line_codes=codes)
    with pytest.raises(DistaffError, match="come together"):
        score(tmp_path / "a.npz", ("mig",))
    np.savez(tmp_path / "b.npz", codes=codes, factors=factors, images=np.zeros(4, dtype=int))
    with pytest.raises(DistaffError, match="one whole number for each of 5 rows"):
        score(tmp_path / "b.npz", ("mig",))

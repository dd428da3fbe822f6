"""The studies in studies/ have the designs of their docstrings, and the old library's model numbers name their runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from distaff.commands.study import app
from distaff.errors import DistaffError
from distaff.runs import Study
from distaff.scoring.protocol import protocol_of
from distaff.store.studies import load_study

STUDIES = Path(__file__).parent.parent / "studies"
OLD_DATASETS = ("dsprites", "color_dsprites", "noisy_dsprites", "scream_dsprites", "smallnorb", "cars3d", "shapes3d")
OLD_METHODS = ("beta_vae", "factor_vae", "dip_vae_i", "dip_vae_ii", "beta_tc_vae", "annealed_vae")


@pytest.fixture(scope="module")
def whole() -> Study:
    return load_study(STUDIES / "unsupervised_2019.py")


def test_the_study_of_2019_has_its_design(whole: Study) -> None:
    assert len(whole.runs) == 12_600
    assert len({(run.dataset, run.method) for run in whole.runs}) == 252
    assert {run.updates for run in whole.runs if run.method.name == "factor_vae"} == {150_000}
    assert {run.updates for run in whole.runs if run.method.name != "factor_vae"} == {300_000}
    assert {(str(run.network), run.batch, run.optim.lr) for run in whole.runs} == {("conv64", 64, 1e-4)}
    assert (whole.rows, whole.test_rows) == (10_000, 5_000)
    evaluated = {(spec.kind, spec.name) for spec in protocol_of(whole).metrics}
    assert len(evaluated) == 11, (
        "nine evaluations: modularity with explicitness, and the unsupervised ones, are several here"
    )
    assert sum(run.updates for run in whole.runs) == 3_465_000_000


@pytest.mark.parametrize("number", [0, 49, 50, 299, 300, 1_799, 1_800, 5_432, 7_200, 10_799, 10_800, 12_599])
def test_a_position_is_the_old_model_number(number: int, whole: Study) -> None:
    run = whole.runs[number]
    dataset, rest = divmod(number, 1_800)
    method, rest = divmod(rest, 300)
    strength, seed = divmod(rest, 50)
    assert run.dataset.name == OLD_DATASETS[dataset]
    assert run.method.name == OLD_METHODS[method]
    assert run.seed == seed
    values = sorted({one.strength[1] for one in whole.runs if one.method.name == run.method.name and one.strength})
    assert run.strength
    assert run.strength[1] == values[strength]


def test_a_command_translates_either_way(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(STUDIES / "unsupervised_2019.py")
    app.cli(prog="distaff study", args=["index", file, "5432"])
    assert capsys.readouterr().out.startswith(
        "5432: beta_vae(beta=1) on scream_dsprites, seed 32, 300,000 updates; id "
    )
    app.cli(prog="distaff study", args=["find", file, "beta_vae(beta=4)", "--dataset", "cars3d", "--seed", "7"])
    assert capsys.readouterr().out.startswith("9107: beta_vae(beta=4) on cars3d, seed 7; id ")
    with pytest.raises(DistaffError, match="has runs 0 to 12599"):
        app.cli(prog="distaff study", args=["index", file, "12600"])


def test_ids_of_the_studies_are_golden(whole: Study) -> None:
    assert [whole.runs[number].id for number in (0, 300, 12_599)] == GOLDEN


def test_the_full_budget_changes_factor_vae_alone(whole: Study) -> None:
    full = load_study(STUDIES / "unsupervised_2019.py:full_budget")
    assert full.name == "unsupervised_2019_full_budget"
    changed = {new.method.name for new, old in zip(full.runs, whole.runs, strict=True) if new != old}
    assert changed == {"factor_vae"}
    assert {run.updates for run in full.runs} == {300_000}
    with pytest.raises(DistaffError, match="must define `half_budget"):
        load_study(STUDIES / "unsupervised_2019.py:half_budget")


def test_smaller_and_larger_designs_share_their_runs(whole: Study) -> None:
    jmlr, sample = load_study(STUDIES / "jmlr_2020.py"), load_study(STUDIES / "dsprites_180.py")
    assert len(jmlr.runs) == 14_400
    assert jmlr.runs[:12_600] == whole.runs
    assert {run.dataset.name for run in jmlr.runs[12_600:]} == {"mpi3d_real"}
    assert len(sample.runs) == 180
    assert set(sample.runs) < set(whole.runs)


def test_the_study_for_a_laptop_has_the_design_of_2019_in_small() -> None:
    study = load_study(STUDIES / "laptop.py")
    assert len(study.runs) == 1_800
    assert len({run.method for run in study.runs}) == 36
    assert (study.rows, study.test_rows) == (2_000, 1_000)


GOLDEN = ["9700020c77ac681e", "69fe4c29666cc516", "c2ca5c057a918c8b"]


def test_the_dsprites_study_of_gpus_has_its_designs(whole: Study) -> None:
    short = load_study(STUDIES / "dsprites_2019.py")
    full = load_study(Path(f"{STUDIES / 'dsprites_2019.py'}:full"))
    for study, updates in ((short, 100_000), (full, 300_000)):
        assert len({run.id for run in study.runs}) == 180
        assert {(run.updates, run.precision, run.batch, str(run.network)) for run in study.runs} == {
            (updates, "bf16", 64, "conv64")
        }
        assert (study.metrics, study.sampling, study.rows) == (whole.metrics, "2019", 10_000)
        of_paper = {run.method for run in whole.runs}
        assert {run.method for run in study.runs} == of_paper
    assert not {run.id for run in short.runs} & {run.id for run in full.runs}

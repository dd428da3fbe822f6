"""The command that trains the study of dSprites in minutes: what it chooses to train, and what it keeps of it."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch

from distaff.analysis.variance import variance_explained
from distaff.runs import Optim, Run, Study, cross
from distaff.store.store import Store
from distaff.store.studies import load_study, save_study
from distaff.study.stop import Stop
from distaff.testing.simulated_study import simulated

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

import evidence_dsprites  # noqa: E402
from dsprites import schedule, score, train  # noqa: E402
from dsprites.carry import carry, unpack  # noqa: E402
from dsprites.keep import RUNS, Kept, kept_of, known, merged, read_kept  # noqa: E402
from dsprites.page import page, write_page  # noqa: E402
from dsprites.schedule import Cores, Pace, Trial  # noqa: E402

STUDY = load_study(HERE.parent / "studies" / "dsprites_2019.py")
ORDER = schedule.in_order(STUDY.runs)
PACE = Pace(Trial(60, 6), Trial(90, 15), 0.5, 100)  # seconds; about an H100's
SITTING = {"sitting": "2026-01-01T00:00:00+00:00", "gpu": "", "processor": "a processor", "minutes": 1}


def test_slices_are_one_strength_of_every_method_seed_by_seed() -> None:
    assert len(ORDER) == 180
    for i in range(0, 180, 6):
        methods = Counter(run.method.name for run in ORDER[i : i + 6])
        assert set(methods.values()) == {1}
        assert len(methods) == 6
    assert [run.seed for run in ORDER] == sorted(run.seed for run in STUDY.runs)


def test_what_is_chosen_ends_in_time_and_one_slice_more_would_not() -> None:
    cores = Cores(15)
    for seconds in (250, 420, 700, 1500):
        pack = schedule.first_pack(ORDER, PACE, cores, seconds, 15)
        n = len(pack)
        others = [run for run in ORDER if not run.critic]
        factor_vae = [run for run in ORDER if run.critic]
        assert pack == factor_vae[:n]
        assert schedule.finish([pack, *schedule.chunks(others[: 5 * n], 15)], PACE, cores) <= seconds
        more = [factor_vae[: n + 1], *schedule.chunks(others[: 5 * n + 5], 15)]
        assert schedule.finish(more, PACE, cores) > seconds


def test_the_end_is_that_of_a_queue_worked_off_by_all_cores() -> None:
    assert schedule.finish([ORDER[:1]], PACE, Cores(4)) == pytest.approx(PACE.train(ORDER[:1]) + 100)
    others = [run for run in ORDER if not run.critic][:15]
    trained = 90 + 15 * 0.5
    assert schedule.finish([others], PACE, Cores(15)) == pytest.approx(trained + 100)
    assert schedule.finish([others], PACE, Cores(14)) == pytest.approx(trained + 200)
    assert schedule.finish([others], PACE, Cores(15, waiting=15)) == pytest.approx(
        trained + 100 + max(0, 100 - trained)
    )
    assert schedule.finish([others, others], PACE, Cores(15)) == pytest.approx(max(trained, 100) + trained + 100)


def test_a_small_pack_does_not_count_as_cheap_and_a_large_one_as_no_cheaper_a_model() -> None:
    trial = Trial(60.0, 6)
    assert trial.of(6) == 60
    assert trial.of(12) == 120
    assert 60 * schedule.FIXED < trial.of(1) < 30


def test_with_too_little_time_nothing_is_begun_and_a_later_pack_is_as_large_as_fits() -> None:
    assert schedule.first_pack(ORDER, PACE, Cores(15), 100, 15) == []
    assert schedule.next_pack(ORDER, PACE, Cores(15), 100, 15) == []
    some = schedule.next_pack(ORDER, PACE, Cores(15), 170, 15)
    assert 0 < len(some) < 15
    assert len(schedule.next_pack(ORDER, PACE, Cores(15), 300, 15)) == 15
    assert not any(run.critic for run in some)


def test_a_few_runs_are_of_both_kinds() -> None:
    assert [run.method.name == "factor_vae" for run in schedule.some_of(ORDER, 2)] == [True, False]
    assert Counter(run.critic is not None for run in schedule.some_of(ORDER, 36)) == {True: 6, False: 30}


def small(updates: int = 30, seeds: int = 2) -> Study:
    methods = ("beta_vae(beta=2)", "beta_vae(beta=4)", "factor_vae(gamma=10)", "factor_vae(gamma=20)")
    options = {"network": "mlp(width=8, latents=3)", "critic": "critic(width=8, depth=1)", "optim": Optim(lr=1e-3)}
    runs = cross(["toy"], methods, range(seeds), updates=updates, **options)
    return Study("small", runs, ("mig", "modularity"), rows=200, test_rows=100, pictures=0)


def trainer(store: Store, study: Study, log: Callable[[str], object], seconds: float = 600.0) -> train.Trainer:
    def missing() -> list[Run]:
        ended = train.trained_or_failed(store)
        return [run for run in schedule.in_order(study.runs) if run.id not in ended]

    return train.Trainer(store, study, missing, time.time() + seconds, 2, 0.1, 3, "cpu", Stop(), log)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Study, list[str]]:
    store, study, lines = Store(tmp_path_factory.mktemp("store")), small(), list[str]()
    save_study(store.folder, study)
    trainer(store, study, lines.append).run()
    score.score_all(store, study, Stop(), lines.append)
    return store, study, lines


def test_all_that_fits_is_trained_factor_vae_first_and_scored(worked: tuple[Store, Study, list[str]]) -> None:
    store, study, lines = worked
    kept = kept_of(store, study, SITTING)
    assert set(kept.runs["status"]) == {"scored"}
    assert set(kept.runs["id"]) == set(kept.scores["id"]) == set(kept.curves["id"]) == {run.id for run in study.runs}
    packs = {id: store.provenance(id)["models"] for id in kept.runs["id"]}
    assert Counter(packs.values()) == {4: 4, 3: 3, 1: 1}
    assert lines[1].split(": ")[1].startswith("4 models")
    assert train.pace_of(store.folder)["score"] == 0.1


def test_nothing_is_begun_that_cannot_end(tmp_path: Path) -> None:
    lines: list[str] = []
    trainer(Store(tmp_path), small(updates=10**7, seeds=1), lines.append, seconds=20.0).run()
    assert "no pack more ends" in lines[-1]
    assert not train.trained_or_failed(Store(tmp_path))


def test_what_is_kept_is_read_back_and_merging_twice_adds_nothing(
    worked: tuple[Store, Study, list[str]], tmp_path: Path
) -> None:
    store, study, _ = worked
    half = replace(study, runs=study.runs[:4])
    first, all_of_it = kept_of(store, half, SITTING), kept_of(store, study, {**SITTING, "sitting": "later"})
    first.write(tmp_path)
    assert known(tmp_path) == {run.id for run in half.runs}
    once, different = merged(read_kept(tmp_path), all_of_it)
    assert different == []
    assert Counter(once.runs["sitting"]) == {SITTING["sitting"]: 4, "later": 4}
    twice, _ = merged(once, all_of_it)
    for name in ("scores", "curves", "runs"):
        one, two = getattr(once, name), getattr(twice, name)
        assert one.equals(two)
        assert len(one) == len(getattr(all_of_it, name))
    assert [sitting["sitting"] for sitting in twice.sittings] == [SITTING["sitting"], "later"]
    assert [sitting["runs"] for sitting in twice.sittings] == [4, 8]


def test_a_run_that_is_kept_already_keeps_its_scores(worked: tuple[Store, Study, list[str]]) -> None:
    store, study, _ = worked
    kept = kept_of(store, study, SITTING)
    changed = pl.when(pl.col("id") == study.runs[0].id).then(pl.col("value") + 1).otherwise(pl.col("value"))
    other = kept._replace(scores=kept.scores.with_columns(changed.alias("value")))
    together, different = merged(kept, other)
    assert different == [study.runs[0].id]
    assert together.scores.equals(kept.scores)


def test_what_is_kept_names_no_machine_and_no_folder(worked: tuple[Store, Study, list[str]], tmp_path: Path) -> None:
    store, study, _ = worked
    kept = kept_of(store, study, SITTING)
    kept.write(tmp_path)
    text = json.dumps([kept.runs.to_dicts(), kept.sittings])
    assert platform.node() not in text
    assert str(store.folder) not in text
    assert str(HERE.parent) not in text


def test_runs_that_were_not_scored_in_time_are_carried_and_scored_elsewhere(
    worked: tuple[Store, Study, list[str]], tmp_path: Path
) -> None:
    store, study, _ = worked
    for run in study.runs[:7]:
        folder = tmp_path / "unscored" / "runs" / run.id
        shutil.copytree(store.run_folder(run.id), folder, ignore=shutil.ignore_patterns("scores-*"))
    source, target = Store(tmp_path / "unscored"), Store(tmp_path / "home")
    assert carry(source, [run.id for run in study.runs[:7]], tmp_path / "out") == sorted(r.id for r in study.runs[:7])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["unscored-1.tar", "unscored-2.tar"]
    assert unpack(tmp_path / "out", target, study, tmp_path / "scratch") == 7
    assert unpack(tmp_path / "out", target, study, tmp_path / "again") == 0
    only = replace(study, runs=study.runs[:7])
    score.score_all(target, only, Stop(), lambda _: None)
    one, other = (kept_of(which, only, SITTING).scores for which in (store, target))
    assert one.sort("id", "representation", "metric").equals(other.sort("id", "representation", "metric"))


def test_more_runs_than_may_be_sent_are_not(worked: tuple[Store, Study, list[str]], tmp_path: Path) -> None:
    store, study, _ = worked
    ids = [run.id for run in study.runs] * 3
    assert len(carry(store, ids, tmp_path)) == 15
    assert len(list(tmp_path.iterdir())) == 3


def test_a_failed_run_is_kept_as_such_and_not_tried_again(tmp_path: Path) -> None:
    study, store = small(), Store(tmp_path / "store")
    save_study(store.folder, study)
    store.fail(study.runs[0], "not finite at update 7", kind="diverged")
    kept = kept_of(store, study, SITTING)
    assert kept.runs.select("status", "reason").to_dicts() == [{"status": "failed", "reason": "not finite at update 7"}]
    kept.write(tmp_path / "kept")
    assert known(tmp_path / "kept") == {study.runs[0].id}
    assert merged(Kept(pl.DataFrame(), pl.DataFrame(), pl.DataFrame(), []), kept)[0].runs.equals(kept.runs)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_the_command_says_so_and_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evidence_dsprites.py", "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    monkeypatch.setattr(sys, "argv", words)
    assert evidence_dsprites.main() != 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no GPU here" in line
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "work").exists()


def kept_study(seeds: int, updates: int = 100_000) -> Kept:
    """A simulated study of dSprites as it is kept: 36 models a seed."""
    scores, runs = simulated(max(1, seeds), "dsprites", strengths=6)
    scores, runs = (frame.filter(pl.col("seed") < seeds) for frame in (scores, runs))
    scores = scores.with_columns(updates=pl.lit(updates, pl.Int64))
    rows = [
        {"id": run["id"], "spec": run["spec"], "seed": run["seed"], "updates": updates, "status": "scored",
         "sitting": SITTING["sitting"], "milliseconds": 0.06, "score_seconds": 90.0}
        for run in runs.to_dicts()
    ]  # fmt: skip
    sittings = [{**SITTING, "gpu": "a GPU", "cores": 16, "seconds": 480.0}] if seeds else []
    return Kept(scores, pl.DataFrame(), pl.DataFrame(rows, schema_overrides=dict(RUNS)), sittings)


@pytest.mark.parametrize("seeds", [0, 1, 5])
def test_the_page_says_how_far_the_study_is_and_what_is_missing(seeds: int, tmp_path: Path) -> None:
    write_page(tmp_path, kept_study(seeds))
    text = (tmp_path / "README.md").read_text("utf-8")
    if not seeds:
        assert "No model is in it yet" in text
        assert "| method |" not in text
        return
    assert f"**{36 * seeds} of 180 models**, {180 - 36 * seeds} missing" in text
    assert "300,000 updates: **0 of 180 models**, 180 missing; not begun" in text
    assert ("what one seed says" in text) == (seeds < 5)
    assert "a GPU | 16 x a processor | 8.0 |" in text
    for heading in ("Claims", "Variance explained", "Methods", "Total correlation by strength", "Agreement of metrics"):
        assert f"### {heading}" in text
    assert all(len({row.count("|") for row in table}) == 1 for table in tables(text))


def tables(text: str) -> list[list[str]]:
    """The tables of a page, as lines."""
    parts = [[line for line in part.splitlines() if line.startswith("|")] for part in text.split("\n\n")]
    return [part for part in parts if part]


def test_the_page_has_the_numbers_of_the_paper_beside_those_of_the_table() -> None:
    kept = kept_study(5)
    text = page(kept)
    found = variance_explained(kept.scores, ["mig"]).to_dicts()
    for row, theirs in zip(found, (26, 72), strict=True):
        what = "method" if row["predictor"] == "method" else "method x strength"
        assert f"| {what} | MIG | {theirs} | {100 * row['r2']:.0f} | " in text
    assert "| CFASL | β-TCVAE | MIG | 23.95 (10.13) | " in text
    one = kept.scores.filter(
        (pl.col("method") == "beta_vae") & (pl.col("metric") == "mig") & (pl.col("representation") == "mean")
    )
    assert f"{one['value'].median():.3f} (" in text


def test_failures_stand_on_the_page() -> None:
    kept = kept_study(1)
    reason = {"status": "failed", "reason": "not finite at update 7", "spec": "beta_vae(beta=16)", "seed": 0}
    failed = pl.DataFrame([{"id": "f" * 16, "updates": 100_000, "sitting": SITTING["sitting"], **reason}])
    text = page(kept._replace(runs=pl.concat([kept.runs, failed], how="diagonal_relaxed")))
    assert "- beta_vae(beta=16), seed 0: failed, not finite at update 7." in text

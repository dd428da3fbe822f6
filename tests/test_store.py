"""A store holds what was written: old formats load, damage is found, and stores become one or smaller."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import save

from distaff import data
from distaff.errors import DistaffError
from distaff.plugins.registry import METRICS
from distaff.runs import Study
from distaff.scoring.protocol import EvaluationProtocol, ScoreFiles, protocol_of, scores_of_run
from distaff.seal import digest, sealed
from distaff.store.check import check, mend
from distaff.store.files import read_json
from distaff.store.listing import listing
from distaff.store.merge import merge
from distaff.store.remote import pull, push
from distaff.store.store import Store
from distaff.store.studies import load_study, read_study, save_study
from distaff.study.faults.failures import failures, retry
from distaff.study.plan import plan
from distaff.study.prune import compact, drop_weights, remove_leftovers
from distaff.study.select import select
from distaff.study.work import work
from real_studies import results, study_file

STORES = Path(__file__).parent / "stores"
ONE, TWO = "0dc714b465068ea5", "3b9a94f7a5d15b53"  # the runs of the store of format 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    folder = tmp_path_factory.mktemp("finished")
    study = load_study(study_file(folder, ("beta_vae(beta=2)", "dip_vae_i", "beta_vae(beta=1e39)"), 2, 20))
    save_study(folder / "store", study)
    work(Store(folder / "store"), study)
    return study, folder / "store"


@pytest.fixture
def copy(finished: tuple[Study, Path], tmp_path: Path) -> tuple[Study, Store]:
    shutil.copytree(finished[1], tmp_path / "store")
    return finished[0], Store(tmp_path / "store")


@pytest.mark.parametrize("format", ["format_1", "format_2"])
def test_stores_of_every_format_load_and_are_whole(format: str) -> None:
    store = Store(STORES / format)
    assert list(check(store)) == []
    for id in listing(store).runs:
        assert store.run(id).id == id
        assert store.params(id)
        assert store.provenance(id)["seconds"] > 0
        assert store.curve(id).height > 0
        assert {"mig", "gaussian_total_correlation"} <= {row["metric"] for row in scores_of_run(store, id)}


def test_weights_of_an_old_store_still_give_its_scores() -> None:
    from distaff.scoring.score import evaluate_run

    store = Store(STORES / "format_1")
    protocol = EvaluationProtocol((METRICS.parse("mig"),), 2_000, 1_000, 10_000, "2019")
    scored = {
        (r["representation"], r["metric"]): r["value"]
        for r in evaluate_run(store.run(ONE), store.params(ONE), protocol)
    }
    old = {(r["representation"], r["metric"]): r["value"] for r in scores_of_run(store, ONE)}
    for place, name in enumerate(data.load("toy").factors.names):  # parts have carried names since
        for kind in ("mean", "sampled"):
            old[kind, f"mig.{name}"] = old[kind, f"mig.factor_{place}"]
    assert scored == pytest.approx({key: old[key] for key in scored}, abs=1e-3)


def test_metrics_that_are_added_later_are_all_that_is_evaluated_in_an_old_store(tmp_path: Path) -> None:
    shutil.copytree(STORES / "format_1", tmp_path / "store")
    store = Store(tmp_path / "store")
    runs = (store.run(ONE), store.run(TWO))
    old = ("mig", "dci", "factor_vae_score(train=2000, test=1000)", "modularity", "gaussian_total_correlation")
    study = Study("later", runs, (*old, "sap"), rows=2_000, test_rows=1_000, grid_rows=10_000, sampling="2019")
    todo = plan(study, store)
    missing = [str(metric) for metric in todo.unscored[0].protocol.metrics]
    assert missing == ["factor_vae_score(train=2000, test=1000)", "modularity", "sap"], "two have a new version since"
    assert [job.protocol for job in todo.unscored] == [todo.unscored[0].protocol] * 2
    before = results(store.folder)
    work(store, study)
    assert before.items() < results(store.folder).items()
    assert plan(study, store).empty
    rows = ScoreFiles(store, protocol_of(study)).rows(ONE)
    assert len({(row["representation"], row["metric"]) for row in rows}) == len(rows)
    assert {"sap", "dci.completeness"} <= {row["metric"] for row in rows}
    sap = ScoreFiles(store, protocol_of(replace(study, metrics=("sap",)))).rows(ONE)
    assert {row["metric"].partition(".")[0] for row in sap} == {"sap", "train"}, "and not the metrics of other studies"
    other_sizes = protocol_of(replace(study, rows=100))
    assert ScoreFiles(store, other_sizes).missing(ONE, [path.name for path in store.run_folder(ONE).iterdir()
                                                     if path.name.startswith("scores-")]) == other_sizes  # fmt: skip


def old_and_new(folder: Path) -> tuple[Study, Store]:
    """The store of format 2, whose scores are of before the choice of a sampling, and a study of its runs."""
    shutil.copytree(STORES / "format_2", folder / "store")
    store = Store(folder / "store")
    runs = tuple(store.run(id) for id in sorted(listing(store).runs))
    study = Study("small", runs, ("mig", "gaussian_total_correlation"), rows=200, test_rows=100, sampling="2019")
    return study, store


def test_old_files_of_scores_are_of_the_sampling_of_2019_and_not_of_another(tmp_path: Path) -> None:
    study, store = old_and_new(tmp_path)
    assert not plan(study, store).unscored
    disjoint = replace(study, sampling="disjoint")
    assert len(plan(disjoint, store).unscored) == len(study.runs)
    assert ScoreFiles(store, protocol_of(disjoint)).rows(study.runs[0].id) == []


def test_scores_of_two_samplings_are_never_in_one_table_or_one_file(tmp_path: Path) -> None:
    from distaff.scoring.table import read, table

    study, store = old_and_new(tmp_path)
    study = replace(study, runs=(study.runs[0], replace(study.runs[0], seed=1)))
    work(store, study)
    before = table(study, store)
    assert read(store.folder).sort(before.columns).equals(before.sort(before.columns))
    disjoint = replace(study, sampling="disjoint")
    first, second = study.runs[:2]
    work(store, replace(disjoint, runs=(first,)))
    now = table(study, store)  # the old run has losses of its final model since, which no sampling changes
    assert read(store.folder).sort(now.columns).equals(now.sort(now.columns)), "most are of 2019"
    assert (
        now.join(before, on=["id", "representation", "metric", "value"], how="anti")["metric"]
        .str.starts_with("train.")
        .all()
    )
    assert before.join(now, on=["id", "representation", "metric", "value"], how="anti").is_empty()
    work(store, disjoint)
    after = table(disjoint, store)
    assert read(store.folder).sort(before.columns).equals(after.sort(after.columns)), "of two as common, the disjoint"
    assert before.filter(metric="mig")["value"].to_list() != after.filter(metric="mig")["value"].to_list()
    files = {path.name for path in store.run_folder(first.id).glob("scores-*.json")}
    assert compact(store) == 0
    assert {path.name for path in store.run_folder(first.id).glob("scores-*.json")} == files
    assert len(files) == 2
    assert len(ScoreFiles(store, protocol_of(disjoint)).rows(second.id)) == len(
        ScoreFiles(store, protocol_of(study)).rows(second.id)
    )


def test_a_study_that_was_kept_before_the_choice_is_of_2019(tmp_path: Path) -> None:
    study, _ = old_and_new(tmp_path)
    for sampling in ("disjoint", "2019"):
        path = save_study(tmp_path / "kept", replace(study, sampling=sampling))
        assert read_study(path).sampling == sampling
    content = read_json(path)
    del content["sampling"]
    path.write_bytes(sealed({key: value for key, value in content.items() if key != "sha256"}))
    assert read_study(path).sampling == "2019"
    with pytest.raises(DistaffError, match="unknown sampling"):
        replace(study, sampling="2020")


def test_the_rows_of_scores_are_recorded_and_those_of_old_files_are_known(tmp_path: Path) -> None:
    from distaff.scoring.grids import split_records

    study, store = old_and_new(tmp_path)
    assert split_records(study, store)["toy"]["overlap"] == pytest.approx(1 - (1 - 1 / 768) ** 200, abs=1e-4)
    more = replace(study, metrics=("mig", "sap"), sampling="disjoint")
    assert split_records(more, store) == {}
    work(store, more)
    record = split_records(more, store)["toy"]
    assert (record["train"], record["test"], record["overlap"]) == (200, 100, 0.0)
    work(store, replace(more, metrics=("mig", "sap", "modularity")))
    assert compact(store) > 0
    assert split_records(more, store)["toy"] == record


def test_scores_of_metrics_that_are_added_later_are_merged_with_the_rest(copy: tuple[Study, Store]) -> None:
    study, store = copy
    more = replace(study, metrics=(*study.metrics, "modularity", "mig(bins=5)"))
    work(store, more)
    id = study.runs[0].id
    assert len(list(store.run_folder(id).glob("scores-*.json"))) == 2
    before = {
        (r["representation"], r.get("spec", r["metric"]), r["metric"]): r["value"] for r in scores_of_run(store, id)
    }
    assert compact(store) == 4
    assert compact(store) == 0
    after = {
        (r["representation"], r.get("spec", r["metric"]), r["metric"]): r["value"] for r in scores_of_run(store, id)
    }
    assert after == before
    assert len(list(store.run_folder(id).iterdir())) <= 8
    assert plan(more, store).empty
    assert plan(study, store).empty
    assert list(check(store)) == []


def edit(path: Path) -> None:
    path.write_text(path.read_text().replace(": 0", ": 1", 1))


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("hurt", [tear, flip, Path.unlink])
@pytest.mark.parametrize("name", ["run.json", "provenance.json", "curve.parquet", "model.safetensors", "scores-*.json"])
def test_every_damage_is_found_set_aside_and_computed_again(
    name: str, hurt: Callable[[Path], None], copy: tuple[Study, Store]
) -> None:
    study, store = copy
    if hurt is Path.unlink and name in ("scores-*.json", "model.safetensors"):
        pytest.skip("a file of scores that is missing is missing work, and weights may be dropped")
    before, id = results(store.folder), study.runs[0].id
    (path,) = store.run_folder(id).glob(name)
    hurt(path)
    (damage,) = check(store)
    assert damage.path == path
    assert len(mend(store, [damage])) == 1
    assert list(check(store)) == []
    work(store, study)
    assert results(store.folder) == before


def test_a_damaged_file_is_one_line_wherever_it_is_read(copy: tuple[Study, Store]) -> None:
    study, store = copy
    id = study.runs[0].id
    for name, read in (
        ("run.json", store.run),
        ("model.safetensors", store.params),
        ("curve.parquet", store.curve),
        ("scores-*.json", ScoreFiles(store, protocol_of(study)).rows),
        ("provenance.json", store.provenance),
    ):
        (path,) = store.run_folder(id).glob(name)
        flip(path)
        with pytest.raises(DistaffError, match="is damaged or was edited") as caught:
            read(id)
        assert "distaff store check --mend" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_scoring_damaged_weights_is_a_failure_with_the_reason(copy: tuple[Study, Store]) -> None:
    study, store = copy
    id = study.runs[0].id
    flip(store.run_folder(id) / "model.safetensors")
    for path in store.run_folder(id).glob("scores-*.json"):
        path.unlink()
    work(store, study)
    reasons = {one.run.id: one.reason for one in failures(study, store)}
    assert "model.safetensors is damaged or was edited (its checksum does not match)" in reasons[id]
    assert plan(study, store).failed == 3
    mend(store, list(check(store)))
    retry(study, store, frozenset({id}))
    work(store, study)
    assert plan(study, store).failed == 2


def test_a_store_of_a_later_format_is_refused(copy: tuple[Study, Store]) -> None:
    study, store = copy
    path = store.run_folder(study.runs[0].id) / "run.json"
    record = read_json(path)
    record.pop("sha256")
    path.write_bytes(sealed({**record, "format": 99}))
    with pytest.raises(DistaffError, match=rf"{path} is of format 99, .*: update distaff"):
        list(check(store))
    with pytest.raises(DistaffError, match="is not a store"):
        list(check(Store(store.folder / "runs")))


def test_two_stores_become_one_and_nothing_is_written_over(copy: tuple[Study, Store], tmp_path: Path) -> None:
    study, store = copy
    one, two, both = (Store(tmp_path / name) for name in ("one", "two", "both"))
    half = frozenset(run.id for run in study.runs[::2])
    merge(store, one, half)
    merge(store, two, {run.id for run in study.runs} - half)
    assert merge(one, both).runs + merge(two, both).runs == 4
    assert results(both.folder) == results(store.folder)
    assert merge(one, both) == (0, 0, [], [])
    id = next(iter(listing(one).runs))
    folder, made = one.run_folder(id), one.provenance(id)
    params = {name: weights + 1 for name, weights in one.params(id).items()}
    (folder / "model.safetensors").write_bytes(other := save(params))
    files = {**made.pop("files"), "model.safetensors": digest(other)}
    (folder / "provenance.json").write_bytes(
        sealed({**{k: v for k, v in made.items() if k != "sha256"}, "files": files})
    )
    assert merge(one, both).different == [id]
    assert list(check(both)) == []


def test_an_export_without_weights_has_scores_and_refuses_to_load_weights(
    copy: tuple[Study, Store], tmp_path: Path
) -> None:
    study, store = copy
    small = Store(tmp_path / "small")
    assert merge(store, small, select(study, "method=dip_vae_i,seed<1"), weights=False).runs == 1
    (id,) = listing(small).runs
    assert scores_of_run(small, id) == scores_of_run(store, id)
    assert list(check(small)) == []
    with pytest.raises(DistaffError, match=r"model\.safetensors"):
        small.params(id)
    assert drop_weights(store, [id]) == 19_736
    assert list(check(store)) == []
    assert plan(study, store).empty


def test_a_store_goes_to_a_place_and_comes_back_and_only_what_is_new_travels(
    copy: tuple[Study, Store], tmp_path: Path
) -> None:
    import fsspec

    study, store = copy
    for name, url in (("back", f"{tmp_path}/place"), ("again", "memory://place")):
        back = Store(tmp_path / name)
        back.folder.mkdir()
        assert push(store, url) == 4
        assert push(store, url) == 0
        assert pull(url, back).runs == 4
        assert results(back.folder) == results(store.folder)
        assert list(check(back)) == []
    more = replace(study, metrics=(*study.metrics, "modularity"))
    work(store, more)
    assert push(store, url) == 4
    assert pull(url, back).files == 4
    assert results(back.folder) == results(store.folder)
    files, place = fsspec.core.url_to_fs(url)
    for path in files.glob(f"{place}/parts/*"):
        files.pipe_file(path, b"torn")
    with pytest.raises(DistaffError, match=r"checksum of part .* does not match"):
        pull(url, Store(_made(tmp_path / "third")))
    with pytest.raises(DistaffError, match=r"has no index\.json"):
        pull("memory://nothing", Store(tmp_path))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_leftovers_of_dead_workers_are_removed_and_nothing_else(copy: tuple[Study, Store]) -> None:
    study, store = copy
    before = results(store.folder)
    (store.folder / "runs" / ".0123456789abcdef.4194305-00c0ffee").mkdir()
    (store.folder / "packs").mkdir(exist_ok=True)
    (store.folder / "packs" / ".x.json.4194305-00c0ffee").touch()
    (store.folder / ".gitignore.mine").touch()
    remove_leftovers(store, [study])
    assert results(store.folder) == before
    assert not list(store.folder.rglob(".*-00c0ffee"))
    assert (store.folder / ".gitignore.mine").exists()


def test_a_study_is_read_from_its_store_as_it_was_saved(copy: tuple[Study, Store]) -> None:
    study, store = copy
    assert read_study(store.folder / "studies" / "small.json") == study


def test_commands_of_the_store_do_and_print_what_their_help_states(
    copy: tuple[Study, Store], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from distaff.commands.store import app

    study, store = copy
    file = study_file(tmp_path, ("beta_vae(beta=2)", "dip_vae_i", "beta_vae(beta=1e39)"), 2, 20)

    def output(*arguments: str | os.PathLike[str]) -> str:
        app.cli(prog="distaff store", args=[str(argument) for argument in arguments])
        return capsys.readouterr().out

    assert "4 runs, every file is as it was written" in output("check", store.folder)
    assert "1 runs and" in output("export", store.folder, tmp_path / "part", file, "--only", "method=dip_vae_i,seed<1")
    assert "0 runs and 0 other" in output("merge", tmp_path / "part", store.folder)
    assert "4 runs sent" in output("push", store.folder, tmp_path / "place")
    assert "4 runs and" in output("pull", tmp_path / "place", tmp_path / "fetched")
    assert "0 files merged" in output("compact", store.folder)
    assert "MB of weights dropped" in output("prune", store.folder, file)
    edit(store.run_folder(study.runs[0].id) / "run.json")
    with pytest.raises(DistaffError, match="1 damaged files"):
        output("check", store.folder)
    assert "1 set aside" in output("check", store.folder, "--mend")
    with pytest.raises(DistaffError, match="is neither empty nor a store"):
        output("merge", store.folder, tmp_path)

"""What stands in a store is what was written: old formats load, damage is found, and stores become one or smaller."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from distaff import data
from distaff.errors import DistaffError
from distaff.plugins.registry import METRICS
from distaff.runs import Study
from distaff.scoring.protocol import Answers, Scoring, scores, scoring
from distaff.store.check import check, mend
from distaff.store.files import read_json, sealed
from distaff.store.merge import merge
from distaff.store.remote import pull, push
from distaff.store.store import Store
from distaff.store.studies import keep_study, kept_study, load_study
from distaff.study.plan import failures, listing, plan, retry
from distaff.study.prune import compact, drop_weights, tidy
from distaff.study.select import only
from distaff.study.work import work
from real_studies import results, study_file

STORES = Path(__file__).parent / "stores"
ONE, TWO = "0dc714b465068ea5", "3b9a94f7a5d15b53"  # the runs of the store of format 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    folder = tmp_path_factory.mktemp("finished")
    study = load_study(study_file(folder, ("beta_vae(beta=2)", "dip_vae_i", "beta_vae(beta=1e39)"), 2, 20))
    keep_study(folder / "store", study)
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
        assert store.made(id)["seconds"] > 0
        assert store.curve(id).height > 0
        assert {"mig", "gaussian_total_correlation"} <= {row["metric"] for row in scores(store, id)}


def test_weights_of_an_old_store_still_give_its_scores() -> None:
    from distaff.scoring.score import answers

    store = Store(STORES / "format_1")
    asked = Scoring((METRICS.parse("mig"),), 2_000, 1_000, 10_000)
    found = {(r["representation"], r["metric"]): r["value"] for r in answers(store.run(ONE), store.params(ONE), asked)}
    old = {(r["representation"], r["metric"]): r["value"] for r in scores(store, ONE)}
    for place, name in enumerate(data.load("toy").factors.names):  # parts have carried names since
        for kind in ("mean", "sampled"):
            old[kind, f"mig.{name}"] = old[kind, f"mig.factor_{place}"]
    assert found == pytest.approx({key: old[key] for key in found}, abs=1e-3)


def test_metrics_that_are_added_later_are_all_that_is_asked_of_an_old_store(tmp_path: Path) -> None:
    shutil.copytree(STORES / "format_1", tmp_path / "store")
    store = Store(tmp_path / "store")
    runs = (store.run(ONE), store.run(TWO))
    old = ("mig", "dci", "factor_vae_score(train=2000, test=1000)", "modularity", "gaussian_total_correlation")
    study = Study("later", runs, (*old, "sap"), rows=2_000, test_rows=1_000, cells=10_000)
    todo = plan(study, store)
    assert [str(metric) for ask in todo.unscored for metric in ask.scoring.metrics] == ["sap", "sap"]
    before = results(store.folder)
    work(store, study)
    assert before.items() < results(store.folder).items()
    assert plan(study, store).empty
    rows = Answers(store, scoring(study)).rows(ONE)
    assert len({(row["representation"], row["metric"]) for row in rows}) == len(rows)
    assert {"sap", "dci.completeness"} <= {row["metric"] for row in rows}
    sap = Answers(store, scoring(replace(study, metrics=("sap",)))).rows(ONE)
    assert {row["metric"].partition(".")[0] for row in sap} == {"sap"}, "and not what others asked"
    other_sizes = scoring(replace(study, rows=100))
    assert Answers(store, other_sizes).missing(ONE, [path.name for path in store.run_folder(ONE).iterdir()
                                                     if path.name.startswith("scores-")]) == other_sizes  # fmt: skip


def test_metrics_that_are_added_later_are_put_together_with_the_rest(copy: tuple[Study, Store]) -> None:
    study, store = copy
    more = replace(study, metrics=(*study.metrics, "modularity", "mig(bins=5)"))
    work(store, more)
    id = study.runs[0].id
    assert len(list(store.run_folder(id).glob("scores-*.json"))) == 2
    before = {(r["representation"], r.get("spec", r["metric"]), r["metric"]): r["value"] for r in scores(store, id)}
    assert compact(store) == 4
    assert compact(store) == 0
    after = {(r["representation"], r.get("spec", r["metric"]), r["metric"]): r["value"] for r in scores(store, id)}
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
    (found,) = check(store)
    assert found.path == path
    assert len(mend(store, [found])) == 1
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
        ("scores-*.json", Answers(store, scoring(study)).rows),
        ("provenance.json", store.made),
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
    told = {run.id: reason for run, reason, _ in failures(study, store)}
    assert "model.safetensors is damaged or was edited (its checksum does not fit)" in told[id]
    assert plan(study, store).failed == 3
    mend(store, list(check(store)))
    retry(study, store, frozenset({id}))
    work(store, study)
    assert plan(study, store).failed == 2


def test_a_store_of_a_later_format_is_refused(copy: tuple[Study, Store]) -> None:
    study, store = copy
    path = store.run_folder(study.runs[0].id) / "run.json"
    told = read_json(path)
    told.pop("sha256")
    path.write_bytes(sealed({**told, "format": 99}))
    assert "update distaff" in str([damage.what for damage in check(store)])
    with pytest.raises(DistaffError, match="is no store"):
        list(check(Store(store.folder / "runs")))


def test_two_stores_become_one_and_nothing_is_written_over(copy: tuple[Study, Store], tmp_path: Path) -> None:
    study, store = copy
    one, two, both = (Store(tmp_path / name) for name in ("one", "two", "both"))
    half = frozenset(run.id for run in study.runs[::2])
    merge(store, one, half)
    merge(store, two, {run.id for run in study.runs} - half)
    assert merge(one, both).runs + merge(two, both).runs == 4
    assert results(both.folder) == results(store.folder)
    assert merge(one, both) == (0, 0, [])
    id = next(iter(listing(one).runs))
    (one.run_folder(id) / "provenance.json").write_bytes(sealed({"files": {"model.safetensors": "other"}}))
    assert merge(one, both).different == [id]
    assert list(check(both)) == []


def test_an_export_without_weights_has_scores_and_says_what_is_missing(
    copy: tuple[Study, Store], tmp_path: Path
) -> None:
    study, store = copy
    small = Store(tmp_path / "small")
    assert merge(store, small, only(study, "method=dip_vae_i,seed<1"), weights=False).runs == 1
    (id,) = listing(small).runs
    assert scores(small, id) == scores(store, id)
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
    with pytest.raises(DistaffError, match="is not what was sent"):
        pull(url, Store(_made(tmp_path / "third")))
    with pytest.raises(DistaffError, match=r"has no index\.json"):
        pull("memory://nothing", Store(tmp_path))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_tidying_removes_what_dead_workers_left_and_nothing_else(copy: tuple[Study, Store]) -> None:
    study, store = copy
    before = results(store.folder)
    (store.folder / "runs" / ".0123456789abcdef.4194305-00c0ffee").mkdir()
    (store.folder / "packs").mkdir(exist_ok=True)
    (store.folder / "packs" / ".x.json.4194305-00c0ffee").touch()
    (store.folder / ".gitignore.mine").touch()
    tidy(store, [study])
    assert results(store.folder) == before
    assert not list(store.folder.rglob(".*-00c0ffee"))
    assert (store.folder / ".gitignore.mine").exists()


def test_a_study_is_kept_in_its_store_as_it_is(copy: tuple[Study, Store]) -> None:
    study, store = copy
    assert kept_study(store.folder / "studies" / "small.json") == study


def test_commands_of_the_store_do_what_they_say(
    copy: tuple[Study, Store], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from distaff.commands.store import app

    study, store = copy
    file = study_file(tmp_path, ("beta_vae(beta=2)", "dip_vae_i", "beta_vae(beta=1e39)"), 2, 20)

    def say(*words: str | os.PathLike[str]) -> str:
        app.cli(prog="distaff store", args=[str(word) for word in words])
        return capsys.readouterr().out

    assert "4 runs, every file is as it was written" in say("check", store.folder)
    assert "1 runs and" in say("export", store.folder, tmp_path / "part", file, "--only", "method=dip_vae_i,seed<1")
    assert "0 runs and 0 other" in say("merge", tmp_path / "part", store.folder)
    assert "4 runs sent" in say("push", store.folder, tmp_path / "place")
    assert "4 runs and" in say("pull", tmp_path / "place", tmp_path / "fetched")
    assert "0 files less" in say("compact", store.folder)
    assert "MB are free" in say("prune", store.folder, file)
    edit(store.run_folder(study.runs[0].id) / "run.json")
    with pytest.raises(DistaffError, match="1 damaged files"):
        say("check", store.folder)
    assert "1 set aside" in say("check", store.folder, "--mend")
    with pytest.raises(DistaffError, match="holds other things than a store"):
        say("merge", store.folder, tmp_path)

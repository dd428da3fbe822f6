"""A plug-in that was edited, is of another version or is gone: its runs are known, never damaged, and never mixed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import distaff
from distaff.errors import DistaffError
from distaff.plugins.places import EXTRA_PLUGINS
from distaff.plugins.recorded import recorded
from distaff.plugins.registry import METHODS, METRICS, NETWORKS
from distaff.plugins.source import source_of
from distaff.runs import Optim, Study, cross
from distaff.scoring.notices import notices_of_store, notices_of_study, out_of_date
from distaff.scoring.protocol import protocol_of
from distaff.scoring.table import every_run, read, table
from distaff.seal import digest, sealed
from distaff.store.changes import changes
from distaff.store.check import check, mend, notes
from distaff.store.files import read_json
from distaff.store.merge import merge
from distaff.store.records import run_from_record, run_record, spec_here
from distaff.store.store import Store
from distaff.store.studies import load_or_read_study, read_study, save_study
from distaff.study.plan import plan
from distaff.study.prune import compact
from distaff.study.work import work

METHOD = '''
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="https://example.org"{version})
def mine(out: Outputs, *, power: int = 1, weight: Hyper = 2.0) -> Terms:
    """Mine."""
    return {{"nll": out.nll, "kl": {factor} * weight * out.kl}}
'''
METRIC = '''
from distaff.metrics import Score, metric

@metric(paper="https://example.org", about="factors", rows=100, range=(0, 9){version})
def ours(codes, factors) -> Score:
    """Ours."""
    return Score({value}.0)
'''
STUDY = """
from distaff import Optim, Study, cross
study = Study(name="s", metrics=("ours",), rows=100, test_rows=50, pictures=0, pack=4,
    runs=cross(["toy"], ["beta_vae", "mine(weight=3)"], range(2), network="mlp(latents=2, width=4)", updates=2,
               optim=Optim(lr=1e-3)))
"""


def write_plugins(
    folder: Path, *, factor: int = 1, value: int = 1, version: str = "", metric_version: str = ""
) -> None:
    """Write both plug-ins, and forget what was imported and parsed of them, as another process would."""
    for kind, name, text in (
        ("methods", "mine", METHOD.format(factor=factor, version=version)),
        ("metrics", "ours", METRIC.format(value=value, version=metric_version)),
    ):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        path = folder / kind / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        os.utime(path, ns=(1, factor * 1_000_000 + value * 1_000 + len(version) + len(metric_version)))
    forget()


def forget() -> None:
    for kind, name in (("methods", "mine"), ("metrics", "ours")):
        sys.modules.pop(f"distaff_plugins.{kind}.{name}", None)
    from distaff.store import records

    records._parsed.cache_clear()
    records.parse_cached.cache_clear()


def the_study() -> Study:
    names: dict[str, Study] = {}
    exec(STUDY, names)
    return names["study"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("made")
    write_plugins(folder / "plugins")
    os.environ[EXTRA_PLUGINS] = str(folder / "plugins")
    try:
        save_study(folder / "store", the_study())
        assert work(Store(folder / "store"), the_study()) > 0
        assert plan(the_study(), Store(folder / "store")).done == 4
    finally:
        del os.environ[EXTRA_PLUGINS]
        forget()
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of runs of plug-ins that are not here; with `here` they are."""
    shutil.copytree(made / "store", tmp_path / "store")
    monkeypatch.delenv(EXTRA_PLUGINS, raising=False)
    forget()
    yield Store(tmp_path / "store")
    forget()


@pytest.fixture
def here(made: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the plug-ins as they were, which may be edited."""
    write_plugins(tmp_path / "plugins")
    monkeypatch.setenv(EXTRA_PLUGINS, str(tmp_path / "plugins"))
    return tmp_path / "plugins"


def runs_of_mine(store: Store) -> list[str]:
    return [run.id for run in every_run(store) if run.method.name == "mine"]


def test_runs_whose_plugin_is_gone_are_known_by_what_was_recorded(store: Store) -> None:
    assert METHODS.names() == METHODS.packaged()
    ids = runs_of_mine(store)
    assert len(ids) == 2
    for id in ids:
        run = store.run(id)
        assert (run.id, str(run.method), run.strength) == (id, "mine(weight=3)", ("weight", 3.0))
        assert dict(run.method.values) == {"weight": 3.0, "power": 1}
    assert len({store.run(id).setting.id for id in ids}) == 1
    planned = read_study(store.folder / "studies" / "s.json").runs
    assert {run.id for run in planned} == {run.id for run in every_run(store)}


def test_a_run_is_the_same_with_its_plugin_and_without(
    store: Store, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_plugin = {run.id: run for run in every_run(store)}
    facts = table(read_study(store.folder / "studies" / "s.json"), store)
    monkeypatch.delenv(EXTRA_PLUGINS)
    forget()
    for run in every_run(store):
        other = with_plugin[run.id]
        assert (run.setting.id, run.setting.text, run.strength) == (
            other.setting.id, other.setting.text, other.strength,
        )  # fmt: skip
    numbers = [name for name in facts.columns if name != "about"]  # what a metric is about is in its file
    assert table(read_study(store.folder / "studies" / "s.json"), store).select(numbers).equals(facts.select(numbers))


def test_a_store_whose_plugins_are_gone_is_whole_and_nothing_is_set_aside(store: Store, tmp_path: Path) -> None:
    assert list(check(store)) == []
    assert mend(store, list(check(store))) == []
    assert [line.partition(":")[2] for line in notes(store)] == [" method mine, or that version of it"]
    assert merge(store, Store(tmp_path / "other")).runs == 4
    assert compact(store) == 0
    study = read_study(store.folder / "studies" / "s.json")
    assert plan(study, store).empty
    shutil.rmtree(store.run_folder(runs_of_mine(store)[0]))
    (missing,) = plan(study, store).packs  # which can be counted, but not trained
    assert [run.method.name for run in missing.runs] == ["mine"]


def test_scores_of_a_metric_that_is_gone_are_read(store: Store) -> None:
    study = read_study(store.folder / "studies" / "s.json")
    assert table(study, store).filter(metric="ours")["value"].to_list() == [1.0] * 8
    assert read(store.folder).filter(metric="ours").height == 8
    assert distaff.claims(store.folder, resamples=5).height > 20
    with pytest.raises(DistaffError, match="unknown metric or task 'ours'"):
        protocol_of(study)


def test_a_metric_that_never_was_here_is_refused_and_not_recorded(store: Store, tmp_path: Path) -> None:
    study = replace(read_study(store.folder / "studies" / "s.json"), metrics=("misspelt",))
    for action in (lambda: plan(study, store), lambda: save_study(tmp_path, study)):
        with pytest.raises(DistaffError, match="unknown metric or task 'misspelt'"):
            action()
    assert not (tmp_path / "studies").exists()


def test_a_study_whose_plugin_is_gone_is_shown_as_its_store_has_it(store: Store, tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(STUDY)
    study, note = load_or_read_study(tmp_path / "s.py", store.folder)
    assert len(study.runs) == 4
    assert "unknown method 'mine'" in note
    with pytest.raises(DistaffError, match="unknown method 'mine'"):
        load_or_read_study(tmp_path / "s.py", store.folder, stored=False)
    with pytest.raises(DistaffError, match="unknown method 'mine'"):
        load_or_read_study(tmp_path / "s.py", tmp_path / "nowhere")


def test_records_of_earlier_versions_are_trusted_where_their_plugin_is_gone(store: Store) -> None:
    id = runs_of_mine(store)[0]
    record = {key: value for key, value in run_record(store.run(id)).items() if key != "identities"}
    run = run_from_record(record)
    assert (run.id, run.strength) == (id, ("weight", 3.0))
    assert run.setting.id == run_from_record({**record, "seed": 9, "id": "0" * 16}).setting.id


def test_a_record_of_another_version_of_a_packaged_plugin_is_known_and_an_edited_one_is_refused(store: Store) -> None:
    run = next(run for run in every_run(store) if run.method.name == "beta_vae")
    newer = replace(run.network, identity=run.network.identity.replace('"version":1', '"version":2'))
    old = replace(run, network=newer)
    for record in (run_record(old), {k: v for k, v in run_record(old).items() if k != "identities"}):
        assert run_from_record(record).id == old.id != run.id
        with pytest.raises(DistaffError, match="was edited"):
            run_from_record({**record, "updates": 3})
    from distaff.store.records import require_plugins

    with pytest.raises(DistaffError, match="version 2 of network mlp, and here is version 1"):
        require_plugins(run_from_record(run_record(old)))


def test_a_recorded_plugin_has_its_values_and_refuses_an_identity_of_another(here: Path) -> None:
    for registry, text in ((METHODS, "mine(power=3, weight=1)"), (NETWORKS, "mlp(width=8)"), (METHODS, "beta_vae")):
        spec = registry.parse(text)
        known = recorded(registry.kind, str(spec), spec.identity)
        assert (known.text, known.identity, known.strength) == (spec.text, spec.identity, spec.strength)
        assert dict(known.values).items() <= dict(spec.values).items(), "without what stands at its `since` value"
    with pytest.raises(DistaffError, match="is not the identity of"):
        recorded("method", "beta_vae(beta=4)", METHODS.parse("mine").identity)
    for text in ("__import__('os').system('x')", "f(1)", "a.b", "(", "f(x=y)"):
        with pytest.raises(DistaffError, match="is not a method"):
            recorded("method", text)


def test_the_text_of_a_plugin_is_recorded_and_kept(store: Store, made: Path) -> None:
    text = (made / "plugins" / "methods" / "mine.py").read_bytes()
    for id in runs_of_mine(store):
        assert store.provenance(id)["plugins"] == {"method mine": digest(text)}
    assert (store.folder / "plugins" / "methods" / f"mine-{digest(text)[:16]}.py").read_bytes() == text
    (kept,) = (store.folder / "plugins" / "metrics").iterdir()
    assert digest(kept.read_bytes()).startswith(kept.stem.removeprefix("ours-"))
    assert "plugins" not in store.provenance(next(r.id for r in every_run(store) if r.method.name == "beta_vae"))
    kept.write_bytes(b"edited")
    assert [damage.path for damage in check(store)] == [kept]


def test_an_edited_plugin_is_named_with_its_runs_and_what_to_do(store: Store, here: Path) -> None:
    study = the_study()
    assert plan(study, store).empty
    assert changes(study, store) == []
    write_plugins(here, factor=7)
    (line,) = changes(study, store)
    ids = sorted(runs_of_mine(store))
    assert line.startswith(f"{here / 'methods' / 'mine.py'} was edited: 2 runs (")
    assert all(id in line for id in ids)
    assert "raise version= in its decorator line" in line
    assert str(store.folder / "plugins" / "methods" / "mine-") in line
    assert changes(study, store, frozenset(run.id for run in study.runs) - set(ids)) == []
    write_plugins(here, value=7)
    (line,) = changes(study, store)
    assert "4 runs" in line
    assert "metric ours" in line


def test_a_setting_of_two_texts_is_said(store: Store, here: Path) -> None:
    assert notices_of_store(store, every_run(store)) == []
    id = runs_of_mine(store)[0]
    path = store.run_folder(id) / "provenance.json"
    made = {key: value for key, value in read_json(path).items() if key != "sha256"}
    path.write_bytes(sealed({**made, "plugins": {"method mine": "f" * 64}}))
    (line,) = notices_of_store(store, every_run(store))
    assert "toy, mine(weight=3)" in line
    assert "mixes runs of 2 texts of method mine" in line
    logged: list[str] = []
    distaff.table(store.folder, log=logged.append)
    assert logged == [line]


def test_versions_of_a_metric_are_never_mixed(store: Store, here: Path) -> None:
    write_plugins(here, value=5, metric_version=", version=2")
    study = the_study()
    assert len(plan(study, store).unscored) == 4
    (line,) = out_of_date(study, store)
    assert "scores of ours of version 1 (4 runs) are left out: version 2 is here" in line
    assert table(study, store).filter(metric="ours").is_empty()
    assert read(store.folder).filter(metric="ours")["value"].unique().to_list() == [1.0], "all are of one version"
    work(store, replace(study, runs=study.runs[:1]))
    for scores in (read(store.folder), table(study, store)):
        assert scores.filter(metric="ours")["value"].unique().to_list() == [5.0]
        assert scores.filter(metric="ours")["id"].unique().to_list() == [study.runs[0].id]
    (line,) = notices_of_store(store, every_run(store))
    assert "scores of ours of version 1 (4 runs) are left out: the table has those of version 2" in line
    assert compact(store) == 0, "and a file holds one version alone"
    assert len(notices_of_study(study, store)) == 1


def test_the_highest_version_stands_in_a_table_where_none_is_here(store: Store) -> None:
    id = runs_of_mine(store)[0]
    (path,) = store.run_folder(id).glob("scores-*.json")
    record = {key: value for key, value in read_json(path).items() if key != "sha256"}
    for version in (2, 10, 9):
        identity = METRICS.parse("mig").identity.replace('"version":1', f'"version":{version}').replace("mig", "ours")
        asked = {**record["asked"], "metrics": {"ours": identity}}
        rows = [{**row, "value": float(version)} for row in record["scores"]]
        name = f"scores-{digest(identity.encode())[:16]}.json"
        (path.parent / name).write_bytes(sealed({**record, "asked": asked, "scores": rows}))
    assert read(store.folder).filter(metric="ours")["value"].unique().to_list() == [10.0]


def test_what_was_imported_is_recorded_and_not_what_the_file_says_since(here: Path) -> None:
    from distaff.plugins.source import imported_source

    METHODS.function("mine")
    before = source_of(METHODS, "mine")
    path = here / "methods" / "mine.py"
    path.write_text(METHOD.format(factor=99, version=""))
    now = imported_source(METHODS, "mine")
    assert before is not None
    assert now is not None
    assert now[0].sha256 == before.sha256 != digest(path.read_bytes())
    assert source_of(METHODS, "beta_vae") is None


def test_a_spec_that_is_not_here_is_none_and_is_looked_for_again_in_other_folders(store: Store, here: Path) -> None:
    assert spec_here(METHODS, "mine") is not None
    del os.environ[EXTRA_PLUGINS]
    assert spec_here(METHODS, "mine") is None
    os.environ[EXTRA_PLUGINS] = str(here)


def test_a_replaced_file_of_data_is_refused_in_one_line(tmp_path: Path) -> None:
    import numpy as np

    from distaff.study.run import run_study

    def save(seed: int) -> None:
        images = np.random.default_rng(seed).integers(0, 256, (8, 16, 16, 1), dtype=np.uint8)
        factors = np.ascontiguousarray(np.indices((2, 4)).reshape(2, -1).T)
        np.savez(tmp_path / "own.npz", images=images, factors=factors)

    save(0)
    dataset = f"arrays(images={str(tmp_path / 'own.npz')!r})"
    one = cross([dataset], ["beta_vae"], range(1), network="mlp(latents=2, width=4)", updates=2, optim=Optim(lr=1e-3))
    study, store = Study("own", one, ("mig",), rows=20, test_rows=10, pictures=0), Store(tmp_path / "store")
    save_study(store.folder, study)
    work(store, study)
    assert plan(study, store).done == 1
    os.utime(tmp_path / "own.npz")  # touched, and the same: nothing is said
    assert run_study(study, store).empty
    save(1)
    with pytest.raises(
        DistaffError, match=r"own\.npz is not the data that 1 run \(.*\) of own was trained on"
    ) as caught:
        run_study(study, store)
    assert "\n" not in str(caught.value)
    with pytest.raises(DistaffError, match="is not the data that"):
        distaff.train(one[0], store)


def output(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[str, str]:
    from distaff.commands.study import app

    app.cli(prog="distaff study", args=[str(word) for word in words])
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_commands_say_that_a_plugin_was_edited_and_show_a_study_without_it(
    store: Store, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.py").write_text(STUDY)
    out, err = output(capsys, "run", tmp_path / "s.py", "--out", store.folder)
    assert "nothing to do: 4 of 4 runs" in out
    assert err == ""
    write_plugins(here, factor=7)
    for command in ("run", "status", "plan"):
        out, err = output(capsys, command, tmp_path / "s.py", "--out", store.folder)
        assert "4 of 4 runs" in out
        assert err.startswith(f"{here / 'methods' / 'mine.py'} was edited: 2 runs")
        assert err.count("\n") == 1
    monkeypatch.delenv(EXTRA_PLUGINS)
    forget()
    out, err = output(capsys, "status", tmp_path / "s.py", "--out", store.folder)
    assert "4 of 4 runs trained and scored, 0 failed" in out
    assert "unknown method 'mine'" in err
    with pytest.raises(DistaffError, match="unknown method 'mine'"):
        output(capsys, "run", tmp_path / "s.py", "--out", store.folder)

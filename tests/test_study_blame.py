"""One run that raises never fails its pack, one metric never its run: the others have the bits that they have alone."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from distaff.scoring.table import table
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.faults.deaths import Deaths, cause_of_death, died
from distaff.study.faults.failures import failures, forget_deaths, retry, summary_lines
from distaff.study.plan import plan
from distaff.study.stop import Stop
from distaff.study.train_pack import train
from distaff.study.work import work
from real_studies import leftovers, results, study_file, undisturbed

RAISING = '''
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="https://example.org")
def raising(out: Outputs, *, weight: Hyper = 1.0, after: int = 999_999) -> Terms:
    """One that raises from an update on."""
    if float(out.step) >= after:
        {what}
    return {{"nll": out.nll, "kl": weight * out.kl}}
'''
HEALTHY = ("beta_vae(beta=1)", "beta_vae(beta=4)", "dip_vae_i")


def plugin(folder: Path, monkeypatch: pytest.MonkeyPatch, what: str = 'raise ValueError("a mistake")') -> None:
    path = folder / "plugins" / "methods" / "raising.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RAISING.format(what=what))
    monkeypatch.setenv("DISTAFF_PLUGINS", str(folder / "plugins"))
    monkeypatch.delitem(sys.modules, "distaff_plugins.methods.raising", raising=False)


@pytest.mark.parametrize("bad", [("raising(after=23)",), ("raising(after=0)", "raising(after=23)")])
def test_a_run_that_raises_fails_alone_and_its_pack_trains_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: tuple[str, ...]
) -> None:
    plugin(tmp_path, monkeypatch)
    healthy = study_file(tmp_path, HEALTHY, 2, 40, pack=8, name="healthy")
    file, store = study_file(tmp_path, (*HEALTHY, *bad), 2, 40, pack=8), Store(tmp_path / "store")
    work(store, load_study(file))
    found, alone = results(store.folder), undisturbed(healthy, tmp_path / "twin")
    assert {name: content for name, content in found.items() if name.startswith("runs/")} == alone
    failed = failures(load_study(file), store)
    assert sorted(str(one.run.method) for one in failed) == sorted(2 * [*map(shown, bad)])
    for one in failed:
        record = json.loads((store.folder / "failed" / f"{one.name}.json").read_text())
        assert "ValueError: a mistake" in record["reason"]
        assert "raising.py" in record["trace"]
        late = dict(one.run.method.values)["after"] == 23
        assert (one.checkpoint is not None) == late
        assert not late or (store.folder / str(one.checkpoint)).is_file(), "what was done is kept"
    assert plan(load_study(file), store).failed == len(failed)


def shown(method: str) -> str:
    return method.replace("(after=23)", "(weight=1, after=23)").replace("(after=0)", "(weight=1, after=0)")


def test_a_run_whose_plugin_was_mended_goes_on_where_it_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(tmp_path, monkeypatch, what='raise ValueError("a mistake") if not BREAK else None')
    path = tmp_path / "plugins" / "methods" / "raising.py"
    path.write_text(path.read_text().replace("not BREAK", f"not __import__('os').path.exists({str(tmp_path / 'ok')!r})"
                                             ).replace("raise ValueError", "_ = None; exec").replace(
        '("a mistake") if', '("raise ValueError(\'a mistake\')") if'))  # fmt: skip
    file, store = study_file(tmp_path, ("beta_vae", "raising(after=23)"), 1, 40, pack=2), Store(tmp_path / "store")
    study = load_study(file)
    work(store, study)
    assert plan(study, store).failed == 1
    (tmp_path / "ok").touch()
    retry(study, store)
    steps = count_updates(monkeypatch)
    work(store, study)
    assert plan(study, store).complete
    assert steps == list(range(23, 40)), "no update before it is computed again"
    assert leftovers(store.folder) == []
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")


def count_updates(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The updates that are computed from now on, by number."""
    from distaff.training import fit

    steps: list[int] = []
    real = fit.take_step

    def counted(pack: Any, state: Any, passes: Any) -> Any:
        steps.append(state.step)
        return real(pack, state, passes)

    monkeypatch.setattr(fit, "take_step", counted)
    return steps


def test_a_run_that_kills_its_workers_is_found_and_its_pack_trains_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distaff.study import train_pack

    plugin(tmp_path, monkeypatch, what="pass")
    healthy = study_file(tmp_path, ("beta_vae", "dip_vae_i"), 2, 20, pack=8, name="healthy")
    file, store = study_file(tmp_path, ("beta_vae", "dip_vae_i", "raising"), 2, 20, pack=8), Store(tmp_path / "store")
    study, deadly = load_study(file), 0
    real, deadly_id = train_pack._train_subpack, [run.id for run in study.runs if run.method.name == "raising"][1]

    def dies(store: Store, job: Any, subpack: Any, *rest: Any) -> None:
        if deadly_id in {run.id for run in subpack.runs}:  # the worker is gone, and its parent records so
            Deaths.of(store.folder, job.name).add(subpack.name, subpack.step, "killed by SIGSEGV")
            raise KeyboardInterrupt
        real(store, job, subpack, *rest)

    monkeypatch.setattr(train_pack, "_train_subpack", dies)
    while plan(study, store).packs:
        try:
            train(store, plan(study, store).packs[0], Stop())
        except KeyboardInterrupt:
            deadly += 1
            assert deadly < 10, "it is found at last"
    assert deadly == 7, "three of the pack, two of its method, two of itself"
    work(store, study)
    (failed,) = failures(study, store)
    assert (failed.run.id, failed.kind) == (deadly_id, "died")
    assert "workers in a row died at it without progress (killed by SIGSEGV)" in failed.reason
    (line,) = summary_lines(study, store, plan(study, store), "small.py")
    assert line.startswith("1 failed (died), first raising(weight=1) on toy, seed 1: 2 workers in a row died at it")
    alone = undisturbed(healthy, tmp_path / "twin")
    assert {name: content for name, content in results(store.folder).items() if name in alone} == alone
    assert forget_deaths(study, store) == 1, "the next command tries it again"
    monkeypatch.setattr(train_pack, "_train_subpack", real)
    work(store, study)
    assert plan(study, store).complete


def test_deaths_without_a_witness_are_nobodys_fault_and_cost_ever_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leases of owners that vanished with their command, machine or process group: fifty of them."""
    from distaff.study import work as working
    from distaff.study.leases import host

    file, store = study_file(tmp_path, ("beta_vae",), 1, 20), Store(tmp_path / "store")
    (job,) = plan(load_study(file), store).packs
    (store.folder / "claims").mkdir(parents=True)
    for number in range(50):
        owner = {"owner": "x", "host": host(), "pid": 2**22 + 1, "advance": 0}
        (store.folder / "claims" / f"{job.name}.{number}").write_text(json.dumps(owner) + "\n.....")
    seconds = []
    real = working.train

    def watched(store: Store, job: Any, stop: Any, limits: Any, *rest: Any) -> None:
        seconds.append(limits.checkpoint_seconds)
        real(store, job, stop, limits, *rest)

    monkeypatch.setattr(working, "train", watched)
    work(store, load_study(file))
    assert plan(load_study(file), store).complete
    assert seconds == [30.0 / 2**5], "checkpoints come sooner where lives are short"
    assert leftovers(store.folder) == []


def test_progress_of_any_size_clears_the_count_of_deaths(tmp_path: Path) -> None:
    for _ in range(2):
        Deaths.of(tmp_path, "job").add("runs", 100, "killed by SIGKILL")
    assert Deaths.of(tmp_path, "job").at("runs", 100) == 2
    assert Deaths.of(tmp_path, "job").at("runs", 101) == 0
    Deaths.of(tmp_path, "job").add("runs", 101, "killed by SIGKILL")
    assert Deaths.of(tmp_path, "job").at("runs", 101) == 1


def test_a_request_to_end_is_no_death() -> None:
    assert [died(code) for code in (0, 130, 2, -15, -2, -1, -14)] == [False] * 7
    assert all(died(code) for code in (-9, -11, -6, -7))
    assert cause_of_death(-11, True, False, ["Fatal Python error"]) == (
        "killed by SIGSEGV, while memory was short: Fatal Python error"
    )


def test_a_plugin_that_ends_the_process_or_a_data_set_that_raises_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(tmp_path, monkeypatch, what="raise SystemExit(0)")
    (tmp_path / "plugins" / "data").mkdir()
    (tmp_path / "plugins" / "data" / "broken.py").write_text(
        "from distaff.data import Dataset, dataset\n\n\n@dataset(source='', licence='')\ndef broken() -> Dataset:\n"
        '    """Broken."""\n    raise RuntimeError("no images today")\n'
    )
    file, store = study_file(tmp_path, ("beta_vae", "raising(after=0)"), 1, 20, pack=2), Store(tmp_path / "store")
    file.write_text(file.read_text().replace('["toy"]', '["toy", "broken"]'))
    work(store, load_study(file))
    found = {
        (str(one.run.dataset), one.run.method.name): (one.kind, one.reason) for one in failures(load_study(file), store)
    }
    assert found[("toy", "raising")] == ("error", "a plug-in calls sys.exit(0)")
    assert found[("broken", "beta_vae")] == found[("broken", "raising")]
    kind, reason = found[("broken", "beta_vae")]
    assert kind == "data"
    assert "RuntimeError: no images today" in reason
    assert plan(load_study(file), store).done == 1


METRIC = '''
from typing import Any
from distaff.metrics import Score, metric
{first}
@metric(paper="https://example.org", rows=10_000, range=(0, 1))
def {name}(codes: Any, factors: Any) -> Score:
    """Mine."""
    import os
    if not os.path.exists({ok!r}):
        raise ZeroDivisionError("a mistake in my metric")
    return Score(0.25)
'''


def test_a_metric_that_raises_is_a_failed_row_and_all_others_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plugins" / "metrics"
    folder.mkdir(parents=True)
    ok = str(tmp_path / "ok")
    (folder / "mine.py").write_text(METRIC.format(name="mine", first="", ok=ok))
    (folder / "torn.py").write_text(METRIC.format(name="torn", first="import no_such_module_anywhere", ok=ok))
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path / "plugins"))
    plain, store = study_file(tmp_path, ("beta_vae",), 1, 20, name="plain"), Store(tmp_path / "store")
    file = study_file(tmp_path, ("beta_vae",), 1, 20)
    file.write_text(file.read_text().replace('("mig",', '("mine", "mig", "torn",'))
    study, twin = load_study(file), Store(tmp_path / "twin")
    work(store, study)
    work(twin, load_study(plain))
    now = plan(study, store)
    assert (now.done, now.failed, now.empty) == (0, 1, True)
    (run,) = study.runs
    (path,) = store.run_folder(run.id).glob("scores-*.json")
    record, (of_twin,) = json.loads(path.read_text()), twin.run_folder(run.id).glob("scores-*.json")
    assert path.name == of_twin.name, "the file is that of the metrics which were evaluated"
    failed = [row for row in record["scores"] if row.get("failed")]
    assert {(row["metric"], row["representation"], row["value"]) for row in failed} == {
        (name, kind, None) for name in ("mine", "torn") for kind in ("mean", "sampled")
    }
    (reason,) = {row["reason"] for row in failed if row["metric"] == "mine"}
    assert "ZeroDivisionError: a mistake in my metric" in reason
    assert [row for row in record["scores"] if not row.get("failed")] == json.loads(of_twin.read_text())["scores"]
    (failure,) = failures(study, store)
    assert re.search(
        "scoring: mine: .*ZeroDivisionError: a mistake in my metric.*; torn: .*ModuleNotFound", failure.reason
    )
    assert table(study, store).filter(metric="mine")["value"].to_list() == [None, None]
    (tmp_path / "ok").touch()
    (folder / "torn.py").write_text(METRIC.format(name="torn", first="", ok=ok))
    sys.modules.pop("distaff_plugins.metrics.torn", None)
    retry(study, store)
    work(store, study)
    assert plan(study, store).complete
    assert table(study, store).filter(metric="mine")["value"].to_list() == [0.25, 0.25], "the failed row is outlived"
    assert sorted(os.listdir(store.folder / "failed")) == []


def test_a_picture_that_fails_is_left_out_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distaff.pictures import draw

    def fails(*_: Any) -> None:
        raise RuntimeError("no colours left")

    monkeypatch.setattr(draw, "moving", fails)
    file, store = study_file(tmp_path, ("beta_vae",), 1, 20), Store(tmp_path / "store")
    work(store, load_study(file))
    assert plan(load_study(file), store).complete
    (folder,) = (store.folder / "runs").iterdir()
    assert sorted(path.name for path in folder.glob("picture-*")) == ["picture-factors.png", "picture-images.png"]
    (path,) = folder.glob("scores-*.json")
    assert json.loads(path.read_text())["left_out"] == {"picture-latents.gif": "RuntimeError: no colours left"}
    assert leftovers(store.folder) == []

"""A report is made once: again only where what it says would change, and it clears away what it wrote before."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from distaff.reports.build import report
from distaff.reports.origin import origin
from distaff.reports.report_folder import RECORD_FILE, replacing, unchanged
from distaff.store.store import Store
from distaff.store.studies import load_study
from small_store import METHODS, small_store

STUDY = """
from distaff.runs import Optim, Study, run

study = Study(
    "small",
    tuple(run("toy", m, "mlp(width=32, latents=4)", updates=20, optim=Optim(lr=3e-3)) for m in {methods}),
    metrics=("mig", "modularity"), rows=500, test_rows=200,
)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    """The file of a study and its store, with a report."""
    folder = tmp_path_factory.mktemp("kept")
    file = folder / "small.py"
    file.write_text(STUDY.format(methods=METHODS))
    store = small_store(folder / "store", updates=20)
    report(file, store, formats=())
    return file, store


def stamp(store: Store) -> int:
    return (store.folder / "report" / "index.html").stat().st_mtime_ns


def test_a_report_of_an_unchanged_store_is_left_as_it_is(made):
    file, store = made
    before, lines = stamp(store), []
    assert report(file, store, formats=(), log=lines.append) == store.folder / "report" / "index.html"
    assert stamp(store) == before
    assert lines == ["the report is up to date"]


def test_a_damaged_page_is_mended_and_an_order_obeyed(made):
    file, store = made
    page = store.folder / "report" / "runs.html"
    whole = page.read_text()
    page.write_text(whole.replace("Runs", "Ruin"))
    report(file, store, formats=())
    assert page.read_text() == whole
    before = stamp(store)
    report(file, store, formats=(), force=True)
    assert stamp(store) != before


def test_whatever_changes_what_a_report_says_changes_its_origin(made):
    file, store = made
    study = load_study(file)
    folder = store.run_folder(study.runs[0].id)
    known = [origin(study, store, "run", ())]

    def changed() -> bool:
        known.append(origin(study, store, "run", ()))
        return known[-1] not in known[:-1]

    assert not changed()
    (folder / "picture-mine.png").write_bytes(b"1")
    assert changed()
    (folder / "scores-more.json").write_bytes(b"{}")
    assert changed()
    (folder / "scores-more.json").write_bytes(b"{")
    assert changed()
    (folder / "scores-more.json").unlink()
    store.fail(study.runs[0], "not finite from update 300 on")
    assert changed()
    store.fail(study.runs[0], "not finite from update 400 on")
    assert changed()
    (folder / ".scores.json.part").write_bytes(b"{")  # being written
    assert not changed()
    for other in ({"purpose": "another"}, {"metrics": ("mig",)}, {"runs": study.runs[1:]}, {"rows": 400}):
        assert origin(replace(study, **other), store, "run", ()) not in known
    assert origin(study, store, "run", ("svg",)) not in known
    assert origin(study, store, "another", ()) not in known
    (folder / "picture-mine.png").unlink()
    (store.folder / "failed" / f"{study.runs[0].id}.json").unlink()


def test_a_file_that_is_gone_or_edited_or_no_record_is_no_report(tmp_path):
    def written() -> Path:
        with replacing(tmp_path, {"of": 1}) as aside:
            (aside / "a.html").write_text("a")
        assert unchanged(tmp_path, {"of": 1})
        return tmp_path / "a.html"

    assert not unchanged(tmp_path, {"of": 1})
    written().unlink()
    assert not unchanged(tmp_path, {"of": 1})
    written().write_text("b")
    assert not unchanged(tmp_path, {"of": 1})
    written()
    assert not unchanged(tmp_path, {"of": 2})
    for bad in ("{", "[]", "{}", '{"from": {"of": 1}, "files": ["a.html"]}'):
        (tmp_path / RECORD_FILE).write_text(bad)
        assert not unchanged(tmp_path, {"of": 1})


def test_files_of_an_earlier_report_go_and_others_stay(made):
    file, store = made
    folder, text = store.folder / "report", file.read_text()
    (folder / "note.html").write_text("mine")
    report(file, store, formats=("svg",))
    drawn = list((folder / "figures").glob("*.svg"))
    drawn[0].write_text("edited by hand")
    file.write_text(text.replace(METHODS[-1], "beta_vae(beta=9)"))
    report(file, store, formats=())
    assert not (folder / f"method-{METHODS[-1]}.html").exists()
    assert list((folder / "figures").glob("*.svg")) == drawn[:1]
    assert (folder / "note.html").read_text() == "mine"
    assert len(drawn) > 1
    file.write_text(text)


def test_after_an_error_the_earlier_report_stands(tmp_path):
    with replacing(tmp_path, {"of": 1}) as aside:
        (aside / "figures").mkdir()
        (aside / "figures" / "a.svg").write_text("a")
    with pytest.raises(FileNotFoundError), replacing(tmp_path, {"of": 2}) as aside:
        (aside / "b.svg").rename(aside / "c" / "b.svg")
    assert unchanged(tmp_path, {"of": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", RECORD_FILE]


def test_a_record_from_elsewhere_names_no_file_outside_its_folder(tmp_path):
    inside = tmp_path / "report"
    (tmp_path / "mine.txt").write_text("x")
    with replacing(inside, {}) as aside:
        (aside / "a.txt").write_text("x")
    record = json.loads((inside / RECORD_FILE).read_text())
    record["files"] |= {"../mine.txt": record["files"]["a.txt"], str(tmp_path / "mine.txt"): record["files"]["a.txt"]}
    (inside / RECORD_FILE).write_text(json.dumps(record))
    with replacing(inside, {}):
        pass
    assert (tmp_path / "mine.txt").exists()
    assert not (inside / "a.txt").exists()

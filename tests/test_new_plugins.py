"""A plug-in that `distaff new` writes passes its checks as it is, trains, is scored and drawn in a study."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from distaff.commands.new import new
from distaff.errors import DistaffError
from distaff.plugins.registry import KINDS
from distaff.testing import checks_of, outcomes
from distaff.testing.files import BY_KIND, plugin_meant
from distaff.testing.new_plugin import text_of
from distaff.testing.suites import path_of

TOP = Path(__file__).parent.parent
EXAMPLE = re.compile(r"### [^\n]*`src/distaff/([\w/]+)/(\w+)\.py`\n\n```python\n(.*?)```", re.DOTALL)
STUDY = """
from distaff.runs import Optim, Study, run

study = Study(
    "new",
    tuple(
        run("a_dataset", method, "a_network(width=8, latents=3)", "a_critic(width=4)", seed=seed, updates=4, batch=8)
        for method in ("a_method", "factor_vae")
        for seed in (0, 1)
    ),
    metrics=("a_metric", "a_task"), rows=100, test_rows=50,
)
"""


@pytest.fixture(autouse=True)
def no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTAFF_PLUGINS", "")


def failures(kind: str, name: str) -> list[str]:
    """What does not hold of a plug-in."""
    found = [one for one in outcomes(checks_of(kind, name), path_of(kind, name)) if one.status != "passed"]
    return [f"{one.check}: {one.reason}" for one in found if one.status == "failed"]


@pytest.mark.parametrize("kind", sorted(BY_KIND))
def test_what_contributing_shows_is_checked_and_is_what_new_writes(kind: str, tmp_path: Path) -> None:
    examples = {folder: (name, code) for folder, name, code in EXAMPLE.findall((TOP / "CONTRIBUTING.md").read_text())}
    assert set(examples) == {registry.folder for registry in KINDS.values()}, "an example a kind"
    name, code = examples[BY_KIND[kind].folder]
    assert code == text_of(kind, name), "run make lists"
    path = tmp_path / f"{name}.py"  # in no folder of plug-ins: its kind follows from its decorator
    path.write_text(code)
    assert plugin_meant(str(path)) == (kind, name)
    assert len(checks_of(kind, name)) > 5
    assert not failures(kind, name)


def test_one_of_each_kind_is_used_in_a_study_from_training_to_report(tmp_path: Path) -> None:
    for kind in BY_KIND:
        new(kind, f"a_{kind}", tmp_path / "plugins" / BY_KIND[kind].plural)
    (tmp_path / "study.py").write_text(STUDY)
    environment = {**os.environ, "DISTAFF_PLUGINS": str(tmp_path / "plugins")}

    def distaff(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "distaff", *words],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    distaff("study", "run", "study.py", "--out", "store", "--workers", "1")
    distaff("report", "study.py", "--out", "store")
    folder = tmp_path / "store" / "report"
    page = (folder / "index.html").read_text("utf-8")
    assert 'id="a_figure-a_dataset"' in page, "the figure is drawn"
    assert "a metric" in page
    numbers = (folder / "figures" / "a_figure-a_dataset.csv").read_text()
    assert "a_method" in numbers
    listed = distaff("list", "all")
    assert all(f"a_{kind}" in listed for kind in BY_KIND)
    assert "author = {Author and Author}" in distaff("cite", "a_method")


def test_new_prints_how_to_check_what_it_wrote(tmp_path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    new("method", "thrifty")
    assert (tmp_path / "plugins" / "methods" / "thrifty.py").is_file()
    assert "DISTAFF_PLUGINS=plugins distaff check thrifty" in capsys.readouterr().out
    new("methods", "thrifty", tmp_path / "elsewhere")
    assert f"distaff check {tmp_path}/elsewhere/thrifty.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("method", "beta_vae", "there is a method beta_vae already"),
        ("method", "2fast", "is no name of a function"),
        ("method", "my-idea", "is no name of a function"),
        ("method", "class", "is no name of a function"),
        ("method", "_hidden", "is no name of a function"),
        ("method", "../up", "is no name of a function"),
        ("method", "MyIdea", "write 'myidea'"),
        ("method", "terms", "already"),
        ("metric", "math", "means something else"),
        ("dataset", "grid", "means something else"),
        ("metod", "mine", "Did you mean 'method'"),
    ],
)
def test_names_that_cannot_be_are_refused_with_what_is_right(kind: str, name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "terms.py").write_text("mine")
    with pytest.raises(DistaffError, match=re.escape(words)):
        new(kind, name, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["terms.py"]
    assert (tmp_path / "terms.py").read_text() == "mine"

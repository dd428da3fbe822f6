"""The pages of the data sets match the code, and their examples run."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from distaff.data.cache.built import FOLDER
from distaff.plugins.registry import DATASETS

DOCS = Path(__file__).parent.parent / "docs" / "data"
_spec = importlib.util.spec_from_file_location("make", DOCS / "make.py")
assert _spec is not None
assert _spec.loader is not None
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_every_data_set_has_a_page():
    assert set(make.names()) == set(DATASETS.names())
    assert {path.stem for path in DOCS.glob("*.md")} - {"README"} == set(DATASETS.names())


@pytest.mark.parametrize("name", make.names())
def test_a_page_is_generated_from_the_code(name):
    written = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert written == make.page(name), "run make lists"
    for picture in re.findall(r"\]\((pictures/.*?)\)", written):
        assert (DOCS / picture).exists()


def test_the_list_of_pages_is_generated_from_the_code():
    assert (DOCS / "README.md").read_text(encoding="utf-8") == make.contents()


@pytest.mark.parametrize("name", sorted(make.EXAMPLES))
def test_the_example_of_a_page_runs(name, capsys):
    for example in re.findall(r"```python\n(.*?)```", make.EXAMPLES[name], re.DOTALL):
        exec(compile(example, f"{name}.md", "exec"), {})
    assert capsys.readouterr().out

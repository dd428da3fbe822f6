"""In the tree a new plug-in is its one file: every list, page, label, colour and check follows from it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from distaff.testing.files import BY_KIND
from distaff.testing.new_plugin import text_of

TOP = Path(__file__).parent.parent
FOUND = """
import re, sys
from pathlib import Path
sys.path[:0] = ["docs", "docs/data"]
import lists, made, make
from distaff.analysis.marks import marks
from distaff.plugins.registry import KINDS
from distaff.reports.charts.figure_files import figures
from distaff.reports.charts.theme import label, looks, metric_label
from distaff.share.cite import bibtex
from distaff.testing import checks_of

top = Path.cwd()
assert not [path for path, text in lists.lists(top).items() if path.read_text("utf-8") != text]
for registry in KINDS.values():
    name = f"a_{registry.kind}"
    assert name in registry.packaged(), name
    checks = checks_of(registry.kind, name)
    assert len(checks) > 5
    for check in checks[:3]:  # tests/test_new_plugins.py calls them all
        check()
    if registry.kind in ("method", "metric", "task", "figure"):
        module = "reports" if registry.kind == "figure" else registry.plural
        assert f"import {name} as {name}" in (top / "src" / "distaff" / module / "__init__.py").read_text("utf-8")
made.plugins(top)
assert all(f"## a_{r.kind}\\n" in (top / f"list_{r.plural}.md").read_text("utf-8") for r in KINDS.values())
assert "| `a_method` | A sparse VAE (Author and Author, 2026), Eq. 1 |" in (top / "docs/methods.md").read_text("utf-8")
assert "(a_metric.md)" in (top / "docs/metrics/README.md").read_text("utf-8")
assert "| size | 4 | 2 to 5 pixels |" in make.page("a_dataset")
assert "(a_dataset.md)" in make.contents()
assert label("a_method") == "a method" and "a method" in looks(["a_method", "beta_vae"])
assert metric_label("a_metric") == "a metric" and marks("a_metric").about == "factors"
assert marks("a_task").about == "task"
assert "a_figure" in figures(study=False)
assert "author = {Author and Author}" in bibtex([KINDS["methods"].plugin("a_method")])
assert "%" not in bibtex([KINDS[kind].plugin(f"a_{kind[:-1]}") for kind in ("methods", "metrics", "tasks")])
"""


def module_of(path: Path) -> ModuleType:
    """A program of docs, imported."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_generated_from_plug_ins_is_current() -> None:
    lists = module_of(TOP / "docs" / "lists.py").lists()
    assert len(lists) == 7
    for path, text in lists.items():
        assert path.read_text("utf-8") == text, f"{path.name}: run make lists"


def test_a_new_plug_in_of_each_kind_is_its_one_file(tmp_path: Path) -> None:
    shutil.copytree(TOP / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TOP / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("_made", "__pycache__"))
    shutil.copy(TOP / "CONTRIBUTING.md", tmp_path)
    (tmp_path / "tests").symlink_to(TOP / "tests")
    for kind, registry in BY_KIND.items():
        name = f"a_{kind}"
        (tmp_path / "src" / "distaff" / registry.folder / f"{name}.py").write_text(text_of(kind, name))
    (tmp_path / "docs" / "metrics" / "a_metric.md").write_text("# a metric\n")  # its one page
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "DISTAFF_PLUGINS": ""}
    for command in (["docs/lists.py"], ["-c", FOUND]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

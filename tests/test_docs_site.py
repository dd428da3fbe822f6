"""The site builds without a warning, its pages hold what they point at, and their examples run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("myst_nb", reason="the site needs its extra: pip install 'distaff[docs]'")
pytest.importorskip("furo", reason="the site needs its extra: pip install 'distaff[docs]'")
ROOT = Path(__file__).parent.parent


def test_the_site_builds_without_a_warning_and_every_picture_is_there(tmp_path: Path) -> None:
    for name in ("docs", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("_made"))
    quick = ["-D", "nb_execution_mode=off", "-D", "quick=1"]  # the tutorial has a test of its own
    command = [sys.executable, "-m", "sphinx", "-W", "-q", *quick, str(tmp_path / "docs"), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    pages = sorted((tmp_path / "site").rglob("*.html"))
    names = {page.relative_to(tmp_path / "site").as_posix() for page in pages}
    assert {"index.html", "show.html", "explore.html", "theory.html", "theory/index.html", "metrics/dci.html"} <= names
    assert {"_made/first_steps.html", "_made/list_methods.html", "_made/list_metrics.html"} <= names
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'src="(https?:)?//', text), f"{page.name} needs a network"
        for link in re.findall(r'(?:src|href)="([^"#?]+)', text):
            assert ":" in link or (page.parent / link).exists(), f"{page.name} points at {link}"


def test_the_example_of_the_theory_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "theory.md").read_text("utf-8"), re.DOTALL)
    exec(compile(example, "theory.md", "exec"), {})
    assert float(capsys.readouterr().out) < 0.9

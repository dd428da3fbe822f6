"""What README, CONTRIBUTING and the page of plug-ins show works as it stands; examples of plug-ins are elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_readmes_python_runs(tmp_path: Path) -> None:
    blocks = PYTHON.findall((TOP / "README.md").read_text(encoding="utf-8"))
    assert len(blocks) > 1
    for code in blocks:
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        numbers = done.stdout.split()
        assert numbers
        assert all(0 < float(number) <= 1 for number in numbers)


def test_every_command_that_the_readme_names_is_there() -> None:
    text = (TOP / "README.md").read_text(encoding="utf-8")
    words = {tuple(line.split()[1:3]) for line in re.findall(r"distaff \w[^`\n]*", text)}
    for word, second in {w for w in words if len(w) == 2 and w[0] != "runs"}:
        group = [word, second] if word in ("study", "data", "store") else [word]
        done = subprocess.run(
            [sys.executable, "-c", "from distaff.cli import main; main()", *group, "--help"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (group, done.stderr)


def test_the_test_that_contributing_shows_passes(tmp_path: Path) -> None:
    (code,) = (block for block in PYTHON.findall((TOP / "CONTRIBUTING.md").read_text("utf-8")) if "checks_of" in block)
    (tmp_path / "test_mine.py").write_text(code, encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_mine.py")]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_example_of_the_page_of_plug_ins_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = PYTHON.findall((TOP / "docs" / "plugins.md").read_text("utf-8"))
    exec(compile(example, "plugins.md", "exec"), {})
    assert capsys.readouterr().out.count("passed") > 5

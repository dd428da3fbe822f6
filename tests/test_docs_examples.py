"""What the README and CONTRIBUTING show works as it stands there."""

from __future__ import annotations

import os
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


@pytest.mark.parametrize(("kind", "use"), [
    ("methods", "from distaff.plugins.registry import METHODS as R; print(R.parse('mine'), R.function('mine'))"),
    ("metrics", "from distaff.plugins.registry import METRICS as R; print(float(R.function('mine')(None, None)))"),
    ("data", "from distaff.data import load; print(len(load('mine')))"),
])  # fmt: skip
def test_a_plug_in_of_contributing_is_found_in_a_folder_of_ones_own(kind: str, use: str, tmp_path: Path) -> None:
    text = (TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"distaff/{kind}/mine\.py`\n\n```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / kind).mkdir()
    (tmp_path / kind / "mine.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "DISTAFF_PLUGINS": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", use], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()

"""The examples in the pages of the metrics that learn are run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "metrics"


@pytest.mark.parametrize("name", ["dci", "sap", "explicitness", "beta_vae_score"])
def test_the_example_of_the_page_runs(name, capsys):
    examples = re.findall(r"```python\n(.*?)```", (FOLDER / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, f"{name}.md", "exec"), {})
    assert capsys.readouterr().out

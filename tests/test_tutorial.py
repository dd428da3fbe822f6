"""The tutorial runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks are not installed: pip install 'distaff[docs]'")
nbclient = pytest.importorskip("nbclient", reason="notebooks are not installed: pip install 'distaff[docs]'")
NOTEBOOK = Path(__file__).parent.parent / "examples" / "first_steps.ipynb"


def test_the_tutorial_runs_to_its_end() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "it is kept without outputs, which would go stale"
    whole = sum(cell.source.count("UPDATES = 2_000") for cell in notebook.cells)
    assert whole == 1
    for cell in notebook.cells:
        cell.source = cell.source.replace("UPDATES = 2_000", "UPDATES = 100")
    done = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    printed = "".join(output.get("text", "") for output in outputs)
    assert "the method explains" in printed
    assert "rank correlation" in printed

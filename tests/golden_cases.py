"""The golden arrays, as the tests read them: codes [n d], factors [n f], and what the reference made of them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in (FOLDER / "cases").glob("[!s]*__*.npz")) + sorted(
    path.stem for path in (FOLDER / "cases").glob("smallnorb__*.npz")
)
SMALL = {"tiny": 300}


@functools.cache
def read(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


@functools.cache
def arrays(case: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / "cases" / f"{case}.npz") as stored:
        return {key: stored[key] for key in stored.files}


def case(name: str, size: str = "full") -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], dict[str, Any]]:
    """codes [n d] in float32, factors [n f], the stored arrays of this size by name, and the scores."""
    stored = arrays(name)
    n = stored["mus_train"].shape[1] if size == "full" else SMALL.get(name.split("__", maxsplit=1)[0], 2000)
    results = {key.removeprefix(f"{size}."): value for key, value in stored.items() if key.startswith(f"{size}.")}
    scores = read("golden")["cases"][name][size]["scores"]
    return stored["mus_train"].T[:n], stored["ys_train"].T[:n].astype(np.int64), results, scores

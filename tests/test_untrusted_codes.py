"""Arrays of strangers in `distaff score`: a table of scores, or one line that says what does not fit."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distaff.commands.score import score
from distaff.errors import DistaffError

N = 24
RNG = np.random.default_rng(0)
FACTORS = np.stack([np.arange(N) % 3, np.arange(N) % 4], axis=1)
CODES = (FACTORS + 0.1 * RNG.standard_normal(FACTORS.shape)).astype(np.float32)
SHAPES = [(), (0,), (0, 2), (N,), (N, 0), (N, 2, 2), (1, 2), (2, 2), (N + 1, 2), (2, N), (1, 1, 1, 1, 1)]
KINDS = ["?", "i1", "u1", "i8", "u8", "f2", "f4", "f8", ">f8", "g", "c8", "S3", "U3"]
NUMBERS = [np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.0]


def arrays_of(name: str, like: np.ndarray) -> list[dict[str, Any]]:
    """Files in which the array `name` has every shape, every type, and numbers at the edge of what there is."""
    cases: list[dict[str, Any]] = [{name: np.ones(shape)} for shape in SHAPES]
    cases += [{name: np.ones(like.shape).astype(kind)} for kind in KINDS]
    for number in NUMBERS:
        edge = like.astype(np.float64)
        edge[3] = number
        cases += [{name: edge}, {name: np.full(like.shape, number)}]
    return cases


CASES = [
    *arrays_of("codes", CODES),
    *arrays_of("factors", FACTORS),
    *arrays_of("logvar", CODES),
    *arrays_of("images", np.arange(N)),
    *(
        {"factors": factors}
        for factors in (FACTORS - 2**62, np.full((N, 2), 2**63 - 1), np.full((N, 2), 2**64 - 1, "u8"))
    ),
    *(
        {"factors": np.array(text)[np.arange(N) % 2][:, None]}
        for text in (["", "a"], ["[/red]", "[b]"], ["\x1b[2J", "\n"])
    ),
    *(
        {"names": np.array(names)}
        for names in (["a"], ["a", "a"], ["", ""], ["[/x]", "[b]"], ["a\x1b[2J", "\n"], [1, 2])
    ),
    *(
        {"names": np.array(names)}
        for names in ([b"\xff", b"b"], [["a", "b"]], "ab", ["x" * 100_000, "b"], [0.5, np.nan])
    ),
    {"line_codes": CODES},
    {"line_factors": FACTORS},
    {"line_logvar": CODES},
    *({"line_codes": np.ones(shape), "line_factors": FACTORS} for shape in SHAPES),
    *({"line_codes": CODES, "line_factors": np.ones(shape)} for shape in SHAPES),
    *(
        {"line_codes": CODES, "line_factors": FACTORS, "logvar": CODES, "line_logvar": np.ones(shape)}
        for shape in SHAPES
    ),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_arrays_of_any_form_are_scored_or_refused_in_one_line(number: int, tmp_path: Path, capfd) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers that no file of this kind can hold, as they are made
        np.savez(tmp_path / "a.npz", **{"codes": CODES, "factors": FACTORS, **CASES[number]})
    try:
        score(tmp_path / "a.npz", ("mig", "modularity", "gaussian_total_correlation"), quick=True)
    except DistaffError as error:
        said = str(error)
        assert len(said.splitlines()) == 1
    else:
        said = capfd.readouterr().out
        assert "mig" in said
    assert "\x1b[2J" not in said

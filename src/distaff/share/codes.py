"""The codes of a run as one npz file, for any tool that scores arrays."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from distaff.atomic import write
from distaff.plugins.registry import TASKS
from distaff.scoring.grid_codes import encode_grid
from distaff.trained import Model

FILE = "codes.npz"
GRID_ROWS = 100_000  # what a study encodes of a larger grid


def to_codes(model: Model, goal: Path, grid_rows: int = GRID_ROWS) -> list[Path]:
    """Write codes.npz in the folder `goal`: the rows that a study evaluates, so that scores of the file are the run's.

    It holds `codes` [n d] (means), `logvar` [n d], `factors` [n f], their `names` [f], and `images` [n], the grid row
    that each row shows. Of a grid of more than `grid_rows` rows it also holds `line_codes`, `line_logvar` and
    `line_factors`: whole lines of the grid, for the tasks that intervene.
    """
    encoded = encode_grid(model, grid_rows, [TASKS.parse("fairness")])
    arrays = {
        "codes": encoded.codes.mean,
        "logvar": encoded.codes.logvar,
        "factors": encoded.factors.to_numpy(),
        "names": np.array(encoded.factors.columns),
        "images": encoded.images,
    }
    if encoded.line_codes is not None and encoded.line_factors is not None:
        arrays |= {
            "line_codes": encoded.line_codes.mean,
            "line_logvar": encoded.line_codes.logvar,
            "line_factors": encoded.line_factors.to_numpy(),
        }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    path = goal / FILE
    write(path, content.getvalue())
    return [path]

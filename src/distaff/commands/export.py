"""`distaff export`: a trained run for people without distaff."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from distaff.errors import DistaffError

if TYPE_CHECKING:
    from distaff.trained import Model


def export(
    run: Annotated[str, tyro.conf.Positional],
    /,
    to: str = "huggingface",
    store: Path = Path("out"),
    out: Path | None = None,
    grid_rows: int = 100_000,
    trust: bool = False,
) -> None:
    """Write a trained run as ONNX files, as the folder of a Hugging Face repository with a model card, or as its codes.

    `--to codes` writes codes.npz, which `distaff score` scores like the run itself.

    Example: distaff export c093ed08 --to onnx --store out/quick

    Args:
        run: a run's folder, its id, or the first digits of it.
        to: huggingface, onnx or codes.
        store: where to look for an id: a store, or a folder with stores in it.
        out: the folder to write to; by default out/export/ID.
        grid_rows: of codes, how many rows of a larger grid are encoded.
        trust: run the plug-in files that the store carries and this machine lacks; read them before.
    """
    from distaff.commands.find_run import find_run
    from distaff.errors import at_least, unknown
    from distaff.share.codes import to_codes
    from distaff.share.huggingface import to_huggingface
    from distaff.share.load import load
    from distaff.share.onnx import to_onnx
    from distaff.share.plugins import with_plugins_of

    forms: dict[str, Callable[[Model, Path], list[Path]]] = {
        "huggingface": to_huggingface,
        "onnx": to_onnx,
        "codes": partial(to_codes, grid_rows=grid_rows),
    }
    at_least(1, grid_rows=grid_rows)
    if to not in forms:
        raise unknown("form", to, forms)
    if (Path(run) / "run.json").is_file():  # in a store or not
        folder = Path(run).resolve()
    else:
        holder, id = find_run(run, store)
        folder = holder.run_folder(id)
    target = out or Path("out/export") / folder.name
    try:
        with with_plugins_of(folder.parent.parent, trust, partial(print, file=sys.stderr)):
            written = forms[to](load(folder), target)
    except OSError as error:
        raise DistaffError(f"{target} cannot be written to: {error}") from error
    for path in written:
        print(path)

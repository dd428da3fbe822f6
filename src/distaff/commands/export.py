"""`distaff export`: a trained run for people who have no distaff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from distaff.errors import DistaffError


def export(
    run: Annotated[str, tyro.conf.Positional],
    /,
    to: str = "huggingface",
    store: Path = Path("out"),
    out: Path | None = None,
) -> None:
    """Write a trained run as ONNX files, or as the folder of a Hugging Face repository with a model card.

    Example: distaff export c093ed08 --to onnx --store out/quick

    Args:
        run: a run's folder, its id, or the first digits of it.
        to: huggingface or onnx.
        store: where ids are looked for: a store, or a folder with stores in it.
        out: the folder to write to; by default out/export/ID.
    """
    from distaff.commands.find_run import find_run
    from distaff.errors import unknown
    from distaff.share.huggingface import to_huggingface
    from distaff.share.load import load
    from distaff.share.onnx import to_onnx

    forms = {"huggingface": to_huggingface, "onnx": to_onnx}
    if to not in forms:
        raise unknown("form", to, forms)
    if (Path(run) / "run.json").is_file():  # in a store or not
        folder = Path(run).resolve()
    else:
        found, id = find_run(run, store)
        folder = found.run_folder(id)
    goal = out or Path("out/export") / folder.name
    try:
        written = forms[to](load(folder), goal)
    except OSError as error:
        raise DistaffError(f"{goal} cannot be written to: {error}") from error
    for path in written:
        print(path)

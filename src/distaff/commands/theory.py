"""`distaff theory`: Theorem 1, carried out."""

from __future__ import annotations

from pathlib import Path


def theory(run: str | None = None, store: Path = Path("out"), out: Path = Path("out/theory")) -> None:
    """Show Theorem 1 of Locatello et al. (2019) on priors and on a trained model, as a page that opens from disk.

    Example: distaff theory

    Args:
        run: the folder of a run, its id, or the first digits of its id; without one a small model of toy is trained.
        store: where to look for an id: a store, or a folder of stores.
        out: the folder of the page.
    """
    from distaff.commands.find_run import find_run
    from distaff.theory.page import build

    if run is not None:
        holder, id = find_run(run, store)
        model = holder.model(id)
    else:
        from distaff.theory.example import trained

        model = trained()
    print(build(model, out))

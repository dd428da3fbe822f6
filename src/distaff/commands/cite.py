"""`distaff cite`: the papers of what was used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def cite(*what: Annotated[str, tyro.conf.Positional]) -> None:
    """Print the BibTeX of exactly what a study used: its methods, metrics and tasks, data sets, and distaff.

    Example: distaff cite studies/quick.py

    Args:
        what: studies (Python files), or names and specifications such as factor_vae or "dci(seed=1)".
    """
    from distaff.errors import DistaffError
    from distaff.share.cite import bibtex, named, used
    from distaff.store.studies import load_study

    if not what:
        raise DistaffError("name a study or a plug-in, as in: distaff cite studies/quick.py dci")
    plugins = [plugin for text in what for plugin in (used(load_study(Path(text))) if ".py" in text else [named(text)])]
    print(bibtex(plugins))

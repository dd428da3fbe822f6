"""evidence/dsprites/README.md, from what is kept."""

from __future__ import annotations

from pathlib import Path

from dsprites.keep import Kept


def write_page(folder: Path, kept: Kept) -> None:
    """Write the page of what `folder` holds."""
    (folder / "README.md").write_text(f"# dSprites\n\n{len(kept.runs)} runs.\n", encoding="utf-8")

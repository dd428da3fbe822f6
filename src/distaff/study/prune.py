"""A smaller store: weights dropped, files of scores put together, and what interrupted work left behind removed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from distaff.plugins.registry import content_id
from distaff.runs import Study
from distaff.store.files import read_json, sealed, write
from distaff.store.store import FORMAT, Store
from distaff.study.leases import Claims
from distaff.study.plan import listing

ASIDE = re.compile(r"\..+\.\d+-[0-9a-f]{8}")  # what `write` calls a file until it is whole


def drop_weights(store: Store, ids: Iterable[str]) -> int:
    """Remove the weights of runs; curves, scores and checksums stay. Returns the bytes that are free now."""
    paths = [store.run_folder(id) / "model.safetensors" for id in ids]
    sizes = [(path, path.stat().st_size) for path in paths if path.exists()]
    for path, _ in sizes:
        path.unlink()
    return sum(size for _, size in sizes)


def compact(store: Store) -> int:
    """Put the files of scores of each run together, those that were asked of as many rows; returns how many went."""
    gone = 0
    for id in sorted(listing(store).runs):
        told = {path: read_json(path) for path in sorted(store.run_folder(id).glob("scores-*.json"))}
        groups: dict[tuple[int, ...], list[Path]] = {}
        for path, content in told.items():
            if "asked" in content:  # format 1 does not say what was asked; such files stay
                groups.setdefault(_sizes(content["asked"]), []).append(path)
        for paths in groups.values():
            if len(paths) > 1:
                gone += _put_together(store, id, [told[path] for path in paths], paths)
    return gone


def tidy(store: Store, studies: Sequence[Study]) -> None:
    """Remove what dead workers left: claims, files that were never finished, resume points of packs that are there.

    Where anybody lives and works on the store, it is left alone.
    """
    from distaff.study.plan import chunks, pack_id

    claims = Claims(store.folder / "claims")
    claims.tidy()
    if claims.held():
        return
    for place in (store.folder, *(store.folder / name for name in ("runs", "failed", "packs", "studies"))):
        for path in (path for path in place.glob(".*.*") if ASIDE.fullmatch(path.name)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    there = listing(store)
    done = there.runs | there.failed
    for study in studies:
        for chunk in chunks(study):
            if all(run.id in done for run in chunk):
                for path in (store.folder / "packs").glob(f"{pack_id(chunk)}[.-]*"):
                    path.unlink()


def _put_together(store: Store, id: str, contents: list[dict[str, Any]], paths: list[Path]) -> int:
    metrics: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for content in contents:
        fresh = {text: identity for text, identity in content["asked"]["metrics"].items() if text not in metrics}
        rows += [row for row in content["scores"] if _text(row) in fresh]
        metrics |= fresh
    asked = {**contents[0]["asked"], "metrics": metrics}
    path = store.run_folder(id) / f"scores-{content_id([list(metrics.values()), *_sizes(asked)])}.json"
    made = {"put_together": [content["made"] for content in contents]}
    write(path, sealed({"format": FORMAT, "run": id, "asked": asked, "made": made, "scores": rows}))
    old = [other for other in paths if other != path]
    for other in old:
        other.unlink()
    return len(old) - (path not in paths)


def _text(row: dict[str, Any]) -> str:
    return str(row.get("spec", row["metric"].partition(".")[0]))


def _sizes(asked: dict[str, Any]) -> tuple[int, ...]:
    return asked["rows"], asked["test_rows"], asked["cells"]

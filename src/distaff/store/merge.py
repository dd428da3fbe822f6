"""Two stores into one, and a part of a store as a store of its own; nothing that is there is ever written over.

The other store may be a stranger's. Only regular files that lie in it are read, of the names that a store has; what is
not as it was written is reported and not copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from distaff.atomic import publish_folder, write
from distaff.errors import DistaffError
from distaff.seal import NewerFormatError, digest, unsealed
from distaff.store.aside import folder_aside
from distaff.store.check import Damage, run_damages
from distaff.store.files import UnreadableError, content_of
from distaff.store.formats import opened, readable
from distaff.store.store import Store
from distaff.untrusted.regular import read_bytes

WEIGHTS = "model.safetensors"
ID = re.compile(r"[0-9a-f]{16}")
OF_A_RUN = re.compile(
    r"run\.json|provenance\.json|curve\.parquet|model\.safetensors|scores-[0-9a-f]{16}\.json|picture-[a-z]+\.(png|gif)"
)
PICTURE = re.compile(r"picture-[a-z]+\.(png|gif)")
BESIDE_RUNS = {  # by folder: the names of its files
    "failed": re.compile(r"[0-9a-f]{16}(-[0-9a-f]{16})?\.json"),
    "studies": re.compile(r"[^./\\][^/\\]*\.json"),
    ".": re.compile(r"untrained-[\w-]+\.json"),
}
PLUGINS = re.compile(r"[A-Za-z]\w*-([0-9a-f]{16})\.py")
PLUGIN_FOLDERS = ("data", "networks", "critics", "methods", "metrics", "tasks")


class Merged(NamedTuple):
    """What was copied, runs that both stores have with different weights, and what was not copied as it is damaged."""

    runs: int
    files: int
    different: list[str]
    damaged: list[Damage]


def merge(source: Store, target: Store, ids: Iterable[str] | None = None, weights: bool = True) -> Merged:
    """Copy the runs of `source` (those of `ids`), their scores, failures and studies to `target`.

    A run that `target` has already keeps its files and only gets the scores that it lacks, and those only if its
    weights are the same: scores of other weights are not its own. Every file is checked before it is copied. Raises
    `DistaffError` where either store is of a later format, and nothing has been written then.
    """
    opened(source.folder)
    readable(target)
    _refuse_links(source.folder)
    requested = None if ids is None else frozenset(ids)
    names = sorted(path.name for path in (source.folder / "runs").iterdir() if ID.fullmatch(path.name))
    copied, different, damages = [0, 0], [], []
    with folder_aside(target) as aside:
        for id in (name for name in names if requested is None or name in requested):
            contents, wrong = _contents(source.run_folder(id), weights)
            wrong += [Damage(source.run_folder(id) / name, problem) for name, problem in run_damages(id, contents)]
            if wrong:
                damages += wrong
            elif not target.has(id):
                _add(target, id, contents, aside)
                copied[0] += 1
            elif _weights(source, id, unsealed(contents["provenance.json"])) != _weights(
                target, id, target.provenance(id)
            ):
                different.append(id)
            else:
                copied[1] += _add_missing(target.run_folder(id), contents)
        for path, content in _beside_runs(source, damages):
            inside = path.relative_to(source.folder)
            if _is_wanted(inside, requested, target) and not (target.folder / inside).exists():
                write(target.folder / inside, content)
                copied[1] += 1
    return Merged(copied[0], copied[1], different, damages)


def _refuse_links(folder: Path) -> None:
    """Raise `DistaffError` where the runs of a store are a link out of it: another's must not lead to files of ours."""
    if not (folder / "runs").resolve().is_relative_to(folder.resolve()):
        raise DistaffError(f"{folder / 'runs'} is a link out of the store: name the store that holds the runs itself")


def _contents(folder: Path, weights: bool = True) -> tuple[dict[str, bytes], list[Damage]]:
    """The files of a run that a store knows by name, and what of them is no file of the run's own."""
    if folder.is_symlink() or not folder.is_dir():
        return {}, [Damage(folder, "it is a link, and not the folder of a run")]
    contents: dict[str, bytes] = {}
    wrong: list[Damage] = []
    for path in sorted(folder.iterdir()):
        if OF_A_RUN.fullmatch(path.name) and (weights or path.name != WEIGHTS):
            content = _content(path, wrong)
            if content is not None:
                contents[path.name] = content
    return contents, wrong


def _content(path: Path, wrong: list[Damage]) -> bytes | None:
    try:
        return content_of(path, follow=False)
    except FileNotFoundError:
        return None
    except UnreadableError as error:
        wrong.append(Damage(path, str(error)))
        return None


def _add(target: Store, id: str, contents: Mapping[str, bytes], aside: Path) -> None:
    """Let the folder of a run appear whole, filled in the folder aside."""
    for name, content in contents.items():
        write(aside / id / name, content)
    try:
        publish_folder(aside / id, target.run_folder(id))
    except OSError:
        if not target.has(id):  # if it is there, another process was first, with the same numbers
            raise


def _add_missing(folder: Path, contents: Mapping[str, bytes]) -> int:
    """The scores and pictures that a run lacks."""
    wanted = [name for name in contents if name.startswith("scores-") or PICTURE.fullmatch(name)]
    missing = [name for name in wanted if not (folder / name).exists()]
    for name in missing:
        write(folder / name, contents[name])
    return len(missing)


def _beside_runs(source: Store, damages: list[Damage]) -> Iterator[tuple[Path, bytes]]:
    """Records and plug-ins beside the runs, each checked; those that are damaged are added to `damages`."""
    places = BESIDE_RUNS | {f"plugins/{kind}": PLUGINS for kind in PLUGIN_FOLDERS}
    for place, pattern in places.items():
        folder = source.folder / place
        if not folder.is_dir() or not folder.resolve().is_relative_to(source.folder.resolve()):
            continue
        for path in sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name)):
            content = _content(path, damages)
            if content is None:
                continue
            try:
                if named := PLUGINS.fullmatch(path.name):
                    if not digest(content).startswith(named[1]):
                        raise DistaffError("its checksum does not match")
                else:
                    unsealed(content)
            except NewerFormatError:
                raise
            except ValueError as error:
                damages.append(Damage(path, str(error)))
                continue
            yield path, content


def _is_wanted(inside: Path, requested: frozenset[str] | None, target: Store) -> bool:
    """Whether a record is to be copied: a failure is not where the run is there by now, or was not requested."""
    if inside.parts[0] != "failed":
        return True
    id, scoring = inside.stem.partition("-")[::2]
    return (requested is None or id in requested) and (bool(scoring) or not target.has(id))


def _weights(store: Store, id: str, provenance: Mapping[str, Any]) -> str | None:
    """The checksum of a run's weights, which its provenance keeps when the weights themselves are gone."""
    recorded = provenance.get("files", {}).get(WEIGHTS)
    if recorded is not None:
        return str(recorded)
    path = store.run_folder(id) / WEIGHTS
    return digest(read_bytes(path)) if path.exists() else None

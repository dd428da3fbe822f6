"""Plug-in files that travel in a store: shown and named, and run only where a person trusts them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from distaff.errors import DistaffError
from distaff.plugins.places import EXTRA_PLUGINS
from distaff.plugins.registry import KINDS
from distaff.untrusted.regular import read_bytes

FOLDER = "plugins"  # of a store: KIND/NAME-HASH.py, with the first sixteen digits of the file's SHA-256
FILE = re.compile(r"([a-z_][a-z0-9_]*)-([0-9a-f]{16})\.py")
LARGEST = 2**22  # bytes of a plug-in


class CarriedPlugin(NamedTuple):
    """A plug-in file of a store, of a kind (in the plural) and a name that nothing here has."""

    kind: str
    name: str
    digits: str
    path: Path


def carried_plugins(store: Path) -> list[CarriedPlugin]:
    """The plug-ins that the store in folder `store` carries and this machine lacks; nothing is read of their files."""
    carried = []
    for kind, registry in KINDS.items():
        paths = sorted((store / FOLDER / kind).glob("*.py"))
        named = [(match, path) for path in paths if (match := FILE.fullmatch(path.name))]
        here = set(registry.names()) if named else set()
        carried += [CarriedPlugin(kind, match[1], match[2], path) for match, path in named if match[1] not in here]
    return carried


@contextlib.contextmanager
def with_plugins_of(store: Path, trust: bool = False, log: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Within this context the plug-ins that a store carries and this machine lacks are there, if `trust` is given.

    Without it they are named to `log`, and nothing of them runs. Raises `DistaffError` for a file that does not have
    the hash of its name, and for two versions of one plug-in.
    """
    carried = carried_plugins(store)
    if not carried:
        yield
        return
    if not trust:
        files = ", ".join(f"{one.name} ({one.path})" for one in carried)
        log(f"{store} carries plug-ins that are not here: {files}; read them, and --trust runs them")
        yield
        return
    before = os.environ.get(EXTRA_PLUGINS)
    with TemporaryDirectory(prefix="distaff-plugins-") as folder:
        for one in carried:
            _copy_checked(one, Path(folder))
            log(f"trusted: {one.path}")
        os.environ[EXTRA_PLUGINS] = os.pathsep.join(filter(None, (before, folder)))
        try:
            yield
        finally:
            if before is None:
                del os.environ[EXTRA_PLUGINS]
            else:
                os.environ[EXTRA_PLUGINS] = before


def _copy_checked(one: CarriedPlugin, folder: Path) -> None:
    """Copy the file to where a plug-in of its kind and name is looked for, if it is what its name says."""
    content = read_bytes(one.path, LARGEST)
    if hashlib.sha256(content).hexdigest()[:16] != one.digits:
        raise DistaffError(
            f"{one.path} does not have the hash of its name: it was edited since it was kept, and is not run"
        )
    target = folder / one.kind / f"{one.name}.py"
    if target.exists():
        raise DistaffError(
            f"{one.path.parent} holds two versions of {one.name}: put the one that you trust into a folder of yours, "
            f"as {one.kind}/{one.name}.py, and set {EXTRA_PLUGINS} to that folder"
        )
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(content)

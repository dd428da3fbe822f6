"""The checks of all plug-ins of a kind that the package brings: a new one is checked from the moment it is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from distaff.plugins.file import REQUIRED
from distaff.plugins.registry import KINDS
from distaff.testing import Check, checks_of

VALUES = {  # for those that need some
    "arrays": None,  # files of one's own: tests/test_data_arrays.py
    "correlated": "correlated(dataset='toy', pairs=(('posX', 'posY'),), sigma=0.2)",
}


def texts(plural: str) -> list[str]:
    """The names of all of a kind, or one with values where a parameter has no default."""
    registry = KINDS[plural]
    names = registry.packaged()
    needy = {name for name in names if any(p.default is REQUIRED for p in registry.plugin(name).parameters)}
    return [text for name in names if (text := VALUES.get(name) if name in needy else name)]


def every_check(plural: str, names: Iterable[str] | None = None) -> Any:
    """A parametrisation by the checks of all plug-ins of a kind, or of some."""
    kind = KINDS[plural].kind
    checks: list[Check] = [check for text in names or texts(plural) for check in checks_of(kind, text)]
    return pytest.mark.parametrize("check", checks, ids=[f"{check.plugin}-{check}" for check in checks])

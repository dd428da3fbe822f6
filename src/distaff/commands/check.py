"""`distaff check`: whether a plug-in keeps to what ours keep to."""

from __future__ import annotations

from typing import Annotated

import tyro


def check(*what: Annotated[str, tyro.conf.Positional], kind: str = "") -> None:
    """Check plug-ins: all that our own are tested for. Exit status 1 if something does not hold; --traceback shows why.

    Examples: distaff check my_idea.py; distaff check mig; distaff check "downstream(learner='trees')"

    Args:
        what: files of plug-ins, in whatever folder, or names, with parameters or without.
        kind: dataset, network, critic, method, metric, task or figure, where plug-ins of several kinds have that name.
    """
    from distaff.errors import DistaffError

    if not what:
        raise DistaffError("name a plug-in or its file, as in: distaff check my_idea.py")
    held = [_holds(text, kind) for text in what]
    if not all(held):
        raise SystemExit(1)


def _holds(text: str, kind: str) -> bool:
    """Print the report of one plug-in; whether everything holds."""
    import os
    import time
    from collections import Counter

    from distaff.testing.files import plugin_meant
    from distaff.testing.suites import checks_of, outcomes, path_of

    shown = os.environ.get("DISTAFF_TRACEBACK", "") not in ("", "0")  # by --traceback, which all commands have
    kind, name = plugin_meant(text, kind)
    path, start = path_of(kind, name), time.monotonic()
    print(f"{kind} {name}  ({path})\n")
    counts: Counter[str] = Counter()
    for outcome in outcomes(checks_of(kind, name, inapplicable=True), path):
        counts[outcome.status] += 1
        reason = f": {outcome.reason}" if outcome.reason else ""
        print(f"{outcome.status:8} {outcome.check.name.replace('_', ' ')}{reason}", flush=True)
        if shown and outcome.error is not None:
            print(outcome.traceback)
    summary = ", ".join(f"{counts[status]} {status}" for status in ("passed", "failed", "skipped"))
    print(f"\n{kind} {name}: {summary} in {time.monotonic() - start:.1f} s\n")
    return not counts["failed"]

"""`distaff WORD ...`: finds the command of the word; a mistake that a person can mend is one line and exit status 2."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import tyro
from tyro.extras import SubcommandApp

from distaff.commands import (
    check,
    cite,
    claims,
    data,
    explore,
    export,
    list_plugins,
    new,
    report,
    score,
    show,
    store,
    study,
    theory,
    train,
)
from distaff.errors import DistaffError

GROUPS = {  # words with commands of their own
    "data": (data.app, "List, fetch and show data sets."),
    "study": (study.app, "Plan, run and follow a study."),
    "store": (store.app, "Check, merge, share and shrink the results of studies."),
}

app = SubcommandApp()
app.command(name="list")(list_plugins.list_plugins)
for command in (
    train.train,
    score.score,
    show.show,
    export.export,
    report.report,
    claims.claims,
    cite.cite,
    check.check,
    new.new,
    explore.explore,
    theory.theory,
):
    app.command(command)


def _group(name: str) -> None:
    group, description = GROUPS[name]

    def command(word: Annotated[str, tyro.conf.Positional] = "--help", /) -> None:
        group.cli(prog=f"distaff {name}", description=description, args=[word])

    command.__doc__ = f"{description} `distaff {name} --help` lists its commands."
    app.command(name=name)(command)


for word in GROUPS:
    _group(word)


def _run() -> None:
    if sys.argv[1:2] and sys.argv[1] in GROUPS:
        group, description = GROUPS[sys.argv[1]]
        group.cli(prog=f"distaff {sys.argv[1]}", description=description, args=sys.argv[2:])
    else:
        app.cli(prog="distaff", description="Large studies of disentangled representations.")


def main() -> None:
    """Run the command that the arguments name."""
    try:
        try:
            _run()
        finally:
            sys.stdout.flush()
    except DistaffError as error:
        print(f"distaff: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader has closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        print("distaff: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)

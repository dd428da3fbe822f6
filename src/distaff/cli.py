"""`distaff WORD ...`: finds the command of the word; a mistake that a person can mend is one line and exit status 2.

With `--traceback` anywhere among the words, or DISTAFF_TRACEBACK=1, the traceback behind that line is shown above it.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Annotated, NoReturn

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
from distaff.untrusted.markup import printable
from distaff.untrusted.reading import one_line
from distaff.weather import described

GROUPS = {  # words with commands of their own
    "data": (data.app, "List, fetch and show data sets."),
    "study": (study.app, "Plan, run and follow a study."),
    "store": (store.app, "Check, merge, share and shrink the results of studies."),
}

LONGEST = 2000  # characters of a message
TRACEBACK = "DISTAFF_TRACEBACK"  # environment variable, so that workers know it too

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


HELP = "With --traceback, any command shows the traceback behind the line that states a mistake."


def _group(name: str) -> None:
    group, description = GROUPS[name]

    def command(word: Annotated[str, tyro.conf.Positional] = "--help", /) -> None:
        group.cli(prog=f"distaff {name}", description=description, args=[word])

    command.__doc__ = f"{description} `distaff {name} --help` lists its commands."
    app.command(name=name)(command)


for word in GROUPS:
    _group(word)


def _run(words: list[str]) -> None:
    if words[:1] and words[0] in GROUPS:
        group, description = GROUPS[words[0]]
        group.cli(prog=f"distaff {words[0]}", description=description, args=words[1:])
    else:
        app.cli(prog="distaff", description=f"Large studies of disentangled representations. {HELP}", args=words)


def _end(reason: str) -> NoReturn:
    """Print why, on one line in which nothing moves the cursor, and exit with status 2."""
    print(f"distaff: {printable(one_line(reason, LONGEST))}", file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """Run the command that the arguments name."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be UTF-8
    try:
        try:
            _run(_words(sys.argv[1:]))
        finally:
            sys.stdout.flush()
    except DistaffError as error:
        if os.environ.get(TRACEBACK, "") not in ("", "0"):
            traceback.print_exception(error)
        _end(str(error))
    except BrokenPipeError:  # the reader has closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:  # of the machine: no room, no right, no such folder
        named = f"{error.filename}: " if error.filename else ""
        _end(f"{named}{described(error)}")
    except KeyboardInterrupt:
        print("distaff: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)


def _words(words: list[str]) -> list[str]:
    """The words of the command line without the one option that all commands have."""
    if "--traceback" not in words:
        return words
    os.environ[TRACEBACK] = "1"
    return [word for word in words if word != "--traceback"]

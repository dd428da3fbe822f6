"""The command line that trains a run by itself, whatever study it was part of."""

from __future__ import annotations

import re
import shlex
from dataclasses import asdict

from distaff.runs import CRITIC_OPTIM, Optim, Run

ALWAYS = ("lr",)  # of the optimiser: written even where it is the default


def command(run: Run) -> str:
    """`distaff train ...` for a shell, which trains the run that has the id of `run`."""
    return " ".join(["distaff", "train", *map(_quoted, arguments(run))])


def arguments(run: Run) -> list[str]:
    """The arguments of `distaff train`: settings that are left out stand at their defaults."""
    plain = Run(run.dataset, run.method, run.network)
    words = [str(run.dataset), str(run.method), "--network", str(run.network)]
    words += ["--critic", str(run.critic)] if run.critic else []
    words += ["--seed", str(run.seed), "--updates", str(run.updates)]
    words += _options("", run.optim, plain.optim, ALWAYS)
    words += _options("critic-optim.", run.critic_optim, CRITIC_OPTIM) if run.critic else []
    for name in ("batch", "precision"):
        if getattr(run, name) != getattr(plain, name):
            words += [f"--{name}", str(getattr(run, name))]
    return words


def _options(prefix: str, optim: Optim, default: Optim, always: tuple[str, ...] = ()) -> list[str]:
    usual = asdict(default)
    differ = {name: value for name, value in asdict(optim).items() if name in always or value != usual[name]}
    return [word for name, value in differ.items() for word in (f"--{prefix}{name}", str(value))]


def _quoted(word: str) -> str:
    """In double quotes where a shell needs some: texts of plug-ins have single ones."""
    return (
        word if re.fullmatch(r"[\w.=-]+", word) else f'"{word}"' if not set(word) & set('"$`\\!') else shlex.quote(word)
    )

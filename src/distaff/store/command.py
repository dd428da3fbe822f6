"""The command line that trains a run by itself, whatever study it was part of."""

from __future__ import annotations

import re
import shlex
from dataclasses import asdict

from distaff.runs import CRITIC_OPTIM, Optim, Run

TOLD = ("lr",)  # of the optimiser, even where it is the default


def command(run: Run) -> str:
    """`distaff train ...` for a shell: what it trains has the id of `run`."""
    return " ".join(["distaff", "train", *map(_quoted, words(run))])


def words(run: Run) -> list[str]:
    """The arguments of `distaff train`: settings that are left out stand at their defaults."""
    plain = Run(run.dataset, run.method, run.network)
    found = [str(run.dataset), str(run.method), "--network", str(run.network)]
    found += ["--critic", str(run.critic)] if run.critic else []
    found += ["--seed", str(run.seed), "--updates", str(run.updates)]
    found += _options("", run.optim, plain.optim, TOLD)
    found += _options("critic-optim.", run.critic_optim, CRITIC_OPTIM) if run.critic else []
    for name in ("batch", "precision"):
        if getattr(run, name) != getattr(plain, name):
            found += [f"--{name}", str(getattr(run, name))]
    return found


def _options(prefix: str, optim: Optim, default: Optim, told: tuple[str, ...] = ()) -> list[str]:
    usual = asdict(default)
    differ = {name: value for name, value in asdict(optim).items() if name in told or value != usual[name]}
    return [word for name, value in differ.items() for word in (f"--{prefix}{name}", str(value))]


def _quoted(word: str) -> str:
    """In double quotes where a shell needs some: texts of plug-ins have single ones."""
    return (
        word if re.fullmatch(r"[\w.=-]+", word) else f'"{word}"' if not set(word) & set('"$`\\!') else shlex.quote(word)
    )

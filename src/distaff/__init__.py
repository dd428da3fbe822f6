"""distaff: large studies of disentangled representations.

Data flows one way, and imports go down this ladder only. A room may import what stands right of its arrow,
and what those may; the tests read this text.

    errors heap rng types draws    <-
    weather                        <- errors                        faults of the place, and waiting for them to pass
    sampling seal                  <- errors
    untrusted                      <- errors weather                files, names and texts that are not ours
    atomic                         <- errors weather
    plugins                        <- errors seal
    runs                           <- plugins sampling
    data networks                  <- plugins rng types heap atomic untrusted
    methods                        <- plugins types
    metrics                        <- plugins draws sampling        arrays in, numbers out: never torch
    tasks                          <- metrics
    codes                          <- data networks
    trained                        <- codes runs
    training                       <- trained methods
    pictures                       <- codes metrics
    store                          <- training
    analysis                       <- metrics                       of a table: the store it never sees
    scoring                        <- store tasks analysis
    study                          <- scoring pictures
    reports                        <- scoring pictures              figures, charts and pages: analysis alone
    theory                         <- pictures training
    share                          <- scoring
    explore                        <- scoring pictures reports
    testing                        <- reports                       what holds of every plug-in, for everybody's tests
    commands                       <- study theory share explore testing
    cli                            <- commands
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distaff.metrics.evaluate import evaluate as evaluate
    from distaff.reports.build import report as report
    from distaff.reports.claims import claims as claims
    from distaff.runs import Optim as Optim
    from distaff.runs import Run as Run
    from distaff.runs import Study as Study
    from distaff.runs import cross as cross
    from distaff.runs import run as run
    from distaff.runs import sweep as sweep
    from distaff.scoring.table import table_of as table
    from distaff.share.load import load as load
    from distaff.study.run import run_study as run_study
    from distaff.study.single import train as train
    from distaff.trained import encode as encode

__version__ = "0.1.0"
_HOMES = {  # where each name is defined; what is heavy to import waits until the name is used
    "Optim": "runs",
    "Run": "runs",
    "Study": "runs",
    "claims": "reports.claims",
    "cross": "runs",
    "encode": "trained",
    "evaluate": "metrics.evaluate",
    "load": "share.load",
    "report": "reports.build",
    "run": "runs",
    "run_study": "study.run",
    "sweep": "runs",
    "table": "scoring.table",
    "train": "study.single",
}
__all__ = [
    "Optim",
    "Run",
    "Study",
    "__version__",
    "claims",
    "cross",
    "encode",
    "evaluate",
    "load",
    "report",
    "run",
    "run_study",
    "sweep",
    "table",
    "train",
]

# A model's bits must not depend on its neighbours in a batched product. Intel's MKL promises that only in this mode,
# which it reads once, at its first call.
os.environ.setdefault("MKL_CBWR", "AUTO")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), "table_of" if name == "table" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

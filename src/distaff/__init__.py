"""distaff: large studies of disentangled representations.

Data flows one way, and imports go down this ladder only. A room may import what stands right of its arrow,
and what those may; the tests read this text.

    errors heap rng types draws    <-
    atomic sampling                <- errors
    plugins                        <- errors
    runs                           <- plugins sampling
    data networks                  <- plugins rng types heap atomic
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
    reports                        <- analysis atomic
    theory                         <- pictures training
    share                          <- scoring
    explore                        <- scoring pictures reports
    commands                       <- study theory share explore
    cli                            <- commands
"""

import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["load", "table"]

# A model's bits must not depend on its neighbours in a batched product. Intel's MKL promises that only in this mode,
# which it reads once, at its first call.
os.environ.setdefault("MKL_CBWR", "AUTO")

if TYPE_CHECKING:
    from distaff.scoring.table import read as table
    from distaff.share.load import load as load
else:

    def __getattr__(name: str) -> Any:  # what is heavy to import waits until it is asked for
        if name == "load":
            from distaff.share.load import load

            return load
        if name == "table":
            from distaff.scoring.table import read

            return read
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

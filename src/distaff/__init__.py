"""distaff: large studies of disentangled representations.

Data flows one way, and imports go down this ladder only:

    registry rng types <- spec                      (errors, heap and plugin beside them)
    data, models       <- registry types rng
    methods            <- registry types
    metrics, tasks     <- registry                  (arrays in, numbers out: never torch)
    train, encode      <- data models methods spec rng
    pictures, theory   <- encode models data metrics train
    study              <- train encode metrics tasks pictures
    analysis           <- a data frame              (from the store only by its table.py)
    report             <- analysis registry
    share, explore     <- study and what is below it
    commands, cli      <- all
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

"""distaff: large studies of disentangled representations.

Data flows one way, and imports go down this ladder only:

    registry rng types <- spec
    data, models       <- registry types rng
    methods            <- registry types
    metrics            <- registry                  (arrays in, numbers out: never torch)
    train, encode      <- data models methods spec rng
    analysis           <- a data frame
    report             <- analysis registry
"""

import os

__version__ = "0.1.0"

# A model's bits must not depend on its neighbours in a batched product. Intel's MKL promises that only in this mode,
# which it reads once, at its first call.
os.environ.setdefault("MKL_CBWR", "AUTO")

"""The scores of noise and of a perfect code: .25 may be the best possible score, and .67 no better than noise.

`baselines` measures both on given factors, `expected` computes them from the numbers of values of the factors. What an
untrained network scores takes images, so that a study measures it and keeps all three in its store.
"""

from distaff.metrics.baselines.expected import expected, modularity_of_noise
from distaff.metrics.baselines.measured import (
    Baselines,
    baselines,
    baselines_of,
    line_codes,
    noise_codes,
    perfect_codes,
)

__all__ = [
    "Baselines", "baselines", "baselines_of", "expected", "line_codes", "modularity_of_noise", "noise_codes",
    "perfect_codes",
]  # fmt: skip

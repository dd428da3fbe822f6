"""Shapes are checked by beartype wherever a test calls the rooms that hand tensors around."""

from hypothesis import settings
from jaxtyping import install_import_hook

# Functions that numba compiles cannot be wrapped: the rooms that have some are named file by file.
DATA = ["toy", "toy_hidden", "toy_color", "color_dsprites", "noisy_dsprites", "scream_dsprites", "dsprites_noshape"]
TRAIN = ["step", "pack", "fit", "resume", "engines"]  # all but adam
ROOMS = ["encode", "methods", "models", *(f"data.{name}" for name in DATA), *(f"train.{name}" for name in TRAIN)]
install_import_hook([f"distaff.{room}" for room in ROOMS], "beartype.beartype")

# The first call of a compiled function is slow, which says nothing of the claim.
settings.register_profile("distaff", deadline=None)
settings.load_profile("distaff")

"""Shapes are checked by beartype wherever a test calls the rooms that hand tensors around."""

from jaxtyping import install_import_hook

# Functions that numba compiles cannot be wrapped: the rooms that have some are named file by file.
DATA = ["toy", "toy_hidden", "toy_color", "color_dsprites", "noisy_dsprites", "scream_dsprites", "dsprites_noshape"]
ROOMS = ["encode", "methods", "models", "train", *(f"data.{name}" for name in DATA)]
install_import_hook([f"distaff.{room}" for room in ROOMS], "beartype.beartype")

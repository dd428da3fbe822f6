"""Shapes are checked by beartype wherever a test calls the rooms that hand tensors around."""

from jaxtyping import install_import_hook

# not distaff.rng, nor the metrics: functions that numba compiles cannot be wrapped
ROOMS = ["data", "encode", "methods", "models", "train"]
install_import_hook([f"distaff.{room}" for room in ROOMS], "beartype.beartype")

"""Shapes are checked by beartype wherever a test calls the rooms that hand tensors around."""

import os
from importlib.util import find_spec
from pathlib import Path

import torch
from hypothesis import settings
from jaxtyping import install_import_hook

os.environ.setdefault("DISTAFF_RETRY_SECONDS", "0.1")  # a fault of the disk that a test makes does not pass by itself
if not torch.cuda.is_available():  # Triton reads it when it is first imported: a CPU then interprets our kernels
    os.environ["TRITON_INTERPRET"] = "1"

# Functions that numba or Triton compile cannot be wrapped: of a room that has some, files that name shapes and compile
# none are, but for these: 0 for 0.0 in bodies, files in archives, parts of several lengths, and pairs and values that
# tests get wrong on purpose.
UNCHECKED = {"__init__", "_draw.bodies", "cache.built", "_formats.norb", "correlated", "grid"}
HOUSE = Path(str(find_spec("distaff").origin)).parent
TEXTS = {
    ".".join(path.relative_to(HOUSE / "data").with_suffix("").parts): path.read_text("utf-8")
    for path in HOUSE.glob("data/**/[!_]*.py")
}
DATA = [name for name in TEXTS.keys() - UNCHECKED if "jaxtyping" in TEXTS[name] and "numba" not in TEXTS[name]]
ENGINES = [f"engines.{path.stem}" for path in HOUSE.glob("training/engines/*.py")]
TRAIN = ["step", "pack", "fit", "checkpoint", "kernels.convolution", *ENGINES]  # all but adam
ROOMS = ["codes", "methods", "networks", *(f"data.{name}" for name in DATA), *(f"training.{name}" for name in TRAIN)]
install_import_hook([f"distaff.{room}" for room in ROOMS], "beartype.beartype")

# The first call of a compiled function is slow, which says nothing of the claim.
settings.register_profile("distaff", deadline=None)
settings.load_profile("distaff")

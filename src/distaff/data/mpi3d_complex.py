"""mpi3d_complex: a robot's arm and the everyday object that it holds, photographed."""

from __future__ import annotations

from distaff.data import Dataset, dataset
from distaff.data._formats.mpi3d import CHALLENGE, COMPLEX, files_of, mpi3d
from distaff.data.cache.published import File

GRIDS = (CHALLENGE,)
NAME = "real3d_complicated_shapes_ordered.npz"
FILE = File(NAME, f"https://huggingface.co/datasets/randall-lab/mpi3d-complex/resolve/main/{NAME}")


@dataset(
    source="https://github.com/rr-learning/disentanglement_dataset",
    licence="CC-BY-4.0",
    published=files_of("mpi3d_complex", FILE, GRIDS),
)
def mpi3d_complex() -> Dataset:
    """460,800 photographs of a robot's arm that holds a cup, a ball or a croissant, 64x64 pixels (Gondal et al., 2019).

    The old library did not have this set.
    """
    return mpi3d("mpi3d_complex", GRIDS, COMPLEX)

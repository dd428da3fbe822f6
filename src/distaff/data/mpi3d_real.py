"""mpi3d_real: a robot's arm and the object that it holds, photographed."""

from __future__ import annotations

from distaff.data import Dataset, dataset
from distaff.data._formats.mpi3d import HOST, WHOLE, files_of, mpi3d
from distaff.data.cache.published import File

GRIDS = (WHOLE,)
FILE = File("mpi3d_real.npz", HOST + "mpi3d_real.npz", "md5:0f33f609918fb5c97996692f91129802")


@dataset(
    source="https://github.com/rr-learning/disentanglement_dataset",
    licence="CC-BY-4.0",
    published=files_of("mpi3d_real", FILE, GRIDS),
)
def mpi3d_real() -> Dataset:
    """A robot's arm that holds an object, photographed: 1,036,800 images of 64x64 pixels (Gondal et al., 2019).

    The old library had these sizes too.
    """
    return mpi3d("mpi3d_real", GRIDS)

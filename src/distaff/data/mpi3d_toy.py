"""mpi3d_toy: a robot's arm and the object that it holds, drawn simply."""

from __future__ import annotations

from distaff.data import Dataset, dataset
from distaff.data._formats.mpi3d import CHALLENGE, HOST, WHOLE, files_of, mpi3d
from distaff.data.cache.published import File

GRIDS = (WHOLE, CHALLENGE)
FILE = File("mpi3d_toy.npz", HOST + "mpi3d_toy.npz", "md5:55889cb7c7dfc655d6e0277beee88868")


@dataset(
    source="https://github.com/rr-learning/disentanglement_dataset",
    licence="CC-BY-4.0",
    published=files_of("mpi3d_toy", FILE, GRIDS),
)
def mpi3d_toy() -> Dataset:
    """A robot's arm that holds an object, drawn simply: 1,036,800 images of 64x64 pixels (Gondal et al., 2019).

    The file of the 2019 challenge, of 4 colours and 4 shapes, is known by the number of its images. The old library
    took its sizes for today's file too, and mislabelled it.
    """
    return mpi3d("mpi3d_toy", GRIDS)

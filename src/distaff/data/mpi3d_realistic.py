"""mpi3d_realistic: a robot's arm and the object that it holds, rendered realistically."""

from __future__ import annotations

from distaff.data import Dataset, dataset
from distaff.data._formats.mpi3d import CHALLENGE, HOST, WHOLE, files_of, mpi3d
from distaff.data.cache.published import File

GRIDS = (WHOLE, CHALLENGE)
FILE = File("mpi3d_realistic.npz", HOST + "mpi3d_realistic.npz", "md5:59a6225b88b635365f70c91b3e52f70f")


@dataset(
    source="https://github.com/rr-learning/disentanglement_dataset",
    licence="CC-BY-4.0",
    published=files_of("mpi3d_realistic", FILE, GRIDS),
)
def mpi3d_realistic() -> Dataset:
    """A robot's arm that holds an object, in realistic light: 1,036,800 images of 64x64 pixels (Gondal et al., 2019).

    The file of the 2019 challenge, of 4 colours and 4 shapes, is known by the number of its images. The old library
    took its sizes for today's file too, and mislabelled it.
    """
    return mpi3d("mpi3d_realistic", GRIDS)

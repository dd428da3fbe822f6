"""Data sets with known factors of variation: images by row, factor values by row, and the way back.

Row i is row i of the complete row-major grid of all factors, hidden ones included, whatever the order of a file; of
an incomplete grid, it is the i-th grid row that has an image.
A file of this folder is a data set: one function of its name, under `@dataset(...)`, that returns a `Dataset`.
"""

from distaff.data.dataset import Dataset, dataset, load, published
from distaff.data.grid import Factors

__all__ = ["Dataset", "Factors", "dataset", "load", "published"]

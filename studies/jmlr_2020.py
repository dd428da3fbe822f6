"""jmlr_2020: the 14,400 models of "A Sober Look" (Locatello et al., JMLR 2020): those of 2019, and 1,800 on MPI3D.

The first 12,600 runs are those of unsupervised_2019.py, with the same ids: a store of one serves the other, and only
MPI3D is missing. MPI3D is the set of real photographs. What it costs: an eighth more than unsupervised_2019.py.
"""

from dataclasses import replace
from pathlib import Path

from distaff.plugins.registry import DATASETS
from distaff.store.studies import load_study

EARLIER = load_study(Path(__file__).with_name("unsupervised_2019.py"))
MPI3D = DATASETS.parse("mpi3d_real")

study = replace(
    EARLIER,
    name="jmlr_2020",
    purpose="The study of 2019 with an eighth data set, MPI3D, of photographs.",
    runs=(*EARLIER.runs, *(replace(run, dataset=MPI3D) for run in EARLIER.runs[:1_800])),
)

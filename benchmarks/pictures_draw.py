"""CPU seconds that a run's pictures cost, beside encoding the images that they are of.

    python benchmarks/pictures_draw.py out/quick [--times 5]

For one run of each data set, warm: drawing all three files, of that encoding alone, and the ratio.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from distaff.codes import encode_rows
from distaff.pictures.draw import draw_pictures
from distaff.pictures.model import encode_sample
from distaff.store.store import Store


def seconds(work: Callable[[], object], times: int) -> float:
    """The median CPU seconds of `times` calls, after one that does not count."""
    work()
    took = []
    for _ in range(times):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return float(np.median(took))


def main() -> None:
    """Measure one run of each data set of the store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    store = Store(given.store)
    first = {str(store.run(path.name).dataset): path.name for path in sorted((given.store / "runs").glob("[!.]*"))}
    for dataset, id in first.items():
        model = store.model(id)
        rows = encode_sample(model).rows  # and from here on its codes are kept
        with TemporaryDirectory() as folder:
            drawing = seconds(lambda model=model, to=Path(folder): draw_pictures(model, to), given.times)
        encoding = seconds(lambda model=model, rows=rows: encode_rows(model.network, model.dataset, rows), given.times)
        whole = drawing + encoding
        print(f"{dataset}: {whole:.2f} CPU s, encoding {encoding:.2f}, ratio {whole / encoding:.1f}")


if __name__ == "__main__":
    main()

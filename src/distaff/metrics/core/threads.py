"""One thread for many small products: the threads of a BLAS wait for one another at full speed between two of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

_limited = threading.Lock()


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Have the BLAS of NumPy and SciPy use one thread, which a decorated function then does whenever it is called.

    The limit is that of the process: who comes while somebody is inside leaves it alone.
    """
    import scipy.linalg  # noqa: F401  # brings a BLAS of its own, which must be there to be limited
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if not _limited.acquire(blocking=False):
        yield
        return
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        _limited.release()

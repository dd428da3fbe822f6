"""One thread for many small products: the threads of a BLAS keep cores busy while they wait for the next product."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

_limited = threading.Lock()


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit the BLAS of NumPy and SciPy to one thread, in a `with` block or in each call of a decorated function.

    The limit is that of the process: a call that starts while another holds the limit does not change it.
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

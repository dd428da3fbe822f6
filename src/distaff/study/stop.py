"""How a worker is asked to stop: by SIGTERM or Ctrl-C, at a point where nothing is torn, and soon."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

GRACE = 20  # seconds to reach such a point; after them the process ends, and its last resume point is what is left


class Stop:
    """Whether this process was asked to stop.

    Training is torn inside an update, so there the wish is heard between updates, by `check`; scoring has no state of
    its own and is broken off wherever it is, inside `breakable`.
    """

    def __init__(self) -> None:
        self.asked = False
        self._at_once = False

    def listen(self) -> None:
        """Hear SIGTERM and SIGINT from now on."""
        signal.signal(signal.SIGTERM, self._hear)
        signal.signal(signal.SIGINT, self._hear)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if the process was asked to stop: the caller keeps its state."""
        if self.asked:
            signal.alarm(0)
            raise KeyboardInterrupt

    @contextmanager
    def breakable(self) -> Iterator[None]:
        """Inside, the wish to stop is a `KeyboardInterrupt` at once."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _hear(self, *_: object) -> None:
        first, self.asked = not self.asked, True
        if self._at_once:
            self._at_once = False
            raise KeyboardInterrupt
        if first:
            signal.alarm(GRACE)

"""How a worker is stopped: by SIGTERM or Ctrl-C, at a moment when nothing is torn, and soon."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

GRACE = 20  # seconds to reach such a moment; after them the process ends, and its last checkpoint is what is left


class Stop:
    """Whether this process was requested to stop.

    Training is torn inside an update, so there `check` looks for a request between updates; scoring has no state of
    its own and is interrupted wherever it is, inside `interruptible`.
    """

    def __init__(self) -> None:
        self.requested = False
        self._at_once = False

    def listen(self) -> None:
        """Handle SIGTERM and SIGINT from now on."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if the process was requested to stop: the caller keeps its state."""
        if self.requested:
            signal.alarm(0)
            raise KeyboardInterrupt

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, a request to stop is a `KeyboardInterrupt` at once."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _on_signal(self, *_: object) -> None:
        first, self.requested = not self.requested, True
        if self._at_once:
            self._at_once = False
            raise KeyboardInterrupt
        if first:
            signal.alarm(GRACE)

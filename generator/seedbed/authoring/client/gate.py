"""How many calls are under way at once: fewer after the server says "too many", more again while it does not.

Additive increase, multiplicative decrease, as TCP does it; and one refusal pauses all calls, not only its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_GOOD_PER_STEP = 10
_LONGEST_PAUSE = 60.0


class Gate:
    """Lets calls through, from any number of threads."""

    def __init__(self, width: int, backoff: float) -> None:
        """Opens the gate.

        Args:
            width: the most calls at once.
            backoff: seconds of the first pause where the server does not say how long; doubles with each.
        """
        self._width, self._backoff = width, backoff
        self._limit, self._active, self._good, self._pauses = width, 0, 0, 0
        self._opens_at = self._paused_at = float("-inf")
        self._changed = threading.Condition()

    @contextmanager
    def admitted(self) -> Iterator[float]:
        """Waits for a place; gives the moment of admission, by the monotonic clock."""
        with self._changed:
            while (closed := self._opens_at - time.monotonic()) > 0 or self._active >= self._limit:
                self._changed.wait(closed if closed > 0 else None)
            self._active += 1
            moment = time.monotonic()
        try:
            yield moment
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def answered(self) -> None:
        """Says that a call went well."""
        with self._changed:
            self._good += 1
            self._pauses = 0
            if self._good >= _GOOD_PER_STEP and self._limit < self._width:
                self._good = 0
                self._limit += 1
                self._changed.notify_all()

    def pause(self, seconds: float | None, admitted: float) -> float:
        """Closes the gate for all calls, and returns for how many seconds.

        Args:
            seconds: what the server asks for, if it does.
            admitted: when the refused call was let in. Calls of one burst are refused together: they count as one.
        """
        with self._changed:
            if admitted >= self._paused_at:
                self._limit = max(1, self._limit // 2)
                self._good = 0
                self._pauses += 1
                self._paused_at = time.monotonic()
            if seconds is None:
                seconds = min(_LONGEST_PAUSE, self._backoff * 2 ** min(self._pauses - 1, 20))
            self._opens_at = max(self._opens_at, time.monotonic() + seconds)
            return seconds

"""Looking at other processes, and waiting for what they do."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def alive(process: int) -> bool:
    """Whether the process runs; one that has ended and waits to be noticed does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


def comes_true(question: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether the answer becomes yes within some seconds."""
    end = time.monotonic() + seconds
    while not question() and time.monotonic() < end:
        time.sleep(0.02)
    return question()

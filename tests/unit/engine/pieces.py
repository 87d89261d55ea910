"""Work for other processes: functions of a span that they can import."""

import os
import time
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from seedbed.errors import Diagnostic, Location, SinkError
from seedbed.sinks.csv import Encoded, encode

Span = tuple[int, int]


def process(low: int, high: int) -> int:
    return os.getpid()


def slow_process(low: int, high: int) -> int:
    time.sleep(0.02)
    return os.getpid()


def process_of(batch: pa.RecordBatch) -> int:
    return os.getpid()


def echo(low: int, high: int) -> Span:
    print("what is printed is not an answer")
    return low, high


def many(low: int, high: int) -> dict[str, Any]:
    """Columns of all sorts of lengths, several times as much as a pipe holds."""
    numbers = np.arange(low, high)
    texts = pa.array([f"text {number}" for number in numbers[:1000]])
    return {"numbers": numbers, "odd": numbers[:7].astype(np.int8), "none": numbers[:0], "texts": texts.slice(3, 90)}


def numbered(low: int, high: int) -> pa.RecordBatch:
    return pa.record_batch({"id": np.arange(low, high)})


def refuse(low: int, high: int) -> NoReturn:
    found = Diagnostic("too-much", f"span {low} is too much", Location("models/shop.yml", 3), hint="ask for less")
    raise SinkError(f"Nothing was written of {low}.", [found])


def refuse_after_another(folder: Path, here: int, low: int, high: int) -> NoReturn:
    """Refuses every span; a process other than `here` refuses the first one only after another was refused."""
    if os.getpid() == here or low:
        (folder / "refused").touch()
    end = time.monotonic() + 30
    while not (folder / "refused").exists() and time.monotonic() < end:
        time.sleep(0.01)
    refuse(low, high)


def fail(error: type[BaseException], low: int, high: int) -> NoReturn:
    raise error("as it was raised")


class Unportable(Exception):
    """Cannot be made from what it keeps."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(f"of {low} and {high}")


def fail_unportably(low: int, high: int) -> NoReturn:
    raise Unportable(low, high)


def unwritable(low: int, high: int) -> Encoded:
    return encode(pa.record_batch({"word": ["null"]}))


def end_elsewhere(here: int, low: int, high: int) -> Span:
    if os.getpid() != here:
        os._exit(3)
    time.sleep(0.01)
    return low, high


def sleep(low: int, high: int) -> Span:
    """Answers the first span only."""
    if low:
        time.sleep(600)
    return low, high


def mark(folder: Path, low: int, high: int) -> Span:
    (folder / f"{low}").touch()
    return low, high


class OnlyHere:
    """A function that cannot be made again from its pickle."""

    def __reduce__(self) -> Any:
        return fail, (ValueError, 0, 0)

    def __call__(self, low: int, high: int) -> Span:
        return low, high


def echo_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch

"""What every subject of a comparison reports: one line of JSON about the work it did, start-up left out."""

from __future__ import annotations

import importlib.metadata
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Done:
    """What a job made; `values` are rows times columns."""

    rows: int = 0
    values: int = 0

    def add(self, rows: int, columns: int) -> None:
        self.rows += rows
        self.values += rows * columns


@contextmanager
def job(folder: Path, *packages: str) -> Iterator[Done]:
    """Measures the block, processes that it waits for included, and prints what it found.

    Args:
        folder: where the block leaves its files.
        packages: whose versions are told.
    """
    done, wall, cpu = Done(), time.perf_counter(), _cpu()
    yield done
    found = {
        "job_wall": time.perf_counter() - wall,
        "job_cpu": _cpu() - cpu,
        "rows": done.rows,
        "values": done.values,
        "bytes": size_of(folder),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }
    print(json.dumps(found), flush=True)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _cpu() -> float:
    """Seconds of this process, of what it waited for, and of what it started and still runs: a JVM, a server."""
    return sum(os.times()[:4]) + sum(map(_used, _descendants(os.getpid())))


def _descendants(process: int) -> Iterator[int]:
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, children.read_text().split()):
                yield child
                yield from _descendants(child)


def _used(process: int) -> float:
    with suppress(OSError):  # it has ended, and counts with its parent
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0

"""Tries SQL out before it runs in this process: in a child with hard limits and an empty environment.

The allow-list keeps out what is known to be dangerous; the limits are for what it does not know. An expression is
accepted once it went well there: the person's own state folder then holds its fingerprint, and it is not tried out
again. In CI, where nobody watches over that folder, it is not consulted.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from seedbed.children import start, stop
from seedbed.homes import state_home
from seedbed.plan import sandbox
from seedbed.schema import DataType, TypeKind

ROWS = 2_048
"""Made-up rows on which an expression is tried out: as many as DuckDB works on at once."""
_TEXT = 500
"""Characters of the longest made-up text where the type sets no limit."""
_START_SECONDS = 120.0
_NEEDED = ("SYSTEMROOT",)
"""What a process cannot start without on some systems."""
_DAY = "DATE '2024-02-29' + CAST((i * 37 % 30000 - 15000) AS INTEGER)"
_MOMENT = f"CAST({_DAY} AS TIMESTAMP) + to_seconds(i * 7919)"
_MADE_UP: Mapping[TypeKind, str] = {
    TypeKind.INTEGER: "[i, -i, i * 1000003, 9223372036854775807, -9223372036854775807][1 + i % 5]",
    TypeKind.DECIMAL: "[i / 7, -i, i * 1000003.01][1 + i % 3]",
    TypeKind.FLOAT: "[i / 7, -i, 1e300, 1e-300][1 + i % 4]",
    TypeKind.BOOLEAN: "i % 2 = 0",
    TypeKind.DATE: _DAY,
    TypeKind.TIMESTAMP: _MOMENT,
    TypeKind.TIMESTAMP_TZ: _MOMENT,
    TypeKind.TIME: f"CAST({_MOMENT} AS TIME)",
    TypeKind.UUID: "md5(CAST(i AS VARCHAR))",
    TypeKind.JSON: """'{"a": ' || CAST(i AS VARCHAR) || '}'""",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one expression may use up."""

    memory: int = 2 << 30
    """Bytes that the whole child may address."""
    processor: int = 5
    """Seconds of processor time."""
    wall: float = 60.0
    """Seconds altogether, on a machine as busy as it may be."""


def made_up_rows(columns: Mapping[str, DataType], sql_types: Mapping[str, str]) -> str:
    """A query whose rows have these columns: small and large, short and long values, and nulls.

    Args:
        columns: their types by name.
        sql_types: the same as DuckDB names them.
    """
    parts = [
        f"CASE WHEN i % 17 <> 3 THEN TRY_CAST({_made_up(kind)} AS {sql_types[name]}) END AS {_quoted(name)}"
        for name, kind in columns.items()
    ]
    return f"SELECT {', '.join(parts) or '1'} FROM range({ROWS}) AS numbers(i)"


def rehearse(query: str) -> str | None:
    """Tries a query out where it was never accepted; says what limit it broke, or None when all went well.

    A query that only fails is nothing to say of: what it says is asked for afterwards.

    Raises:
        OSError: no child process can be started.
    """
    return _rehearsed(os.getpid(), query)


@functools.lru_cache(maxsize=10_000)
def _rehearsed(process: int, query: str) -> str | None:
    fingerprint = hashlib.sha256(f"{duckdb.__version__}\n{Limits()}\n{query}".encode()).hexdigest()
    marker = None if os.environ.get("CI") else state_home(os.environ) / "accepted" / fingerprint
    if marker is not None and marker.exists():
        return None
    breach = _child(process).run(query)
    if breach is None and marker is not None:
        with contextlib.suppress(OSError):  # then it is tried out again
            marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            marker.touch(mode=0o600)
    return breach


@functools.lru_cache(maxsize=1)
def _child(process: int) -> Child:
    """This process's own child: one made by a fork has to start its own."""
    child = Child()
    atexit.register(child.close)
    return child


class Child:
    """A process that runs queries in a locked connection, within limits. It is started when it is first needed, and
    again after a query that broke a limit.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._process: subprocess.Popen[str] | None = None
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    @property
    def pid(self) -> int | None:
        """The number of the process; None when none runs."""
        return self._process.pid if self._process else None

    def run(self, query: str) -> str | None:
        """Runs a query; in words, which limit it broke, or None.

        Raises:
            OSError: the process cannot be started.
        """
        with self._lock:
            process = self._process or self._start()
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps(query) + "\n")
                process.stdin.flush()
                if self._said.get(timeout=self.limits.wall) is not None:
                    return None
                code = process.wait(self.limits.wall)
            except (queue.Empty, subprocess.TimeoutExpired):
                self._stop()
                return f"did not end within {self.limits.wall:g} seconds"
            except OSError:  # it ended before it had read the query
                code = process.wait(self.limits.wall)
            self._stop()
            return self._breach(code)

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._stop()

    def _start(self) -> subprocess.Popen[str]:
        process = start(
            sandbox.__name__,
            str(self.limits.memory),
            str(self.limits.processor),
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={name: os.environ[name] for name in _NEEDED if name in os.environ},
            cwd=Path(sys.executable).anchor,
        )
        self._process, self._said = process, queue.SimpleQueue()
        threading.Thread(target=_listen, args=(process, self._said), daemon=True).start()
        try:
            ready = self._said.get(timeout=_START_SECONDS)
        except queue.Empty:
            ready = None
        if ready is None:
            self._stop()
            raise ChildProcessError("the process in which SQL is tried out does not start")
        return process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            stop(process)

    def _breach(self, code: int) -> str:
        if code == sandbox.OUT_OF_MEMORY:
            return f"asked for more than {self.limits.memory / (1 << 30):g} GB of memory"
        if hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
            return f"took more than {self.limits.processor} seconds of processor time"
        return f"broke its process down (exit code {code})"


def _listen(process: subprocess.Popen[str], said: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError):  # the stream was closed meanwhile
        for line in process.stdout:
            said.put(line)
    said.put(None)


def _made_up(kind: DataType) -> str:
    if kind.kind in _MADE_UP:
        return _MADE_UP[kind.kind]
    longest = min(kind.length or _TEXT, _TEXT)
    words = f"left(repeat(chr(CAST(97 + i % 26 AS INTEGER)) || ' ', {_TEXT}), CAST(i * 37 % {longest + 1} AS INTEGER))"
    return f"[{words}, CAST(i AS VARCHAR), CAST({_DAY} AS VARCHAR), repeat('x', {longest})][1 + i % 4]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

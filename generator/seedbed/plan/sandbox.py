"""A DuckDB connection in which nothing can be reached but what is handed to it.

The settings alone are no sandbox (functions that list catalogs or exhaust the machine stay open), so that only
text that passed the allow-list of `plan.expressions` is ever run in it; and what was never run before is first run by
`serve`, in a process of its own with limits that the system holds.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import threading

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

import duckdb

# One after another, in this order: the temporary directory can no longer be changed once external access is off,
# and nothing can once the configuration is locked.
_SETTINGS = (
    ("threads", "1"),
    ("memory_limit", "'1GB'"),
    ("temp_directory", "''"),
    ("max_temp_directory_size", "'0B'"),
    ("TimeZone", "'UTC'"),
    ("preserve_insertion_order", "true"),
    ("python_enable_replacements", "false"),
    ("python_scan_all_frames", "false"),
    ("autoload_known_extensions", "false"),
    ("autoinstall_known_extensions", "false"),
    ("allow_community_extensions", "false"),
    ("allow_persistent_secrets", "false"),
    ("allow_unredacted_secrets", "false"),
    ("enable_logging", "false"),
    ("enable_progress_bar", "false"),
    ("max_expression_depth", "250"),
    ("disabled_filesystems", "'LocalFileSystem'"),
    ("enable_external_access", "false"),
    ("lock_configuration", "true"),
)
_SINCE_2 = (("allow_extension_repositories", "'forbidden'"), ("max_execution_time", "60000"))


def locked_connection() -> duckdb.DuckDBPyConnection:
    """The calling thread's own locked connection, opened when it is first asked for."""
    return _open(os.getpid(), threading.get_ident())


@functools.lru_cache(maxsize=32)
def _open(process: int, thread: int) -> duckdb.DuckDBPyConnection:
    """Neither may share a connection, and a cursor would not inherit all settings."""
    connection = duckdb.connect(":memory:")
    newer = _SINCE_2 if int(duckdb.__version__.partition(".")[0]) >= 2 else ()
    for name, value in (*newer, *_SETTINGS):
        connection.execute(f"SET {name} = {value}")
    return connection


# --- the child process ---------------------------------------------------------------------------------------

OUT_OF_MEMORY = 77
"""The exit code of a child that asked for more memory than it may have."""
_AT_ONCE = 256


def serve() -> None:
    """Runs the queries that come in, one a line as JSON, and says `done` after each; nothing of a result leaves.

    The arguments of the process are what `plan.rehearsal` gives: bytes of memory, seconds of processor time for one
    query. A failing query is no breach; one that goes past a limit ends the process.
    """
    memory, seconds = int(sys.argv[2]), int(sys.argv[3])
    connection = locked_connection()
    _limit("RLIMIT_AS", memory)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_CORE", 0)
    print("ready", flush=True)
    for line in sys.stdin:
        _limit_processor(seconds)
        try:
            with contextlib.suppress(duckdb.Error):
                _run(connection, json.loads(line))
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        print("done", flush=True)


def _run(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    try:
        rows = connection.execute(query)
        while rows.fetchmany(_AT_ONCE):
            pass
    except duckdb.OutOfMemoryException as error:
        raise MemoryError from error


def _limit(name: str, most: int) -> None:
    if resource is not None:
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS takes no limit of memory
            resource.setrlimit(which, (most, most))


def _limit_processor(seconds: int) -> None:
    """From now on; the hard limit stays, since it could not be raised again."""
    if resource is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
        soft = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))

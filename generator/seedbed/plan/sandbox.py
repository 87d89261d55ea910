"""A DuckDB connection in which nothing can be reached but what is handed to it.

The settings alone are no sandbox (functions that list catalogs or exhaust the machine stay open), so that only
text that passed the allow-list of `plan.expressions` is ever run in it.
"""

from __future__ import annotations

import functools
import os
import threading

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

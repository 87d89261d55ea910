"""A PostgreSQL server for the length of a test module: its own data, a free port, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_postgresql
import pytest
from adbc_driver_manager import dbapi

_INSTALLED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


@dataclass(frozen=True)
class Server:
    """A running server; `settings` are those of a dbt target that leads to it."""

    settings: Mapping[str, Any]

    @contextlib.contextmanager
    def connection(self) -> Iterator[dbapi.Connection]:
        uri = "postgresql://{user}@{host}:{port}/{dbname}".format(**self.settings)
        with dbapi.connect(driver=adbc_driver_postgresql._driver_path(), db_kwargs={"uri": uri}) as connection:
            yield connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def run(self, *statements: str) -> None:
        with self.connection() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()


@contextlib.contextmanager
def running_postgres() -> Iterator[Server]:
    """Starts a server; skips the test when none is installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (initdb was not found); apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="seedbed-postgres-"))
    owner = _owner(folder)
    try:
        data = folder / "data"
        _run([programs / "initdb", "-D", data, "-U", "seedbed", "-A", "trust", "-E", "UTF8", "--no-sync"], owner)
        port = _free_port()
        options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", f"port={port}"]
        command = [programs / "postgres", "-D", data, *(part for option in options for part in ("-c", option))]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **owner)
        try:
            server = Server(
                {"type": "postgres", "host": "127.0.0.1", "port": port, "user": "seedbed", "dbname": "postgres"}
            )
            _wait(server, process, folder / "log")
            yield server
        finally:
            process.terminate()
            process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += [folder for pattern in _INSTALLED for folder in sorted(Path("/").glob(pattern[1:]), reverse=True)]
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def _owner(folder: Path) -> dict[str, Any]:
    """Whom the server runs as: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    name = next(name for name in ("postgres", "nobody") if _exists(name))
    shutil.chown(folder, name)
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def _exists(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def _run(command: list[Any], owner: Mapping[str, Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **owner)
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(dbapi.Error):
            server.rows("select 1")
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text())

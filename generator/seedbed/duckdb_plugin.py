"""A plugin of dbt-duckdb that fills the project's sources when dbt opens its database. No file is written.

# profiles.yml
shop:
  outputs:
    dev:
      type: duckdb
      path: shop.duckdb
      plugins:
        - module: seedbed.duckdb_plugin
          config: {scale: 10}
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from seedbed import api
from seedbed.errors import Diagnostic, SeedbedError, Severity
from seedbed.sinks.base import Outcome
from seedbed.sinks.duckdb import DuckDBSink

_LOG = AdapterLogger("Seedbed")

Selectors = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class Options(BaseModel):
    """What may stand under the plugin's `config:`; names as on the command line of `seedbed load`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_dir: Path | None = None
    """The dbt project; the one that dbt runs."""
    select: Selectors = []
    """Tables, as dbt selects; all sources when there is none."""
    exclude: Selectors = []
    rows: Mapping[str, Annotated[int, Field(ge=0)]] = {}
    """Numbers of rows by table, in place of the plan's."""
    scale: Annotated[float, Field(ge=0, le=1e7)] = 1.0
    """Factor for all other numbers of rows."""
    as_of: dt.date | None = None
    workers: Annotated[int, Field(ge=1)] | None = None
    """Processes that make rows, at most; as many as processors when not given."""
    force: bool = False
    """Also replace tables that Seedbed did not write."""


class Plugin(BasePlugin):
    """Fills the sources once for each run of dbt, before its threads begin."""

    def initialize(self, config: dict[str, Any]) -> None:
        # dbt-duckdb hands a plugin the settings of the whole target along with its own.
        shared = set(self.creds.settings or {}) if self.creds else set()
        given = {key: value for key, value in config.items() if key in Options.model_fields or key not in shared}
        try:
            self._options = Options.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
            known = ", ".join(Options.model_fields)
            raise DbtRuntimeError(f"Seedbed cannot read the plugin's config: {problems}; known are {known}") from error
        self._lock = threading.Lock()
        self._filled = False

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Fills the sources. dbt-duckdb calls it when it has opened the database, under a lock, and again when it has
        closed it meanwhile: a file then still holds the rows; one in memory is kept open to the end.
        """
        with self._lock:
            if self._filled:
                return
            try:
                outcome = fill(conn, self._options)
            except SeedbedError as error:
                raise DbtRuntimeError(f"Seedbed could not fill the sources. {error}") from error
            self._filled = True
        for written in outcome.written:
            _LOG.info(f"Seedbed filled {written.place}: {written.rows:,} rows")


def fill(connection: DuckDBPyConnection, options: Options) -> Outcome:
    """Generates the chosen tables into the connection's database, where dbt's `source()` looks for them.

    Project, profile, target and variables are those of the present run of dbt.

    Raises:
        SeedbedError: the project or its plan cannot be read or carried out, or a table is not Seedbed's to replace.
    """
    flags = get_flags()  # type: ignore[no-untyped-call]
    schema, notes = api.read_project(
        options.project_dir or getattr(flags, "PROJECT_DIR", None) or Path(),
        profile=getattr(flags, "PROFILE", None),
        target=getattr(flags, "TARGET", None),
        profiles_dir=getattr(flags, "PROFILES_DIR", None),
        vars=getattr(flags, "VARS", None),
    )
    _tell(notes)
    if options.select or options.exclude:
        chosen, notes = api.choose_tables(schema, options.select, options.exclude)
        _tell(notes)
    else:
        chosen = api.source_tables(schema)
    planned = api.plan_project(schema, today=dt.date.today())
    _tell(planned.notes)
    resolved, notes = api.resolve_plan(
        schema, planned, select=chosen, rows=options.rows, scale=options.scale, as_of=options.as_of
    )
    _tell(notes)
    sink = DuckDBSink(resolved, connection, force=options.force)
    outcome = api.write(resolved, sink, workers=options.workers or os.cpu_count() or 1)
    _tell(outcome.notes)
    return outcome


def _tell(diagnostics: Sequence[Diagnostic]) -> None:
    for found in diagnostics:
        (_LOG.debug if found.severity is Severity.NOTE else _LOG.warning)(str(found))

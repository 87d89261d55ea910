"""The demonstration: a case-management star schema, generated and built with dbt on DuckDB."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from pathlib import Path

from seedbed import api
from seedbed.errors import SinkError
from seedbed.installation import distribution
from seedbed.sinks.base import Outcome

DATABASE = "target/case_management.duckdb"
_PARTS = (
    "dbt_project.yml",
    "profiles.yml",
    "seedbed.yml",
    "models",
    "seeds",
    "macros",
    "tests/dbt",
    "docs/case_management.md",
)


def prepare(directory: Path, *, progress: api.Progress | None = None) -> Outcome:
    """Puts the demonstration into `directory`, unless it is there, and generates its seeds.

    Raises:
        SeedbedError: the directory holds something else, or the seeds cannot be written.
    """
    source = distribution()
    if directory.resolve() != source.resolve() and not (directory / "dbt_project.yml").exists():
        _copy(source, directory)
    schema, _ = api.read_project(directory)
    if schema.project.name != "seedbed":
        raise SinkError(f'{directory} holds another dbt project, "{schema.project.name}"; name a new folder')
    planned = api.plan_project(schema, today=dt.date.today())
    resolved, _ = api.resolve_plan(schema, planned)
    return api.write(resolved, api.csv_sink(resolved), workers=os.cpu_count() or 1, progress=progress)


def build(directory: Path, dbt: str = "dbt") -> int:
    """Runs `dbt build` there, its output going to the terminal, and returns its exit code.

    Raises:
        SinkError: there is no dbt to run.
    """
    command = shutil.which(dbt) or (dbt if Path(dbt).is_file() else None)
    if command is None:
        raise SinkError(
            f'The seeds are written, but there is no command "{dbt}" to build them; '
            "install it with: pip install 'dbt-seedbed[duckdb]'"
        )
    (directory / "target").mkdir(exist_ok=True)
    here = directory.resolve()
    return subprocess.run(
        [str(Path(command).resolve()), "build", "--project-dir", str(here), "--profiles-dir", str(here)], cwd=here
    ).returncode


def _copy(source: Path, directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()):
        raise SinkError(f"{directory} is not empty; name a folder that is not there yet")
    try:
        for part in _PARTS:
            if (source / part).is_dir():
                shutil.copytree(source / part, directory / part)
            else:
                (directory / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / part, directory / part)
    except OSError as error:
        raise SinkError(f"The demonstration cannot be put into {directory}: {error}") from error

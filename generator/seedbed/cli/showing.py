"""The commands that show what a plan does, in other forms than tables: `export-script`."""

from __future__ import annotations

from pathlib import Path

import click

from seedbed import api
from seedbed.cli.options import Opened, opens_project, today
from seedbed.errors import SinkError
from seedbed.script import SCRIPT_FILE, render_script
from seedbed.swap import Swap


@click.command()
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The program's file; {SCRIPT_FILE} in the project's root when left out.",
)
@click.option("--force", is_flag=True, help="Also replace a file that is there.")
@opens_project
def export_script(opened: Opened, output: Path | None, force: bool) -> None:
    """Write the plan as a short Python program, to be changed and run.

    One block for each table, one generator a line. The program reads which tables and columns there are from the
    project, so that it stays beside it; it makes pandas DataFrames with the values that `seedbed generate` writes.
    """
    planned = api.plan_project(opened.schema, today=today())
    opened.talk.report(planned.notes, notes=opened.notes)
    resolved, _ = api.resolve_plan(opened.schema, planned)
    file = output or opened.schema.project.root / SCRIPT_FILE
    if file.exists() and not force:
        raise SinkError(f"{file} is there already; --force replaces it, --output names another file.")
    try:
        with Swap() as swap:
            swap.text(file, render_script(planned, resolved, file, opened.dbt))
    except OSError as error:
        raise SinkError(f"{file} cannot be written: {error.strerror or error}.") from error
    opened.talk.say(f"wrote {file}", file=file)
    opened.talk.say(f"next: python {file}")

"""The commands that show what a plan does in another form than tables: `report`, `compare`, `export-script`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from seedbed import api, report
from seedbed.cli.options import Opened, Wanted, chooses_tables, opens_project, resolve, today
from seedbed.documents import Document
from seedbed.errors import PlanError, SinkError
from seedbed.plan.files import read_plan
from seedbed.plan.resolved import ResolvedPlan
from seedbed.plan.spec import PLAN_FILE
from seedbed.script import SCRIPT_FILE, render_script
from seedbed.swap import Swap

_KEPT_ROWS = 100_000
"""First rows of a table that a page looks at; promises are checked on all."""
_PAGE = click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page's file; below target/seedbed in the project when left out.",
)


@click.command("report")
@chooses_tables
@_PAGE
@opens_project
def report_command(opened: Opened, wanted: Wanted, output: Path | None) -> None:
    """Write one HTML page that shows the data that the plan makes.

    Tables and rows, the values of each column with where its generator came from, promises and whether they hold,
    histories with declared and observed moves. The tables are made for the page, and no seed is touched.
    """
    resolved = resolve(opened, wanted)
    _write(opened, report.render_report(_made(opened, PLAN_FILE, resolved)), output, "report.html")


@click.command()
@click.argument("one", metavar="[PLAN]", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.argument("other", metavar="[PLAN]", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@_PAGE
@opens_project
def compare(opened: Opened, one: Path | None, other: Path | None, output: Path | None) -> None:
    """Write one HTML page that shows two plans side by side.

    Ten rows of each table, the columns that arise differently with both generators and who wrote them, and counts
    that tell which is better. Without arguments the baseline author's plan is compared with seedbed.yml, which an LLM
    or a person may have changed; one PLAN is compared with seedbed.yml; two PLANs with each other.
    """
    root = opened.schema.project.root
    second = other or root / PLAN_FILE
    if not second.exists():
        raise PlanError("There is no seedbed.yml to compare with; `seedbed plan` writes it.")
    plan, document = read_plan(second, root)
    if one is None:
        # The baseline's within the same time: the plan's first lines without its entries.
        sides = [("baseline", (plan.head, Document({}, ""))), (second.name, (plan, document))]
    else:
        sides = [(one.name, read_plan(one, root)), (second.name, (plan, document))]
    made = []
    for name, given in sides:
        planned = api.plan_project(opened.schema, today=today(), given=given)
        resolved, found = api.resolve_plan(opened.schema, planned)
        opened.talk.report(found, notes=opened.notes)
        made.append(_made(opened, name, resolved))
    _write(opened, report.render_comparison(*made), output, "compare.html")


def _made(opened: Opened, name: str, resolved: ResolvedPlan) -> report.Made:
    with opened.talk.watcher() as watch:
        tables, findings = api.make_and_check(resolved, keep=_KEPT_ROWS, workers=os.cpu_count() or 1, progress=watch)
    return report.Made(name, resolved, tables, findings)


def _write(opened: Opened, page: str, output: Path | None, name: str) -> None:
    file = output or opened.schema.project.root / "target" / "seedbed" / name
    _write_text(file, page)
    opened.talk.say(f"wrote {file}", file=file)


def _write_text(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with Swap() as swap:
            swap.text(file, text)
    except OSError as error:
        raise SinkError(f"{file} cannot be written: {error.strerror or error}.") from error


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
    resolved, found = api.resolve_plan(opened.schema, planned)
    opened.talk.report(found, notes=opened.notes)
    file = output or opened.schema.project.root / SCRIPT_FILE
    if file.exists() and not force:
        raise SinkError(f"{file} is there already; --force replaces it, --output names another file.")
    _write_text(file, render_script(planned, resolved, file, opened.dbt))
    opened.talk.say(f"wrote {file}", file=file)
    opened.talk.say(f"next: python {shlex.quote(str(file))}")

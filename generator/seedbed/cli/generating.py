"""The commands that make rows and check them: `generate`, `load`, `check`, `demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from seedbed import api, demonstration, explanation
from seedbed.cli.options import Opened, Run, Wanted, chooses_tables, makes_rows, opens_project, resolve
from seedbed.cli.talk import Talk
from seedbed.errors import SeedbedError
from seedbed.plan.resolved import ResolvedPlan
from seedbed.sinks.base import Outcome, Sink

_SHOWN_FINDINGS = 5


@click.command()
@chooses_tables
@makes_rows
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
    help="Seeds for dbt, or Parquet files for the sources.",
)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="The folder of the Parquet files.")
@opens_project
def generate(opened: Opened, wanted: Wanted, run: Run, form: str, output: Path | None) -> None:
    """Write the seeds: every table that the project documents but does not build.

    Without a plan, the baseline author makes one for this run. The same plan gives the same bytes, whatever is
    selected and on any number of workers. Files that a person wrote are never touched. With --format parquet, the
    sources are written, unless tables are selected, and what their property file has to say of it is shown.
    """
    if output and form == "csv":
        raise click.UsageError("--output goes with --format parquet; seeds go where dbt looks for them")
    chosen = api.source_tables(opened.schema) if form == "parquet" else None
    resolved = resolve(opened, wanted, chosen)
    if not any(table.written for table in resolved):
        opened.talk.say("nothing to generate: the project documents no such table that it does not build or hold")
        return
    sink: Sink
    if form == "parquet":
        sink = api.parquet_sink(resolved, output, force=run.force)
    else:
        sink = api.csv_sink(resolved, force=run.force)
    with opened.talk.watcher() as watch:
        outcome = api.write(resolved, sink, workers=run.workers, progress=watch)
    _report_outcome(opened.talk, outcome, opened.notes or form == "parquet")
    opened.talk.say(f"next: {_next_step(resolved, outcome, parquet=form == 'parquet')}")


@click.command()
@chooses_tables
@makes_rows
@opens_project
def load(opened: Opened, wanted: Wanted, run: Run) -> None:
    """Write tables straight into the target's database, where source() and ref() look for them.

    Loads the sources, unless tables are selected. DuckDB, and PostgreSQL with the extra `postgres`. A load that fails
    leaves the tables as they were.
    """
    resolved = resolve(opened, wanted, api.source_tables(opened.schema))
    if not any(table.written for table in resolved):
        opened.talk.say("nothing to load: the project documents no source; --select names other tables")
        return
    with opened.talk.watcher() as watch:
        outcome = api.load(resolved, **opened.dbt, force=run.force, workers=run.workers, progress=watch)
    _report_outcome(opened.talk, outcome, opened.notes)
    opened.talk.say("next: dbt build")


def _report_outcome(talk: Talk, outcome: Outcome, notes: bool) -> None:
    """Says what a sink wrote, left and removed."""
    talk.report(outcome.notes, notes=notes)
    for written in outcome.written:
        state = "" if written.place in outcome.changed else "  unchanged"
        talk.say(
            f"{written.rows:>12,}  {written.place}{state}", table=written.table, rows=written.rows, file=written.place
        )
    for place in outcome.removed:
        talk.say(f"     removed  {place}", removed=place)


@click.command()
@chooses_tables
@opens_project
def check(opened: Opened, wanted: Wanted) -> None:
    """Check every promise against the written seeds, in SQL.

    Says for each promise how many rows were checked. Fails when one is broken. Give the --rows and --scale that the
    seeds were generated with; their dates are known. Of seeds that hold only changes, what a part of the rows can
    keep is checked: no keys to rows that did not change, and no whole histories.
    """
    resolved = resolve(opened, wanted, as_written=True)
    findings = api.check_seeds(resolved)
    failed = [finding for finding in findings if finding.status == "failed"]
    if opened.talk.as_json:
        for finding in findings:
            opened.talk.say(finding.promise, **explanation.finding_fields(finding))
    elif not opened.talk.quiet:
        opened.talk.out.print(explanation.findings_table(findings))
    for finding in failed[:_SHOWN_FINDINGS]:
        click.echo(explanation.spoken_finding(finding), err=True)
    if failed:
        raise explanation.broken_promises(failed, len(findings))
    checked = sum(finding.status == "passed" for finding in findings)
    empty = len(findings) - checked
    opened.talk.say(
        f"{checked} promises hold" + (f"; {empty} had nothing to check" if empty else ""), passed=checked, empty=empty
    )


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path("seedbed-demo"))
@click.option("--dbt", default="dbt", help="The dbt command.")
def demo(directory: Path, dbt: str) -> None:
    """Generate the demonstration, a case-management star schema, and build it with dbt on DuckDB.

    Puts it into DIRECTORY, or uses the one that is there.
    """
    talk = Talk(False, False)
    try:
        with talk.watcher() as watch:
            done = demonstration.prepare(directory, progress=watch)
        for written in done.written:
            talk.say(f"{written.rows:>12,}  {directory / written.place}")
        code = demonstration.build(directory, dbt)
    except SeedbedError as error:
        talk.fail(error)
        sys.exit(1)
    if code:
        sys.exit(1)
    talk.say(f"\nThe seeds are in {directory / 'seeds'}, the database is {directory / demonstration.DATABASE}.")
    here = "" if directory == Path() else f"cd {directory} && "
    talk.say(f"Try next:  {here}seedbed explain case_status_dim   # where each decision came from")
    talk.say(f"           {here}seedbed generate --rows case_dim=1000 && dbt build   # ten times the cases")


def _next_step(resolved: ResolvedPlan, outcome: Outcome, *, parquet: bool) -> str:
    """What loads and builds: models on sources do not wait for seeds, so that those go first.

    On one thread, because on DuckDB two seeds cannot create the schema of a source at the same moment. Parquet files
    are read where they are, once the sources say where that is.
    """
    root = resolved.project.root
    listed = any((root / name).exists() for name in ("packages.yml", "dependencies.yml"))
    deps = "dbt deps && " if listed and not (root / "dbt_packages").exists() else ""
    sources = any(table.source and not table.source.external for table in resolved if table.written)
    if parquet:
        lacking = any(note.code == "external-location" for note in outcome.notes)
        return f"{'add the external_location lines to the sources, then ' if lacking else ''}{deps}dbt build"
    return f"{deps}dbt seed --threads 1 && dbt build" if sources else f"{deps}dbt build"

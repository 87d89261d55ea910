"""The command line: `seedbed init`, `plan`, `generate`, `check`, `explain`, `demo`."""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml
from rich.console import Console

from seedbed import __version__, api, demonstration, explanation, installation
from seedbed.errors import AuthoringError, Diagnostic, ProjectError, SeedbedError, Severity
from seedbed.plan.resolved import ResolvedPlan
from seedbed.progress import Bar, Quiet, Watcher
from seedbed.schema import Schema
from seedbed.sinks.base import Outcome, Sink

F = TypeVar("F", bound=Callable[..., Any])
_SHOWN_FINDINGS = 5


@dataclass(frozen=True, slots=True)
class Talk:
    """How the run speaks to the person: to the terminal, or as one JSON object a line."""

    quiet: bool
    as_json: bool

    @property
    def out(self) -> Console:
        # Lines for a file or another program are not folded at the width of a terminal that is not there.
        width = None if sys.stdout.isatty() else 160
        return Console(highlight=False, width=width)

    def say(self, text: str = "", **fields: object) -> None:
        """Tells something that is not a problem; `fields` are its parts, for the JSON form."""
        if self.as_json:
            click.echo(json.dumps({"message": text, **fields}, default=str))
        elif not self.quiet:
            self.out.print(text, markup=False)

    def report(self, diagnostics: Sequence[Diagnostic], *, notes: bool = False) -> None:
        """Tells of problems that did not stop the run. Notes are only counted unless asked for."""
        shown = [found for found in diagnostics if notes or found.severity is not Severity.NOTE]
        for found in shown:
            click.echo(json.dumps(found.as_dict()) if self.as_json else str(found), err=True)
        hidden = len(diagnostics) - len(shown)
        if hidden and not self.quiet and not self.as_json:
            click.echo(f"{hidden} note{'s' if hidden > 1 else ''}; --notes shows them", err=True)

    def fail(self, error: SeedbedError) -> None:
        if not self.as_json:
            click.echo(f"Error: {error}", err=True)
            return
        if error.message:
            click.echo(json.dumps({"severity": "error", "message": error.message}), err=True)
        for found in error.diagnostics:
            click.echo(json.dumps(found.as_dict()), err=True)

    def watcher(self) -> Watcher:
        return Quiet() if self.quiet or self.as_json or not sys.stderr.isatty() else Bar()


def _vars(_: click.Context, __: click.Parameter, value: str | None) -> dict[str, Any]:
    if not value:
        return {}
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise click.BadParameter(f"{value!r} is not YAML: {error}") from None
    if not isinstance(read, dict):
        raise click.BadParameter(f"{value!r} is not a mapping such as '{{start_year: 2024}}'")
    return read


def _counts(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, int]:
    counts = {}
    for value in values:
        table, count = value.rpartition("=")[::2]
        digits = count.replace("_", "").replace(",", "")
        if not table or not digits.isdigit():
            raise click.BadParameter(f"{value!r} is not TABLE=N, for example orders=1000")
        counts[table] = int(digits)
    return counts


def _date(_: click.Context, __: click.Parameter, value: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a date; write it as 2026-06-30") from None


def _project_options(command: F) -> F:
    """The options that dbt's own commands have, under the same names."""
    for option in reversed(
        [
            click.option(
                "--project-dir",
                type=click.Path(file_okay=False),
                default=".",
                envvar="DBT_PROJECT_DIR",
                help="The folder with dbt_project.yml.",
            ),
            click.option(
                "--profiles-dir",
                type=click.Path(file_okay=False),
                envvar="DBT_PROFILES_DIR",
                help="The folder with profiles.yml.",
            ),
            click.option("--profile", help="The profile, when not the project's."),
            click.option("--target", "-t", envvar="DBT_TARGET", help="The profile's target."),
            click.option("--vars", callback=_vars, help="dbt variables, as YAML: '{start_year: 2024}'."),
            click.option("--notes", is_flag=True, help="Show notes too, not only warnings and errors."),
            click.option("--quiet", "-q", is_flag=True, help="Show warnings and errors only."),
            click.option(
                "--log-format",
                type=click.Choice(["text", "json"]),
                default="text",
                show_default=True,
                help="One JSON object a line instead of text.",
            ),
        ]
    ):
        command = option(command)
    return command


def _selection_options(command: F) -> F:
    select = click.option(
        "--select", "-s", multiple=True, help="Tables, as dbt selects: orders, source:raw.*, tag:crm, path:seeds/crm."
    )
    return select(click.option("--exclude", multiple=True, help="Tables to leave out.")(command))


def _size_options(command: F) -> F:
    for option in reversed(
        [
            click.option(
                "--rows", multiple=True, callback=_counts, metavar="TABLE=N", help="Rows of a table; repeatable."
            ),
            click.option(
                "--scale", type=click.FloatRange(min=0, max=1e7), default=1.0, help="Factor for all other row counts."
            ),
            click.option("--as-of", callback=_date, metavar="DATE", help="A later as-of date than the plan's."),
        ]
    ):
        command = option(command)
    return command


def _run_options(command: F) -> F:
    workers = click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=os.cpu_count() or 1,
        show_default="the processors",
        help="How many threads make rows.",
    )
    force = click.option("--force", is_flag=True, help="Also replace what a person wrote or edited.")
    return workers(force(command))


@dataclass(frozen=True, slots=True)
class Opened:
    """A project that was read, with dbt's options that it was read with, and how to speak of it."""

    schema: Schema
    talk: Talk
    dbt: dict[str, Any]


def _opens_project(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turns dbt's options into an opened project, and every problem into a message and exit code 1."""

    @functools.wraps(command)
    def run(
        project_dir: str,
        profiles_dir: str | None,
        profile: str | None,
        target: str | None,
        vars: dict[str, Any],
        notes: bool,
        quiet: bool,
        log_format: str,
        **options: Any,
    ) -> None:
        talk = Talk(quiet, log_format == "json")
        dbt: dict[str, Any] = {"profile": profile, "target": target, "profiles_dir": profiles_dir, "vars": vars}
        try:
            schema, found = api.read_project(project_dir, **dbt)
            talk.report(found, notes=notes)
            command(Opened(schema, talk, dbt), notes=notes, **options)
        except SeedbedError as error:
            talk.fail(error)
            sys.exit(1)

    return _project_options(run)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="seedbed")
def main() -> None:
    """Fills a dbt project with synthetic data that it can trust.

    \b
    seedbed generate      write the tables that the project documents but does not build
    dbt build             load them, test them, build the models on them

    A plan, seedbed.yml at the project's root, says how each column arises. `seedbed plan` writes it; edit it, and
    commit it. The same plan gives the same data everywhere.
    """


@main.command()
@_opens_project
def init(opened: Opened, notes: bool) -> None:
    """Set a project up: write its plan, and the dbt package with Seedbed's tests.

    Writes seedbed.yml if there is none, a copy of the seedbed dbt package to seedbed/dbt, and its entry in
    packages.yml. Run `dbt deps` afterwards.
    """
    planned = api.plan_project(opened.schema, today=_today())
    opened.talk.report(planned.notes, notes=notes)
    if planned.existed:
        opened.talk.say("seedbed.yml is there already; `seedbed plan` brings it up to date")
    else:
        path = api.save_plan(opened.schema, planned.plan)
        opened.talk.say(f"wrote {path.name}: {_spoken_count(len(planned.plan.tables), 'table')}", file=path)
    for line in installation.install_package(opened.schema.project.root):
        opened.talk.say(line)
    opened.talk.say("next: dbt deps && seedbed generate && dbt build")


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when the plan is not up to date. For CI.")
@click.option("--fresh", is_flag=True, help="Write all entries anew, but for those of a user.")
@click.option(
    "--dry-run", is_flag=True, help="Show what would change, or which calls an LLM would get; write and ask nothing."
)
@click.option(
    "--author",
    type=click.Choice(["baseline", "llm"]),
    default="baseline",
    show_default=True,
    help="Who decides what the project leaves open: rules alone, or an LLM where these only guess.",
)
@click.option("--max-tokens", type=click.IntRange(min=1), help="A hard limit on the tokens of all calls to the LLM.")
@click.option("--no-cache", is_flag=True, help="Use no replies of earlier runs, and keep none.")
@click.option("--refresh", is_flag=True, help="Ask the LLM again although it has answered before.")
@click.option(
    "--reply",
    multiple=True,
    metavar="[KEY=]FILE",
    help="A file with the answer to a prompt of `seedbed prompt`, in place of an endpoint; repeatable.",
)
@_opens_project
def plan(
    opened: Opened,
    notes: bool,
    check: bool,
    fresh: bool,
    dry_run: bool,
    author: str,
    max_tokens: int | None,
    no_cache: bool,
    refresh: bool,
    reply: Sequence[str],
) -> None:
    """Write or update the plan, seedbed.yml.

    Only columns whose description in the project changed are planned again, and never an entry that a person wrote
    (`by: user`) or edited. With --author llm, an LLM decides what the baseline author only guesses; its endpoint comes
    from SEEDBED_LLM_BASE_URL, SEEDBED_LLM_MODEL and SEEDBED_LLM_API_KEY.
    """
    talk = opened.talk
    author = "llm" if reply else author
    if author == "llm" and (dry_run or not reply):
        requests, endpoint = api.expected_calls(opened.schema, today=_today(), fresh=fresh)
        for line in explanation.spoken_calls(requests, endpoint, every=dry_run):
            talk.say(line)
        if dry_run:
            return
    options = api.LlmOptions(max_tokens, not no_cache, refresh, reply or None)
    planned = api.plan_project(opened.schema, today=_today(), fresh=fresh, author=author, llm=options, tell=talk.say)
    talk.report(planned.notes, notes=notes)
    api.resolve_plan(opened.schema, planned)
    if planned.prompts:
        for line in explanation.spoken_prompts(planned.prompts):
            talk.say(line)
        return
    for line in explanation.spoken_changes(planned.changes):
        talk.say(line)
    if planned.summary:
        talk.say(str(planned.summary))
    if check:
        if not planned.existed or planned.changes.any:
            raise ProjectError("The plan is not up to date; run `seedbed plan` and commit seedbed.yml.")
        talk.say("seedbed.yml is up to date")
    elif not dry_run and (planned.changes.any or not planned.existed):
        path = api.save_plan(opened.schema, planned.plan)
        talk.say(f"wrote {path.name}", file=path)
        talk.say("next: seedbed generate")
    elif not planned.changes.any:
        talk.say("seedbed.yml is up to date")
    if planned.summary and planned.summary.stopped:
        raise AuthoringError(planned.summary.stopped)


@main.command()
@click.argument("key", required=False)
@click.option("--fresh", is_flag=True, help="Ask for all entries anew, but for those of a user.")
@_opens_project
def prompt(opened: Opened, notes: bool, key: str | None, fresh: bool) -> None:
    """Print the prompts for an LLM, to be carried to any chat window by hand.

    Save each answer to a file, and give the files to `seedbed plan --reply FILE`. Its answer to one prompt may open
    others. KEY prints one of them without its heading.
    """
    planned = api.plan_project(opened.schema, today=_today(), fresh=fresh, author="llm", llm=api.LlmOptions(by_hand=()))
    opened.talk.report(planned.notes, notes=notes)
    chosen = [item for item in planned.prompts if item.key.startswith((key or "").lower())]
    if key and not chosen:
        raise AuthoringError(f"No open prompt has the key {key}; `seedbed prompt` prints those that are.")
    for item in chosen:
        if opened.talk.as_json:
            opened.talk.say(item.text, key=item.key, name=item.request.name, batch=item.request.batch)
        else:
            click.echo(item.text if key else f"=== prompt {item.title} ===\n{item.text}\n")
    if not chosen:
        opened.talk.say("no prompt is open: all are answered, or nothing is left for an LLM to decide")


@main.command()
@_selection_options
@_size_options
@_run_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
    help="Seeds for dbt, or Parquet files for the sources.",
)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="The folder of the Parquet files.")
@_opens_project
def generate(
    opened: Opened,
    notes: bool,
    select: Sequence[str],
    exclude: Sequence[str],
    rows: dict[str, int],
    scale: float,
    as_of: dt.date | None,
    workers: int,
    force: bool,
    form: str,
    output: Path | None,
) -> None:
    """Write the seeds: every table that the project documents but does not build.

    Without a plan, the baseline author makes one for this run. The same plan gives the same bytes, whatever is
    selected and on any number of workers. Files that a person wrote are never touched. With --format parquet, the
    sources are written, unless tables are selected, and what their property file has to say of it is shown.
    """
    if output and form == "csv":
        raise click.UsageError("--output goes with --format parquet; seeds go where dbt looks for them")
    chosen = api.source_tables(opened.schema) if form == "parquet" else None
    resolved = _resolve(opened, notes, select, exclude, rows, scale, as_of, chosen)
    if not any(table.written for table in resolved):
        opened.talk.say("nothing to generate: the project documents no such table that it does not build or hold")
        return
    sink: Sink
    if form == "parquet":
        sink = api.parquet_sink(resolved, output, force=force)
    else:
        sink = api.csv_sink(resolved, force=force, workers=workers)
    with opened.talk.watcher() as watch:
        outcome = api.generate(resolved, sink, workers=workers, progress=watch)
    _report_outcome(opened.talk, outcome, notes or form == "parquet")
    opened.talk.say(f"next: {_next_step(resolved)}")


@main.command()
@_selection_options
@_size_options
@_run_options
@_opens_project
def load(
    opened: Opened,
    notes: bool,
    select: Sequence[str],
    exclude: Sequence[str],
    rows: dict[str, int],
    scale: float,
    as_of: dt.date | None,
    workers: int,
    force: bool,
) -> None:
    """Write tables straight into the target's database, where source() and ref() look for them.

    Loads the sources, unless tables are selected. DuckDB, and PostgreSQL with the extra `postgres`. A load that fails
    leaves the tables as they were.
    """
    resolved = _resolve(opened, notes, select, exclude, rows, scale, as_of, api.source_tables(opened.schema))
    if not any(table.written for table in resolved):
        opened.talk.say("nothing to load: the project documents no source; --select names other tables")
        return
    with opened.talk.watcher() as watch:
        outcome = api.load(resolved, **opened.dbt, force=force, workers=workers, progress=watch)
    _report_outcome(opened.talk, outcome, notes)
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


@main.command()
@_selection_options
@_size_options
@_opens_project
def check(
    opened: Opened,
    notes: bool,
    select: Sequence[str],
    exclude: Sequence[str],
    rows: dict[str, int],
    scale: float,
    as_of: dt.date | None,
) -> None:
    """Check every promise against the written seeds, in SQL.

    Says for each promise how many rows were checked. Fails when one is broken. Give the --rows, --scale and --as-of
    that the seeds were generated with.
    """
    resolved = _resolve(opened, notes, select, exclude, rows, scale, as_of)
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


@main.command()
@click.argument("what", metavar="TABLE[.COLUMN]", required=False)
@_opens_project
def explain(opened: Opened, notes: bool, what: str | None) -> None:
    """Show where each decision came from: of all tables, of one, or of one column."""
    resolved = _resolve(opened, notes, (), (), {}, 1.0, None)
    opened.talk.out.print(explanation.explain(opened.schema, resolved, what))


@main.command()
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


def _resolve(
    opened: Opened,
    notes: bool,
    select: Sequence[str],
    exclude: Sequence[str],
    rows: dict[str, int],
    scale: float,
    as_of: dt.date | None,
    default: Collection[str] | None = None,
) -> ResolvedPlan:
    """The plan of this run. `default` are the tables to write when none are selected; all when None."""
    chosen, found = api.choose_tables(opened.schema, select, exclude)
    planned = api.plan_project(opened.schema, today=_today())
    opened.talk.report([*found, *planned.notes], notes=notes)
    if not planned.existed:
        opened.talk.say("there is no seedbed.yml: the baseline author decides; `seedbed plan` writes it down")
    elif planned.changes.any:
        opened.talk.say(
            "seedbed.yml is not up to date: the baseline author decides the rest; `seedbed plan` updates it"
        )
    resolved, found = api.resolve_plan(
        opened.schema, planned, select=default if chosen is None else chosen, rows=rows, scale=scale, as_of=as_of
    )
    opened.talk.report(found, notes=notes)
    return resolved


def _next_step(resolved: ResolvedPlan) -> str:
    """What loads and builds: models on sources do not wait for seeds, so that those go first.

    On one thread, because on DuckDB two seeds cannot create the schema of a source at the same moment.
    """
    root = resolved.project.root
    listed = any((root / name).exists() for name in ("packages.yml", "dependencies.yml"))
    deps = "dbt deps && " if listed and not (root / "dbt_packages").exists() else ""
    sources = any(table.source and not table.source.external for table in resolved if table.written)
    return f"{deps}dbt seed --threads 1 && dbt build" if sources else f"{deps}dbt build"


def _spoken_count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _today() -> dt.date:
    return dt.date.today()


if __name__ == "__main__":
    main()

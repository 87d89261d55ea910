"""The options that several commands share, and what they are turned into."""

from __future__ import annotations

import datetime as dt
import functools
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import click
import yaml

from seedbed import api
from seedbed.cli.talk import Talk
from seedbed.errors import INTERRUPTED, STOPPED, SeedbedError
from seedbed.plan.resolved import Form, ResolvedPlan
from seedbed.schema import Schema

_LISTS_RULES = frozenset(["plan", "check", "explain"])
"""The commands that name each rule that nothing enforces."""
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Opened:
    """A project that was read, with dbt's options that it was read with, and how to speak of it.

    `notes` says whether the person wants to see notes as well.
    """

    schema: Schema
    talk: Talk
    dbt: dict[str, Any]
    notes: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tables a run is about, which rows they have, and which of them it tells, as far as the options say."""

    select: Sequence[str] = ()
    exclude: Sequence[str] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    scale: float = 1.0
    as_of: dt.date | None = None
    since: dt.date | None = None
    changes: Form | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """How rows are made and written: by how many processes, and whether over what a person wrote."""

    workers: int
    force: bool


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
            click.option("--quiet", "-q", is_flag=True, help="Show errors only."),
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
            click.option(
                "--since",
                callback=_date,
                metavar="DATE",
                help="Only what changed after this day, an earlier as-of date.",
            ),
            click.option(
                "--changes",
                type=click.Choice(["delta", "feed"]),
                help="How it is told: as new and changed rows (delta, the default), or as every insert, update and "
                "delete, day by day (feed; without --since it begins with all rows).",
            ),
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
        help="How many processes make rows at most. Small jobs are done by one: others take a second to start.",
    )
    force = click.option("--force", is_flag=True, help="Also replace what a person wrote or edited.")
    return workers(force(command))


def opens_project(command: Callable[..., Any]) -> Callable[..., Any]:
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
        talk = Talk(quiet, log_format == "json", command.__name__ in _LISTS_RULES)
        dbt: dict[str, Any] = {"profile": profile, "target": target, "profiles_dir": profiles_dir, "vars": vars}
        try:
            schema, found = api.read_project(project_dir, **dbt)
            talk.report(found, notes=notes)
            command(Opened(schema, talk, dbt, notes), **options)
            talk.finish()
        except SeedbedError as error:
            talk.fail(error)
            sys.exit(1)

    return _project_options(run)


def chooses_tables(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turns the options about tables and numbers of rows into one argument, `wanted`."""

    @functools.wraps(command)
    def run(
        *arguments: Any,
        select: Sequence[str],
        exclude: Sequence[str],
        rows: dict[str, int],
        scale: float,
        as_of: dt.date | None,
        since: dt.date | None,
        changes: str | None,
        **options: Any,
    ) -> None:
        wanted = Wanted(select, exclude, rows, scale, as_of, since, Form(changes) if changes else None)
        command(*arguments, wanted=wanted, **options)

    return _selection_options(_size_options(run))


def makes_rows(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turns the options about making and writing rows into one argument, `run`, and Ctrl-C into a plain message."""

    @functools.wraps(command)
    def with_run(*arguments: Any, workers: int, force: bool, **options: Any) -> None:
        try:
            command(*arguments, run=Run(workers, force), **options)
        except KeyboardInterrupt:
            click.echo(STOPPED, err=True)
            sys.exit(INTERRUPTED)

    return _run_options(with_run)


def resolve(
    opened: Opened, wanted: Wanted, default: Collection[str] | None = None, *, as_written: bool = False
) -> ResolvedPlan:
    """The plan of this run.

    Args:
        opened: the project.
        wanted: what the options say.
        default: the tables to write when none are selected; all when None.
        as_written: take the dates from the seeds that there are, where the options give none.
    """
    chosen, found = api.choose_tables(opened.schema, wanted.select, wanted.exclude)
    planned = api.plan_project(opened.schema, today=today())
    opened.talk.report([*found, *planned.notes], notes=opened.notes)
    if not planned.existed:
        opened.talk.say("there is no seedbed.yml: the baseline author decides; `seedbed plan` writes it down")
    elif planned.changes.any:
        opened.talk.say(
            "seedbed.yml is not up to date: the baseline author decides the rest; `seedbed plan` updates it"
        )
    if as_written:
        wanted = _as_written(opened, wanted, planned.plan.as_of)
    resolved, found = api.resolve_plan(
        opened.schema,
        planned,
        select=default if chosen is None else chosen,
        rows=wanted.rows,
        scale=wanted.scale,
        as_of=wanted.as_of,
        since=wanted.since,
        changes=wanted.changes,
    )
    opened.talk.report(found, notes=opened.notes)
    return resolved


def _as_written(opened: Opened, wanted: Wanted, planned: dt.date) -> Wanted:
    """The dates that the seeds were written with, where the options and the plan do not say others."""
    written = api.written_dates(opened.schema)
    if written is None or written.as_of < planned or wanted.as_of or wanted.since or wanted.changes:
        return wanted
    return replace(wanted, as_of=written.as_of, since=written.since, changes=written.changes)


def today() -> dt.date:
    """The day on which the command runs: the as-of date of a new plan."""
    return dt.date.today()

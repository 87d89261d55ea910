"""The steps in their order: read a project, plan it, resolve the plan, generate, check.

Every function takes what the one before it gave. Problems that stop a step are raised together as one error;
the others come back beside the result.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from seedbed.authoring.baseline.author import author_plan
from seedbed.authoring.client.by_hand import BY_HAND, HandReplies, Walk, hand_replies
from seedbed.authoring.client.calls import Limits, Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.endpoint import Endpoint, read_endpoint
from seedbed.authoring.client.ledger import Ledger
from seedbed.authoring.client.replies import open_replies
from seedbed.check import Finding, check, seed_file
from seedbed.documents import Document
from seedbed.engine.batches import generate_batches, schema_of, workers_on
from seedbed.engine.extracts import count_parts, count_states, extract_batches
from seedbed.engine.ranges import RowRanges
from seedbed.engine.world import World
from seedbed.errors import AuthoringError, CheckFailed, Diagnostic, GenerationError, PlanError, ProjectError, has_errors
from seedbed.flow import Watched
from seedbed.homes import config_home
from seedbed.parsers import read_schema, read_target_settings, select_tables
from seedbed.plan.extracts import take_extract
from seedbed.plan.files import Changes, merge_plans, read_plan, write_plan
from seedbed.plan.plan_text import render_plan
from seedbed.plan.resolve import resolve
from seedbed.plan.resolved import Form, ResolvedPlan, ResolvedTable
from seedbed.plan.rulings import Standing
from seedbed.plan.spec import PLAN_FILE, Plan
from seedbed.plan.text_pools import TEXTS
from seedbed.proving import hold_to_rules, missing_rows, prove_rules, try_out
from seedbed.schema import Schema
from seedbed.sinks.arrow import ArrowSink
from seedbed.sinks.base import Outcome, Sink
from seedbed.sinks.manifest import read_manifest
from seedbed.sinks.parquet import ParquetSink
from seedbed.sinks.seeds import CsvSink
from seedbed.sinks.warehouse import warehouse_sink

if TYPE_CHECKING:
    from seedbed.authoring.llm.author import Summary
    from seedbed.authoring.llm.run import Tell

# What asks an LLM is loaded when one is asked: it is a tenth of what every other run would wait for.

__all__ = [
    "TEXTS",
    "Finding",
    "Given",
    "LlmOptions",
    "Planned",
    "Progress",
    "check_seeds",
    "choose_tables",
    "expected_calls",
    "generate_tables",
    "load",
    "make_and_check",
    "missing_rows",
    "plan_project",
    "prove_rules",
    "read_project",
    "resolve_plan",
    "row_ranges",
    "save_plan",
    "source_tables",
    "write",
]

Progress = Callable[[ResolvedTable, int, float], None]
"""Is told of each batch: the table, how many rows it has so far, and which share of it is done (0 to 1)."""
Given = tuple[Plan, Document]
"""A plan from elsewhere than the project's plan file, and the document that it was read from."""


@dataclass(frozen=True, slots=True)
class LlmOptions:
    """How an LLM is asked. Endpoint, model and key come from `environ` or the person's own `llm.yml`.

    Attributes:
        max_tokens: a hard limit on the tokens of all calls together; None for no limit.
        cache: whether replies of earlier runs are used and new ones kept.
        refresh: ask again although there is a reply.
        by_hand: files with a person's answers (`FILE` or `KEY=FILE`, perhaps none), in whose place no endpoint is
            asked; None to ask the endpoint.
        texts: about how many texts are written for each column of free text; 0 for none.
        environ: the environment.
    """

    max_tokens: int | None = None
    cache: bool = True
    refresh: bool = False
    by_hand: Sequence[str] | None = None
    texts: int = TEXTS
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan that covers the whole project, and the schema that it is for; as text, it is the plan's YAML.

    `document` is the YAML that it was read from, empty if there was none; `existed` says whether there was one, and
    `changes` what became of it. `notes` are what an author had to guess or could not do. `files` are the texts of files
    beside the plan that an author wrote and that `save_plan` is to write with it, by their path relative to the
    project's root. `summary` tells what an LLM added, if one was asked; `walk` how far a person is who asks by hand.
    """

    schema: Schema
    plan: Plan
    document: Document
    changes: Changes
    existed: bool
    notes: tuple[Diagnostic, ...] = ()
    summary: Summary | None = None
    walk: Walk | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return render_plan(self.plan.unmarked)


@dataclass(frozen=True, slots=True)
class WrittenDates:
    """The as-of date of seeds, and, where they hold only changes, since when and in which form."""

    as_of: dt.date
    since: dt.date | None
    changes: Form | None


def read_project(
    project_dir: Path | str = ".",
    *,
    profile: str | None = None,
    target: str | None = None,
    profiles_dir: Path | str | None = None,
    vars: Mapping[str, object] | None = None,
) -> tuple[Schema, list[Diagnostic]]:
    """Reads a dbt project; the names of the arguments are dbt's.

    Raises:
        ProjectError: the project cannot be read into a Schema.
    """
    schema, diagnostics = read_schema(
        Path(project_dir),
        profile=profile,
        target=target,
        profiles_dir=Path(profiles_dir) if profiles_dir else None,
        vars=vars,
    )
    if has_errors(diagnostics):
        raise ProjectError("The project cannot be read.", diagnostics)
    return schema, diagnostics


def choose_tables(
    schema: Schema, select: Sequence[str] = (), exclude: Sequence[str] = ()
) -> tuple[frozenset[str] | None, list[Diagnostic]]:
    """The tables that dbt-like selectors name; None for all of them.

    Raises:
        ProjectError: a selector names nothing.
    """
    if not select and not exclude:
        return None, []
    names, diagnostics = select_tables(schema, select, exclude)
    if has_errors(diagnostics):
        raise ProjectError("The selection names nothing.", diagnostics)
    return frozenset(names), diagnostics


def source_tables(schema: Schema) -> frozenset[str]:
    """The sources that are to be generated: what `load` and the dbt-duckdb plugin fill unless told otherwise."""
    return frozenset(table.name for table in schema if table.generated and table.source)


def plan_project(
    schema: Schema,
    *,
    today: dt.date,
    fresh: bool = False,
    author: str = "baseline",
    llm: LlmOptions | None = None,
    tell: Tell = lambda line: None,
    given: Given | None = None,
    **settings: object,
) -> Planned:
    """The project's plan, brought up to date by an author. Nothing is written.

    Args:
        schema: what the project says.
        today: from which a new plan takes its as-of date.
        fresh: forget the plan that there is, but for what a user wrote.
        author: `baseline`, or `llm` to have an LLM decide what the baseline author only guesses.
        llm: how the LLM is asked.
        tell: is told of each call to the LLM.
        given: a plan to bring up to date in place of the project's plan file.
        settings: passed on to the baseline author.

    Raises:
        PlanError: the plan that there is cannot be read.
        AuthoringError: no LLM is configured, or it cannot be asked.
    """
    old, document, authored, notes = _propose(schema, today, settings, given)
    if author != "llm":
        plan, changes = merge_plans(old, authored, schema, fresh=fresh)
        return Planned(schema, plan, document, changes, old is not None, tuple(notes))
    draft, _ = merge_plans(old, authored, schema, fresh=fresh)
    from seedbed.authoring.llm.author import author_with_llm  # noqa: PLC0415 - see above
    from seedbed.authoring.llm.prompts import read_templates  # noqa: PLC0415

    templates = read_templates(schema.project.root)
    llm = llm or LlmOptions()
    with open_client(llm) as (client, hand):
        at_once = 1 if hand else Limits().calls_at_once
        authored, summary = author_with_llm(
            schema,
            draft,
            client,
            templates,
            at_once=at_once,
            tell=tell,
            proof=try_out,
            rule_proof=hold_to_rules,
            texts=llm.texts,
        )
    walk = hand.walk(client.rejections) if hand else None
    plan, changes = merge_plans(old, authored, schema, fresh=fresh, files=summary.files)
    if not (walk and walk.open):
        notes += summary.kept
    return Planned(schema, plan, document, changes, old is not None, tuple(notes), summary, walk, summary.files)


def expected_calls(
    schema: Schema, *, today: dt.date, fresh: bool = False, texts: int = TEXTS, **settings: object
) -> tuple[list[Request], Endpoint | None]:
    """The calls that planning with an LLM would make, none of which is made; and the endpoint, if one is configured.

    Raises:
        PlanError: the plan that there is cannot be read.
        AuthoringError: a template of the project cannot be used.
    """
    from seedbed.authoring.llm.author import expected_requests  # noqa: PLC0415 - see above
    from seedbed.authoring.llm.prompts import read_templates  # noqa: PLC0415

    old, _, authored, _ = _propose(schema, today, settings)
    draft, _ = merge_plans(old, authored, schema, fresh=fresh)
    requests = expected_requests(schema, draft, read_templates(schema.project.root), texts)
    try:
        return requests, read_endpoint(os.environ, config_home(os.environ))
    except AuthoringError:
        return requests, None


def _propose(
    schema: Schema, today: dt.date, settings: Mapping[str, Any], given: Given | None = None
) -> tuple[Plan | None, Document, Plan, list[Diagnostic]]:
    """The plan that there is, its document, the one that the baseline author proposes, and notes on that."""
    path = schema.project.root / PLAN_FILE
    old, document = given or (None, Document({}, PLAN_FILE))
    if given is None and path.exists():
        old, document = read_plan(path, schema.project.root)
    as_of = old.as_of if old else None
    authored, notes = author_plan(schema, today=today, as_of=as_of, start=old.start if old else None, **settings)
    return old, document, authored, notes


@contextmanager
def open_client(llm: LlmOptions) -> Iterator[tuple[Client, HandReplies | None]]:
    """Who asks the LLM, and a person's answers in its place; closed at the end."""
    ledger = Ledger(llm.max_tokens)
    if llm.by_hand is not None:
        hand = hand_replies(llm.environ, llm.by_hand)
        with Client(BY_HAND, hand, ledger) as client:
            yield client, hand
        return
    endpoint = read_endpoint(llm.environ, config_home(llm.environ))
    with Client(endpoint, open_replies(llm.environ, cache=llm.cache, refresh=llm.refresh), ledger) as client:
        yield client, None


def save_plan(schema: Schema, planned: Planned) -> Path:
    """Writes the plan to the root of the project, and the files beside it: all of them or none.

    Raises:
        SinkError: something cannot be written, or a file is a person's; what was there before is untouched.
    """
    path = schema.project.root / PLAN_FILE
    write_plan(planned.plan, path, planned.files)
    return path


def resolve_plan(
    schema: Schema,
    planned: Planned,
    *,
    select: Collection[str] | None = None,
    rows: Mapping[str, int] | None = None,
    scale: float = 1.0,
    as_of: dt.date | None = None,
    changes: Form | Literal["delta", "feed"] | None = None,
    since: dt.date | None = None,
) -> tuple[ResolvedPlan, list[Diagnostic]]:
    """The plan with nothing left to decide; arguments as `seedbed.plan.resolve.resolve`.

    Args:
        changes: write only what changed after the day `since`: a `delta` has the new and changed rows, a `feed` every
            insert, update and delete. By default a delta where `since` is given, else the whole state.
        since: an as-of date from the plan's own on; a feed without it begins with all rows.

    Raises:
        PlanError: the plan does not fit the project, or cannot be carried out.
    """
    resolved, diagnostics = resolve(
        schema,
        planned.plan,
        planned.document,
        select=select,
        rows=rows,
        scale=scale,
        as_of=as_of,
        files=planned.files,
    )
    if resolved is None:
        raise PlanError("The plan cannot be carried out.", diagnostics)
    if changes or since:
        resolved = take_extract(resolved, Form(changes or Form.DELTA), since)
    return resolved, diagnostics


def write(resolved: ResolvedPlan, sink: Sink, *, workers: int = 1, progress: Progress | None = None) -> Outcome:
    """Makes every written table, or what changed in it if the plan says so, and commits them to the sink together.

    Args:
        resolved: the plan.
        sink: where the rows end.
        workers: how many processes make rows at most, this one included. Others are started where there is enough to
            do for them, and end with the call.
        progress: is told of each batch.

    Raises:
        GenerationError: the plan cannot be carried out with these numbers of rows.
        SinkError: the rows cannot be written; what was there before is untouched.
    """
    notes = _uphold(resolved)
    with sink, _batches(resolved, workers, progress) as tables:
        for table, batches in tables:
            sink.write(table, schema_of(table), batches)
        outcome = sink.commit()
    return replace(outcome, notes=(*notes, *outcome.notes))


def _uphold(resolved: ResolvedPlan) -> list[Diagnostic]:
    """Refuses to make rows that break a rule: those that are not built in are tried on a few rows first.

    Returns:
        Warnings of rules that leave out many rows.
    """
    missing = missing_rows(resolved)
    if has_errors(missing):
        raise GenerationError("The plan cannot be carried out.", missing)
    rules = [promise for table in resolved if table.written for promise in table.promises.rules]
    if any(promise.standing is Standing.CHECKED for promise in rules):
        broken = prove_rules(resolved, meaning=False)
        if broken:
            raise GenerationError("The plan cannot be carried out.", broken)
    return missing


@contextmanager
def _batches(
    resolved: ResolvedPlan, workers: int, progress: Progress | None
) -> Iterator[Iterator[tuple[ResolvedTable, Iterable[pa.RecordBatch]]]]:
    """Each written table with its rows, or what changed in it if the plan says so; made when they are asked for."""
    world = World(resolved)
    with workers_on(world, workers, states=count_states(resolved)) as shared:

        def batches(table: ResolvedTable) -> Iterable[pa.RecordBatch]:
            if resolved.extract:
                count, made = count_parts(resolved, table), extract_batches(resolved, table, workers=shared)
            else:
                made = generate_batches(world, table, workers=shared)
                count = len(made)
            return Watched(made, _counting(table, count, progress)) if progress else made

        yield ((table, batches(table)) for table in resolved if table.written)


def _counting(table: ResolvedTable, count: int, progress: Progress) -> Callable[[int], None]:
    rows = done = 0

    def told(more: int) -> None:
        nonlocal rows, done
        rows, done = rows + more, done + 1
        progress(table, rows, done / max(count, 1))

    return told


def generate_tables(resolved: ResolvedPlan, *, workers: int = 1) -> dict[str, pa.Table]:
    """Makes every written table in memory, as Arrow tables by name."""
    sink = ArrowSink()
    write(resolved, sink, workers=workers)
    return dict(sink.tables)


def make_and_check(
    resolved: ResolvedPlan, *, keep: int, workers: int = 1, progress: Progress | None = None
) -> tuple[dict[str, pa.Table], list[Finding]]:
    """Makes every written table in a folder that is removed again, and holds it to its promises.

    Args:
        resolved: the plan.
        keep: how many of its first rows a table keeps in memory.
        workers: how many processes make rows at most, as for `write`.
        progress: is told of each batch.

    Returns:
        The first rows of each table, and what the check found about all rows.
    """
    kept: dict[str, pa.Table] = {}
    with tempfile.TemporaryDirectory(prefix="seedbed-report-") as folder:
        root = Path(folder)
        project = replace(resolved.project, root=root, seed_paths=(root / "seeds",), test_paths=(root / "tests",))
        with CsvSink(replace(resolved, project=project)) as sink, _batches(resolved, workers, progress) as tables:
            for table, batches in tables:
                first: list[pa.RecordBatch] = []
                sink.write(table, schema_of(table), _keeping(batches, first, keep))
                kept[table.name] = pa.Table.from_batches(first, schema_of(table)).slice(0, keep)
            sink.commit()
        return kept, check(resolved, root / "seeds")


def _keeping(batches: Iterable[pa.RecordBatch], first: list[pa.RecordBatch], keep: int) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in batches:
        if rows < keep:
            first.append(batch)
            rows += batch.num_rows
        yield batch


def row_ranges(resolved: ResolvedPlan, name: str) -> RowRanges:
    """One table in parts that any process can make alone: for engines that work on many machines.

    Raises:
        PlanError: the plan has no table of that name.
    """
    return RowRanges(resolved, name)


def check_seeds(resolved: ResolvedPlan, folder: Path | None = None) -> list[Finding]:
    """Checks every promise against the written seeds, in SQL; `folder` is the project's seed folder by default.

    Raises:
        CheckFailed: none of the seeds is there.
    """
    folder = folder or resolved.project.seed_paths[0]
    written = [seed_file(table, folder) for table in resolved if table.written]
    if written and not any(path.exists() for path in written):
        raise CheckFailed(
            f"there is nothing to check: {folder} holds none of the plan's CSV seeds, such as {written[0].name}.\n"
            "  hint: run `seedbed generate`; Parquet files and loaded tables are not looked at"
        )
    return check(resolved, folder)


def written_dates(schema: Schema) -> WrittenDates | None:
    """What the seeds of the project hold, as the last run recorded it; None where Seedbed wrote none."""
    manifest = read_manifest(schema.project.seed_paths[0])
    return WrittenDates(manifest.as_of, manifest.since, manifest.changes) if manifest else None


def csv_sink(resolved: ResolvedPlan, *, force: bool = False) -> CsvSink:
    """The sink that writes seeds and their properties into the project."""
    return CsvSink(resolved, force=force)


def parquet_sink(resolved: ResolvedPlan, folder: Path | None = None, *, force: bool = False) -> ParquetSink:
    """The sink that writes Parquet files; `folder` is `seedbed/data` below the project's root by default."""
    return ParquetSink(resolved, folder, force=force)


def load(
    resolved: ResolvedPlan,
    *,
    profile: str | None = None,
    target: str | None = None,
    profiles_dir: Path | str | None = None,
    vars: Mapping[str, object] | None = None,
    force: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """Makes every written table in the database of a dbt target, where `source()` and `ref()` look for it.

    The plan must have been resolved from the project as it is for the same target, whose schemas it holds.

    Args:
        resolved: the plan.
        profile: as for dbt, like `target`, `profiles_dir` and `vars`.
        force: also replace sources that Seedbed did not write.
        workers: how many processes make rows at most, as for `write`.
        progress: is told of each batch.

    Raises:
        ProjectError: the target is not known.
        GenerationError: the plan cannot be carried out with these numbers of rows.
        SinkError: the tables cannot be loaded; what was there before is untouched.
    """
    settings = read_target_settings(
        resolved.project.root,
        profile=profile,
        target=target,
        profiles_dir=Path(profiles_dir) if profiles_dir else None,
        variables=vars,
    )
    return write(resolved, warehouse_sink(resolved, settings, force=force), workers=workers, progress=progress)

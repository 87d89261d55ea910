"""Schema and plan in, resolved plan out: the place where everything uncertain ends."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from seedbed.documents import Document
from seedbed.errors import Diagnostic, has_errors
from seedbed.plan.calls import build_validators
from seedbed.plan.columns import Types, resolve_column
from seedbed.plan.comparisons import find_unknown_values
from seedbed.plan.correlations import mixtures
from seedbed.plan.cycles import check_cycles
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.entries import gather
from seedbed.plan.fits import check_fit, check_generator, settle_names
from seedbed.plan.given import check_given
from seedbed.plan.histories import prepare_histories, resolve_processes, split_moments
from seedbed.plan.pools import check_pools, read_pools
from seedbed.plan.promises import promises_of
from seedbed.plan.records import check_records, prepare_records
from seedbed.plan.references import add_dependent_references, add_references
from seedbed.plan.resolved import (
    Delayed,
    FromFile,
    Given,
    PerParent,
    Promises,
    ResolvedColumn,
    ResolvedPlan,
    ResolvedTable,
    VersionPart,
)
from seedbed.plan.rows import check_numbering, drive_rows, start_tables
from seedbed.plan.rule_promises import rule_promises
from seedbed.plan.ruled import Ruled, build_in, place_rules, vary_columns
from seedbed.plan.spec import Plan
from seedbed.plan.stated import gather_rules
from seedbed.schema import Resource, Schema, Table

build_validators((Delayed, FromFile, VersionPart))


def resolve(
    schema: Schema,
    plan: Plan,
    document: Document,
    *,
    select: Collection[str] | None = None,
    rows: Mapping[str, int] | None = None,
    scale: float = 1.0,
    as_of: dt.date | None = None,
    files: Mapping[str, str] | None = None,
) -> tuple[ResolvedPlan | None, list[Diagnostic]]:
    """Settles everything that Schema and plan leave open.

    Args:
        schema: what the project says.
        plan: what the plan says; it must cover every generated table.
        document: the plan's YAML, for the places of its entries.
        select: names of the tables to write; all when None. The others are worked out where needed.
        rows: row counts that replace the plan's, by table; the plan's rows stay a prefix.
        scale: factor for the row counts that are neither replaced nor follow from other tables.
        as_of: a later as-of date than the plan's.
        files: texts of files beside the plan that are not written yet, by path.

    Returns:
        The resolved plan, or None when a diagnostic is an error; and all diagnostics.
    """
    drafts = Drafts(schema, plan, document, files=files or {})
    said, diagnostics = gather(schema, plan, document)
    drafts.diagnostics.extend(diagnostics)
    stated, diagnostics = gather_rules(schema, plan, document)
    drafts.diagnostics.extend(diagnostics)
    start_tables(drafts, said, rows or {}, scale, as_of or plan.as_of)
    _check_as_of(drafts, as_of)
    types, ruled = Types(drafts), list[Ruled]()
    if not has_errors(drafts.diagnostics):
        settle_names(drafts)
        read_pools(drafts)
        prepare_histories(drafts, scale)
        split_moments(drafts)
        prepare_records(drafts)
        ruled = place_rules(drafts, stated)
        vary_columns(drafts, ruled)
        add_references(drafts)
        resolve_processes(drafts)
        add_dependent_references(drafts)
        drive_rows(drafts)
        build_in(drafts, ruled, types)
    if not has_errors(drafts.diagnostics):
        check_records(drafts)
        check_numbering(drafts, as_of or plan.as_of)
    if has_errors(drafts.diagnostics):
        return None, drafts.diagnostics
    tables = {}
    for draft in drafts:
        if isinstance(draft.rows, PerParent) and draft.rows.where:
            parent = drafts.tables[draft.references[draft.rows.reference].parent]
            types.check_predicate(parent, draft.rows.where, f"rows of {draft.name}", draft.place())
        mixed = mixtures(drafts, draft)
        columns = {name: resolve_column(drafts, draft, name, types, mixed.get(name)) for name in draft.generators}
        for name in draft.generators:
            check_generator(drafts, draft, name, types)
            check_fit(drafts, draft, name, types.of(draft, name), types.made[draft.name, name])
        check_given(drafts, draft, types)
        tables[draft.name] = _table(draft, columns, select)
    if not has_errors(drafts.diagnostics):
        check_pools(drafts, tables)
    lifecycles = tuple(drafts.lifecycles.values())
    if check_cycles(drafts, tables, lifecycles):
        for draft in drafts:
            columns = {column.name: column for column in tables[draft.name].columns}
            if draft.written or not isinstance(draft.rows, Given):
                promises = promises_of(drafts, draft, columns, as_of or plan.as_of, ruled, types)
            else:
                promises = Promises(rules=tuple(rule_promises(drafts, draft, columns, ruled, types)[0]))
            tables[draft.name] = replace(tables[draft.name], promises=promises)
        if any(item.references for table in tables.values() for item in table.promises.predicates):
            check_cycles(drafts, tables, lifecycles, keys=False)
    if has_errors(drafts.diagnostics):
        return None, drafts.diagnostics
    drafts.diagnostics.extend(find_unknown_values(tables, lifecycles, {draft.name: draft.place() for draft in drafts}))
    resolved = ResolvedPlan(
        project=schema.project,
        random_seed=plan.random_seed,
        start=plan.start,
        as_of=as_of or plan.as_of,
        planned_as_of=plan.as_of,
        locale=plan.locale,
        tables=tuple(tables.values()),
        lifecycles=lifecycles,
        pools=drafts.pools,
    )
    return resolved, drafts.diagnostics


def _check_as_of(drafts: Drafts, as_of: dt.date | None) -> None:
    if as_of is not None and as_of < drafts.plan.as_of:
        drafts.error(
            "as-of-too-early",
            f"the as-of date {as_of} is before the plan's, {drafts.plan.as_of}",
            drafts.document.location("as_of"),
            "ask for the plan's date or a later one, or change `as_of` in the plan",
        )


def _table(draft: Draft, columns: Mapping[str, ResolvedColumn], select: Collection[str] | None) -> ResolvedTable:
    assert draft.rows is not None
    table = draft.table
    chosen = select is None or table.name in select
    return ResolvedTable(
        name=table.name,
        file=file_name(table),
        resource=table.resource,
        rows=draft.rows,
        columns=tuple(sorted(columns.values(), key=lambda column: column.hidden)),
        references=tuple(draft.references.values()),
        written=draft.written and chosen,
        kept=draft.written and not chosen,
        appears_at=draft.appears,
        gone_at=draft.gone,
        description=table.description.value if table.description else "",
        source=table.source,
        property_file=table.origin.file if table.resource is Resource.SEED else None,
        declared_tests=table.declared_tests,
    )


def file_name(table: Table) -> str:
    """`raw.orders` becomes `raw__orders`; what no file or relation should be called is replaced.

    A documented seed keeps its letters' case: dbt finds a seed by the name of its file, letter for letter.
    """
    name = re.sub(r"[^\w]+", "_", table.name.replace(".", "__")).strip("_")
    if table.resource not in (Resource.SEED, Resource.MODEL):
        name = name.lower()
    return name if name and not name[0].isdigit() else f"t_{name}"

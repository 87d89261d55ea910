"""Holds the written files to the promises of their plan: plain SQL over the CSVs, nothing of the engine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from seedbed.check.findings import Finding, Status, render_findings
from seedbed.check.histories import history_probes, validity_probes
from seedbed.check.mutation import says_something
from seedbed.check.probes import EachRow, Probe
from seedbed.check.promises import promise_probes
from seedbed.check.rules import rule_probes
from seedbed.check.tables import load, load_rows, seed_file, type_probes
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.plan.rulings import RulePromise

__all__ = ["Finding", "Status", "check", "check_rules", "render_findings", "seed_file"]

_EXAMPLES = 3


def check(plan: ResolvedPlan, seeds_dir: Path) -> list[Finding]:
    """Verifies the seeds in a folder against everything that the plan promises of them.

    Every promise of every written table has one finding, in the plan's order. A file that is missing or has
    other columns is a failed finding of its own, and the promises about it have nothing to check.
    """
    # In a file, so that seeds larger than the memory can be checked.
    with (
        tempfile.TemporaryDirectory(prefix="seedbed-check-") as folder,
        duckdb.connect(str(Path(folder) / "check.duckdb")) as connection,
    ):
        return list(_check(plan, seeds_dir, connection))


def check_rules(
    plan: ResolvedPlan, rows: Mapping[str, pa.Table], *, meaning: bool = True
) -> tuple[list[Finding], list[RulePromise]]:
    """Holds rows that are in memory to the business rules of their plan.

    Args:
        plan: the plan that they were made from.
        rows: by the name of each table.
        meaning: look for rules that say nothing.

    Returns:
        A finding for each rule, in the plan's order; and the rules that say nothing, because no broken copy of the
        rows violates them.
    """
    findings: list[Finding] = []
    empty: list[RulePromise] = []
    with duckdb.connect() as connection:
        loaded = set(rows)
        for table in plan:
            if table.name in rows:
                load_rows(connection, table, rows[table.name])
            elif table.seed and not load(connection, table, Path()):
                loaded.add(table.name)
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        for table in plan:
            if table.name not in loaded:
                continue
            for promise, probe in zip(table.promises.rules, rule_probes(table, loaded), strict=True):
                findings.append(_held(table, probe, connection))
                if meaning and loaded.issuperset(probe.reads) and not says_something(connection, plan, table, promise):
                    empty.append(promise)
    return findings, empty


def _check(plan: ResolvedPlan, seeds_dir: Path, connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    tables = [table for table in plan if table.written or table.seed]
    unread = {table.name: found for table in tables if (found := load(connection, table, seeds_dir))}
    # From here on, text from the plan is run: patterns and predicates.
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    for table in tables:
        yield from unread.get(table.name, ())
        loaded = {other.name for other in tables}
        probes = [*(_probes(table, plan) if table.written else ()), *rule_probes(table, loaded)]
        blocked = [any(other in unread for other in (table.name, *probe.reads)) for probe in probes]
        of_rows = (probe.each for probe, none in zip(probes, blocked, strict=True) if probe.each and not none)
        counts = _count_rows(of_rows, connection)
        for probe, none in zip(probes, blocked, strict=True):
            yield _nothing(table, probe) if none else _held(table, probe, connection, counts)


def _probes(table: ResolvedTable, plan: ResolvedPlan) -> Iterator[Probe]:
    yield from type_probes(table)
    yield from promise_probes(table, plan)
    yield from history_probes(table)
    yield from validity_probes(table, plan)


def _count_rows(asked: Iterable[EachRow], connection: duckdb.DuckDBPyConnection) -> dict[EachRow, tuple[int, int]]:
    """How many rows each promise is about, and how many break it: all that is asked of a table in one statement.

    Where that fails, for whichever of them, there are no counts, and each is to be asked by itself.
    """
    by_source: dict[str, list[EachRow]] = {}
    for each in dict.fromkeys(asked):
        by_source.setdefault(each.source, []).append(each)
    counts: dict[EachRow, tuple[int, int]] = {}
    for source, found in by_source.items():
        counted = ", ".join(
            f"count(*) filter (where {each.applies}), count(*) filter (where ({each.applies}) and ({each.broken}))"
            for each in found
        )
        with suppress(duckdb.Error):
            (numbers,) = connection.execute(f"select {counted} from {source}").fetchall()
            counts.update(zip(found, zip(numbers[::2], numbers[1::2], strict=True), strict=True))
    return counts


def _held(
    table: ResolvedTable,
    probe: Probe,
    connection: duckdb.DuckDBPyConnection,
    counts: Mapping[EachRow, tuple[int, int]] | None = None,
) -> Finding:
    counted = counts.get(probe.each) if counts and probe.each else None
    if counted and not counted[1]:
        rows = counted[0]
        return Finding(probe.promise, table.name, probe.columns, rows, 0, Status.PASSED if rows else Status.NOTHING)
    try:
        ((rows,),) = connection.execute(probe.about).fetchall()
        guilty = connection.execute(f"select *, count(*) over () from ({probe.guilty}) limit {_EXAMPLES}")
        names = [column[0] for column in guilty.description[:-1]]
        found = guilty.fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        return Finding(
            probe.promise, table.name, probe.columns, 0, 0, Status.FAILED, hint=f"it could not be checked: {reason}"
        )
    violations = found[0][-1] if found else 0
    examples = tuple(dict(zip(names, row[:-1], strict=True)) for row in found)
    status = Status.FAILED if violations else Status.PASSED if rows else Status.NOTHING
    return Finding(probe.promise, table.name, probe.columns, rows, violations, status, examples)


def _nothing(table: ResolvedTable, probe: Probe) -> Finding:
    return Finding(probe.promise, table.name, probe.columns, 0, 0, Status.NOTHING)

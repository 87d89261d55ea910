"""The text pools that a plan draws from: read, and held against the tables that draw from them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.plan import kinds
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.known_values import find_column, known_values
from seedbed.plan.resolved import ResolvedColumn, ResolvedLifecycle, ResolvedTable
from seedbed.plan.text_pools import PoolText, TextPool, read_pool, spelled, spoken_stratum
from seedbed.schema import Scalar, TypeKind

MAX_STRATA = 1_000
"""Combinations of values for which it is known beforehand whether each has a text."""
_SHOWN = 4


def read_pools(drafts: Drafts) -> None:
    """Reads every pool that a column draws from; what is wrong with one is reported once."""
    seen: set[str] = set()
    for draft in drafts:
        for name, generator in draft.generators.items():
            if not isinstance(generator, kinds.Pool) or generator.name in seen:
                continue
            seen.add(generator.name)
            pool, found = read_pool(drafts.schema.project.root, generator.name, drafts.files)
            if pool is not None:
                drafts.pools[generator.name] = pool
            for problem in found:
                if problem.code == "no-pool":
                    said = f"{draft.name}.{name} draws from a pool, but {problem.message}"
                    problem = Diagnostic(problem.code, said, draft.place(name), hint=problem.hint)
                drafts.diagnostics.append(problem)


def slots_of(drafts: Drafts, generator: kinds.Generator) -> tuple[str, ...]:
    """The columns and paths that fill the texts of a generator, if it draws from a pool."""
    return drafts.pools[generator.name].slots if isinstance(generator, kinds.Pool) else ()


def check_pools(drafts: Drafts, tables: Mapping[str, ResolvedTable]) -> None:
    """Reports texts that do not fit the columns that draw them, and strata that have none."""
    for draft in drafts:
        for column in tables[draft.name].columns:
            if isinstance(column.generator, kinds.Pool):
                found = _misfits(drafts, tables, draft, column, column.generator)
                drafts.diagnostics += list(itertools.islice(found, 20))


def _misfits(
    drafts: Drafts, tables: Mapping[str, ResolvedTable], draft: Draft, column: ResolvedColumn, generator: kinds.Pool
) -> Iterator[Diagnostic]:
    pool = drafts.pools[generator.name]
    here = f"{draft.name}.{column.name}"
    wanted = {name.casefold() for name in generator.by}
    for text in pool.texts:
        place = Location(pool.file, text.line or None)
        if text.stratum and {name.casefold() for name in text.stratum} != wanted:
            said = f"the text is for {spoken_stratum(text.stratum)}, but {here} chooses by "
            said += ", ".join(generator.by) or "nothing"
            hint = "name these columns in the stratum, or change `by` in the plan"
            yield Diagnostic("pool-stratum", said, place, hint=hint)
        yield from _wrong_text(tables, tables[draft.name], column, text, place)
    yield from _missing_strata(drafts, tables, tables[draft.name], here, draft.place(column.name), generator, pool)


def _wrong_text(
    tables: Mapping[str, ResolvedTable], table: ResolvedTable, column: ResolvedColumn, text: PoolText, place: Location
) -> Iterator[Diagnostic]:
    length = column.data_type.length
    if length is not None and len(text.words) > length:
        said = f'the text "{str(text)[:40]}..." has {len(text.words)} characters; {table.name}.{column.name} holds '
        yield Diagnostic("text-too-long", f"{said}{length}", place, hint="shorten it")
    for number, slot in enumerate(text.slots):
        target = find_column(tables, table, slot)
        if target is None:
            known = [item.name for item in table.written_columns]
            said = f"the slot {{{slot}}} names no column of {table.name}, nor of a row that a foreign key leads to"
            yield Diagnostic("pool-slot", said, place, hint=closest(slot, known))
        elif not number and not text.pieces[0].strip() and target.data_type.kind is not TypeKind.TEXT:
            said = f"the text begins with {{{slot}}}, which is no text: with a sign, a spreadsheet would run the cell"
            yield Diagnostic("text-formula", said, place, hint="begin it with a word")


def _missing_strata(
    drafts: Drafts,
    tables: Mapping[str, ResolvedTable],
    table: ResolvedTable,
    here: str,
    place: Location,
    generator: kinds.Pool,
    pool: TextPool,
) -> Iterator[Diagnostic]:
    there = pool.by_stratum(generator.by)
    strata = known_strata(tables, drafts.lifecycles.values(), table, generator.by)
    if strata is not None:
        spoken = {tuple(map(spelled, values)): values for values in strata}
        unused = [key for key in there if key and key not in spoken and None not in key]
        if unused:
            shown = "; ".join(spoken_stratum(dict(zip(generator.by, key, strict=True))) for key in unused[:_SHOWN])
            said = f"{pool.file} has texts for {shown}, which no row of {table.name} has"
            yield Diagnostic("pool-unused", said, place, Severity.NOTE)
    if () in there:
        return
    if strata is None:
        said = f"{here} chooses a text by {', '.join(generator.by)}, but not all values are known before rows are made"
        hint = f'add a line without a stratum to {pool.file}: {{"text": "..."}}'
        yield Diagnostic("pool-no-fallback", said, place, hint=hint)
        return
    missing = [values for key, values in spoken.items() if key not in there]
    if missing:
        shown = "; ".join(spoken_stratum(dict(zip(generator.by, values, strict=True))) for values in missing[:_SHOWN])
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        hint = "add some, or a line without a stratum; `seedbed pools --rebalance` asks an LLM for them"
        yield Diagnostic("pool-no-text", f"{pool.file} has no text for {shown}{more} of {here}", place, hint=hint)


def known_strata(
    tables: Mapping[str, ResolvedTable],
    lifecycles: Iterable[ResolvedLifecycle],
    table: ResolvedTable,
    by: Iterable[str],
) -> list[tuple[Scalar, ...]] | None:
    """Every combination of values of the columns `by`; None where they are not known, or too many."""
    values = [known_values(tables, lifecycles, table, path) for path in by]
    count = 1
    for listed in values:
        if listed is None or (count := count * len(listed)) > MAX_STRATA:
            return None
    return list(itertools.product(*(listed or () for listed in values)))

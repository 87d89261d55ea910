"""Chooses tables as dbt's `--select` does: names, `source:`, `tag:`, `path:`; spaces add, commas narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.schema import Schema, Table


def select_tables(
    schema: Schema, select: str | Sequence[str] = (), exclude: str | Sequence[str] = ()
) -> tuple[tuple[str, ...], list[Diagnostic]]:
    """The names of the tables to generate, in the Schema's order, and what is wrong with the selectors.

    Args:
        schema: where the tables are.
        select: selectors such as `orders`, `source:raw.*`, `tag:nightly`, `path:models/staging` or `models/staging`;
            several (or one with spaces) add up, and those joined by commas must all hold. None means all tables.
        exclude: selectors of tables to leave out.
    """
    diagnostics: list[Diagnostic] = []
    chosen = _union(schema, select, "--select", diagnostics) if _words(select) else {table.name for table in schema}
    left_out = _union(schema, exclude, "--exclude", diagnostics)
    names = tuple(table.name for table in schema if table.generated and table.name in chosen - left_out)
    if not names and _words(select) and not diagnostics:
        hint = "a comma asks for tables that fit both sides; use a space for either" if "," in str(select) else None
        spoken = " ".join(_words(select))
        diagnostics.append(
            Diagnostic(
                "nothing-selected",
                f"{spoken} selects no table that is to be generated",
                Location(path="--select"),
                Severity.WARNING,
                hint or "tables with SQL, with a hand-written CSV or without columns are never generated",
            )
        )
    return names, diagnostics


def _words(selectors: str | Iterable[str]) -> list[str]:
    listed = [selectors] if isinstance(selectors, str) else list(selectors)
    return [word for selector in listed for word in selector.split()]


def _union(schema: Schema, selectors: str | Sequence[str], option: str, diagnostics: list[Diagnostic]) -> set[str]:
    found: set[str] = set()
    for word in _words(selectors):
        parts = [_matching(schema, part, option, diagnostics) for part in word.split(",") if part]
        found |= set.intersection(*parts) if parts else set()
    return found


def _matching(schema: Schema, selector: str, option: str, diagnostics: list[Diagnostic]) -> set[str]:
    method, colon, value = selector.partition(":")
    place = Location(path=option)
    if not colon:
        method, value = ("path" if "/" in selector or "\\" in selector else "name"), selector
    if method in ("fqn", "file"):
        method, value = "name", PurePosixPath(value).stem if method == "file" else value.split(".")[-1]
    matches = _METHODS.get(method)
    if matches is None:
        hint = closest(method, _METHODS) or f"known are {', '.join(_METHODS)}"
        diagnostics.append(
            Diagnostic("unknown-selector", f'{option}: there is no method "{method}:"', place, hint=hint)
        )
        return set()
    if "+" in value or value.startswith("@"):
        message = f'{option}: "{selector}" follows lineage, which Seedbed does not read'
        diagnostics.append(Diagnostic("unknown-selector", message, place, hint="name the tables themselves"))
        return set()
    found = {table.name for table in schema if matches(table, value)}
    if not found:
        known = _KNOWN[method](schema)
        listed = f"there are {', '.join(sorted(known)[:8])}" if known else None
        message = f'{option}: "{selector}" fits no table'
        diagnostics.append(Diagnostic("unknown-selector", message, place, hint=closest(value, known) or listed))
    return found


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern.casefold())


def _has_name(table: Table, value: str) -> bool:
    return _fits(table.name, value) or (table.source is not None and _fits(table.source.table_name, value))


def _is_source(table: Table, value: str) -> bool:
    if table.source is None:
        return False
    return _fits(table.source.source_name, value) or _fits(
        f"{table.source.source_name}.{table.source.table_name}", value
    )


def _has_tag(table: Table, value: str) -> bool:
    return any(_fits(tag, value) for tag in table.tags)


def _is_below(table: Table, value: str) -> bool:
    wanted = PurePosixPath(value.replace("\\", "/").removeprefix("./"))
    files = [table.origin.file] if table.origin.file else []
    if table.data_file is not None:
        files.append(table.data_file.as_posix())
    return any(PurePosixPath(file).is_relative_to(wanted) or fnmatchcase(file, wanted.as_posix()) for file in files)


def _has_resource(table: Table, value: str) -> bool:
    return _fits(str(table.resource), value)


_METHODS: Mapping[str, Callable[[Table, str], bool]] = {
    "name": _has_name,
    "source": _is_source,
    "tag": _has_tag,
    "path": _is_below,
    "resource_type": _has_resource,
}
_KNOWN: Mapping[str, Callable[[Schema], set[str]]] = {
    "name": lambda schema: {table.name for table in schema},
    "source": lambda schema: {
        name
        for table in schema
        if table.source is not None
        for name in (table.source.source_name, f"{table.source.source_name}.{table.source.table_name}")
    },
    "tag": lambda schema: {tag for table in schema for tag in table.tags},
    "path": lambda schema: {str(table.origin.file) for table in schema if table.origin.file},
    "resource_type": lambda schema: {str(table.resource) for table in schema},
}

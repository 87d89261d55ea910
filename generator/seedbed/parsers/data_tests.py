"""dbt data tests as facts: what `unique`, `accepted_values`, `dbt_utils.accepted_range` and their like say of a table.

A test that looks at some rows only (`where`, `row_condition`) or lets violations pass (`severity: warn`, `error_if`,
`warn_if`, `limit`) says nothing about every row: it makes no fact and is kept as a hint. The exception is a foreign
key, which names the parent whatever the condition is, and can hold for every row without harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Severity, closest
from seedbed.parsers.drafts import ColumnDraft, TableDraft
from seedbed.parsers.jinja import Reference, Renderer
from seedbed.parsers.known_tests import KINDS, TestCall
from seedbed.parsers.project import words
from seedbed.schema import DataTest

_CONFIG = words(
    "config where severity warn_if error_if fail_calc limit store_failures store_failures_as tags enabled name "
    "description meta database schema alias group docs"
)
_CONDITION_ARGUMENTS = ("condition", "row_condition", "ignore_row_if")
_CONDITIONS = ("where", *_CONDITION_ARGUMENTS, "severity", "error_if", "warn_if", "limit")


def read_tests(
    tests: Document, table: TableDraft, column: ColumnDraft | None, renderer: Renderer, diagnostics: list[Diagnostic]
) -> None:
    """Reads the list under `tests:` or `data_tests:` of a table or a column."""
    if tests.value is None:
        return
    if not isinstance(tests.value, list):
        diagnostics.append(
            Diagnostic(
                "tests-not-a-list",
                "data tests must be a list, and these are not, so dbt refuses them too",
                tests.location(),
                hint="put a dash before each test:  - unique",
            )
        )
        return
    for entry in tests.elements():
        call = _read_call(entry, table, column, renderer, diagnostics)
        if call is not None:
            _apply(call)


def _read_call(
    entry: Document, table: TableDraft, column: ColumnDraft | None, renderer: Renderer, diagnostics: list[Diagnostic]
) -> TestCall | None:
    if isinstance(entry.value, str):
        return TestCall(entry.value, table, column, entry.with_value({}), diagnostics)
    if isinstance(entry.value, dict) and "test_name" in entry.value:
        name, body = str(entry.value["test_name"]), entry.with_value(_without(entry.value, {"test_name", "name"}))
    elif isinstance(entry.value, dict) and len(entry.value) == 1:
        name = next(iter(entry.value))
        body = entry.at(name)
    else:
        keys = ", ".join(entry.value) if isinstance(entry.value, dict) else repr(entry.value)
        hint = "indent the arguments below the test's name" if isinstance(entry.value, dict) and entry.value else None
        message = f"a data test is a name, or one name with its arguments; this is {keys or 'empty'}"
        diagnostics.append(Diagnostic("test-form", message, entry.location(), hint=hint))
        return None
    if body.value is None:
        body = body.with_value({})
    if not isinstance(body.value, dict):
        diagnostics.append(
            Diagnostic(
                "test-form", f"the arguments of {name} must be keys and values, not {body.value!r}", body.location()
            )
        )
        return None
    rendered = renderer.render_arguments(body)
    config = rendered.at("config")
    if str(_first(rendered, config, "enabled")).lower() == "false":
        return None
    arguments = _without(rendered.value, _CONFIG | {"arguments"})
    nested = rendered.at("arguments").value
    if isinstance(nested, dict):
        # The places of nested arguments lie one step deeper; a document has one path, so theirs wins.
        arguments = {**arguments, **nested}
        rendered = rendered.at("arguments")
    return TestCall(
        name, table, column, rendered.with_value(arguments), diagnostics, _condition(arguments, body, config)
    )


def _without(value: Mapping[str, Any], keys: frozenset[str] | set[str]) -> dict[str, Any]:
    return {key: entry for key, entry in value.items() if key not in keys}


def _first(test: Document, config: Document, key: str) -> Any:
    value = test.value.get(key) if isinstance(test.value, dict) else None
    return value if value is not None else config.at(key).value


def _condition(arguments: Mapping[str, Any], body: Document, config: Document) -> str | None:
    for key in _CONDITIONS:
        value = (
            arguments.get(key) if key in ("condition", "row_condition", "ignore_row_if") else _first(body, config, key)
        )
        if value is None or (key == "severity" and str(value).lower() == "error"):
            continue
        return f"{key}: {value}"
    return None


def _apply(call: TestCall) -> None:
    table = call.table
    if call.column is None and isinstance(call.argument("column_name"), str):
        # dbt's own tests of one column may also stand on the table, and name any expression there.
        call.column = table.column(str(call.argument("column_name")).strip('"`'))
    column_name = call.column.name if call.column else None
    table.declared_tests.add((call.name, column_name))
    kind = KINDS.get(call.name)
    if kind is None:
        call.report(
            "unknown-test",
            f"the test {call.name} is not known to Seedbed, so nothing is read from it",
            Severity.NOTE,
            closest(call.name, KINDS),
        )
        return
    for argument in call.arguments.value:
        if argument not in kind.parameters and argument not in ("column_name", "model"):
            call.diagnostics.append(
                Diagnostic(
                    "unknown-test-argument",
                    f'{call.name} has no argument "{argument}"',
                    call.arguments.location(argument),
                    Severity.WARNING,
                    closest(argument, kind.parameters) or f"it takes {', '.join(sorted(kind.parameters)) or 'none'}",
                )
            )
    written = call.arguments
    known = kind.parameters | {"column_name"}
    call.arguments = written.with_value({key: value for key, value in written.value.items() if key in known})
    carried = False
    if kind.needs_column and call.column is None:
        said = call.argument("column_name")
        expression = f"; {said!r} is kept as a hint" if said is not None else ""
        call.report(
            "test-without-column", f"{call.name} speaks of a column, and none is named{expression}", Severity.NOTE
        )
    elif call.condition and not kind.conditional:
        call.report(
            "conditional-test",
            f"{call.name} holds under a condition ({call.condition}), so it is no rule for every row of {table.name}",
            Severity.NOTE,
        )
    elif kind.apply is not None:
        carried = kind.apply(call)
    if not carried:
        plain = written.with_value(_plain(written.value))
        table.data_tests.append(DataTest(call.name, column_name, plain, call.condition is not None))


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case Reference():
            return str(value)
    return value

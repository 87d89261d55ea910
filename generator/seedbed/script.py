"""A plan as a short Python program that a person can read, change and run."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seedbed.api import Planned
from seedbed.explanation import spoken_how, spoken_rows
from seedbed.plan.plan_text import plain
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.plan.spec import ColumnEntry, TableEntry

SCRIPT_FILE = "make_tables.py"
_WIDTH = 110
_SHORT = 20
_HEAD = '''\
"""Makes the tables of {project} as pandas DataFrames: `python {file}`.

These are the values that `seedbed generate` writes. Change a number of rows or a generator, and run it again; the
project says which tables and columns there are, this program how their values arise. Needs dbt-seedbed[pandas].
"""

from pathlib import Path

import seedbed

PROJECT = {path}

PLAN = {settings}
TABLES = PLAN["tables"] = {{}}
'''
_TAIL = '''
def make_tables():
    """The tables by name. For more rows: generate(plan, scale=10), or rows={"a_table": 1000}."""
    schema = seedbed.read(PROJECTOPTIONS)
    plan = seedbed.author(schema, plan=PLAN)
    return seedbed.generate(plan)


if __name__ == "__main__":
    for name, table in make_tables().items():
        print(f"\\n{name}: {len(table):,} rows")
        print(table.head().to_string())
        # table.to_csv(f"{name}.csv", index=False)
'''


def render_script(planned: Planned, resolved: ResolvedPlan, file: Path, options: Mapping[str, Any]) -> str:
    """The program's text.

    Args:
        planned: the plan, and the schema that it is for.
        resolved: what it comes to.
        file: where the program will stand: from there it finds the project.
        options: dbt's options that the project was read with; those that are not set are left out.
    """
    plan = planned.plan
    root = planned.schema.project.root
    settings = {"random_seed": plan.random_seed, "start": str(plan.start), "as_of": str(plan.as_of)}
    settings["locale"] = plan.locale
    head = _HEAD.format(
        project=f"the dbt project {_quotable(planned.schema.project.name)}",
        file=_quotable(file.name),
        path=_path(root, file.parent),
        settings=_literal(settings, 0, 0),
    )
    given = "".join(f", {name}={_inline(value)}" for name, value in options.items() if value)
    tables = [_table(resolved, resolved.table(name), entry) for name, entry in plan.tables.items()]
    rules = [{name: part for name, part in plain(entry).items() if name != "by"} for entry in plan.rules]
    tables += [f'PLAN["rules"] = {_literal(rules, 0, 16)}\n'] if rules else []
    return "\n".join([head, *tables, _TAIL.replace("OPTIONS", given)])


def _path(root: Path, folder: Path) -> str:
    try:
        relative = Path(os.path.relpath(root, folder.resolve())).as_posix()
    except ValueError:  # another drive
        return f"Path({_inline(str(root))})"
    here = "Path(__file__).resolve().parent"
    return here if relative == "." else f"{here} / {_inline(relative)}"


def _table(resolved: ResolvedPlan, table: ResolvedTable, entry: TableEntry) -> str:
    return "\n".join(_table_lines(resolved, table, entry)) + "\n"


def _table_lines(resolved: ResolvedPlan, table: ResolvedTable, entry: TableEntry) -> Iterator[str]:
    if table.description:
        yield f"# {_comment(table.description)}"
    yield f"TABLES[{_inline(table.name)}] = {{"
    if entry.rows is None:
        yield f"    # rows: {_comment(spoken_rows(resolved, table))}"
    else:
        yield f'    "rows": {_inline(plain(entry.rows))},'
    for part in ("history", "lifecycle", "arrives", "deletes"):
        said = getattr(entry, part)
        if said is not None:
            yield f'    "{part}": {_literal(plain(said), 1, len(part) + 5)},'
    yield '    "columns": {'
    for column in table.written_columns:
        yield _column(table, column, entry.columns.get(column.name))
    yield "    },"
    yield "}"


def _column(table: ResolvedTable, column: ResolvedColumn, entry: ColumnEntry | None) -> str:
    """A line of the program; a comment where the project itself decides how the column arises."""
    if entry is None:
        by = f"{column.decided_by} {column.origin.short}".strip()
        return f"        # {_inline(column.name)}: {_comment(f'{spoken_how(table, column)} ({by})')}"
    written = plain(entry)
    if isinstance(written, dict) and written.keys() <= {"generator", "by"}:
        written = written["generator"]
    line = f"        {_inline(column.name)}: {_literal(written, 2, len(column.name) + 5)},"
    room = _WIDTH - len(line.rpartition("\n")[2])
    beside = _comment(column.description, room) if column.description and room >= _SHORT else ""
    return f"{line}  # {beside}" if beside else line


def _literal(value: Any, depth: int, before: int) -> str:
    """The value as Python; in several lines where it would not fit behind what stands `before` it."""
    text = _inline(value)
    if not isinstance(value, dict | list) or not value or 4 * depth + before + len(text) <= _WIDTH:
        return text
    if isinstance(value, dict):
        parts = [f"{_inline(key)}: {_literal(item, depth + 1, len(_inline(key)) + 3)}" for key, item in value.items()]
    else:
        parts = [_literal(item, depth + 1, 1) for item in value]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    indent, end = "    " * (depth + 1), "    " * depth
    return "\n".join([opened, *(f"{indent}{part}," for part in parts), f"{end}{closed}"])


def _inline(value: Any) -> str:
    """The value as Python in one line, texts in double quotes where nothing has to be escaped for it."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_inline(key)}: {_inline(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_inline, value)) + "]"
        case dt.date():
            return f'"{value.isoformat()}"'
        case str() if not {"'", '"'} & set(value):
            return f'"{repr(value)[1:-1]}"'
        case os.PathLike():
            return _inline(os.fspath(value))
    return repr(value)


def _quotable(text: str) -> str:
    """Text that cannot end the docstring it stands in."""
    return _comment(text).replace("\\", "/").replace('"', "'")


def _comment(text: str, room: int = _WIDTH) -> str:
    """Text as one line that cannot end the comment it stands in."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= room else f"{line[: room - 3].rstrip()}..."

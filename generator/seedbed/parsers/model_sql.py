"""Reads from the SQL of models which columns they take from tables that list none.

Many projects name their sources and nothing more; the staging models select from each what there is. Only tables
without a single column are read here: where a property file or a diagram lists columns, it has the last word.

A model is read as far as it goes: Jinja is replaced by names and values, and a model whose SQL does not parse then
says nothing. A column counts when it surely belongs to the table: it is written with the table's alias, or the
`select` has this one source. `select *` from the table, in a CTE, hands the table on under the CTE's name.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, Severity
from seedbed.parsers.drafts import TableDraft, set_data_type
from seedbed.parsers.jinja import Reference
from seedbed.parsers.lookup import Lookup
from seedbed.parsers.project import DbtProject, words
from seedbed.schema import DataTest, parse_data_type

if TYPE_CHECKING:
    from sqlglot import exp

MAX_SQL = 100_000
"""Characters of a model that is read; parsing takes about six seconds for a million."""

# A text in a tag may hold what looks like the end of the tag.
_INSIDE = r"""(?:'[^']*'|"[^"]*"|[^'"])*?"""
_TAG = re.compile(rf"\{{#.*?#\}}|\{{%-?\s*(\w+)?({_INSIDE})%\}}|\{{\{{({_INSIDE})\}}\}}", re.DOTALL)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_WORD = re.compile(r"""([\w"'`)\]]+)\s+$""")
_GO_ON = words(
    "all and any as asc between by case cross date desc distinct else except exists following from full group having "
    "ignore in inner intersect interval into is join lateral left like ilike limit natural not nulls offset on or "
    "order outer over partition preceding qualify right select set similar table then timestamp to top union using "
    "values when where window with"
)
"""Words of SQL after which there must be more."""
_TEXT = r"""\s*(?:'([^'\n]+)'|"([^"\n]+)")\s*"""
_RELATION = re.compile(rf"\s*-?\s*(ref|source)\s*\({_TEXT}(?:,{_TEXT})?(?:,[^()]*)?\)\s*-?\s*", re.DOTALL)
_TYPE = re.compile(r"\s*-?\s*(?:\w+\.)?type_(\w+)\s*\(\s*\)\s*-?\s*")
_NOTHING = re.compile(r"\s*-?\s*(?:config|(?:\w+\.)?group_by)\s*\(|.*\bloop\.", re.DOTALL)
_NO_COLUMNS = re.compile(r"\b(?:ref|source|var|env_var)\s*\(")
_ARGUMENT = re.compile(r"""['"]([A-Za-z_]\w*)['"]""")
_NO_ARGUMENTS = words("second minute hour day week month quarter year utc")
_PSEUDO = re.compile(r"_(?:partition(?:time|date)|table_suffix)|.*\$.*", re.IGNORECASE)
_PLACEHOLDER = "seedbed_relation_"


@dataclass(frozen=True, slots=True)
class UsedColumn:
    """A column that a model takes from a table, with its place and the type that it is cast to, if it is."""

    relation: Reference
    name: str
    line: int
    column: int
    data_type: str | None = None
    values: tuple[str, ...] = ()
    """The texts that it is compared with."""


def add_columns_of_models(lookup: Lookup, project: DbtProject) -> None:
    """Declares the columns that models take from tables of which nothing else says which columns they have."""
    bare = [table for table in lookup.tables if not (table.columns or table.built or table.data_file)]
    if not bare:
        return
    read_from: dict[str, str] = {}
    values: dict[tuple[str, str], dict[str, Location]] = {}  # by table and column: the texts, with their places
    for file in dict.fromkeys(lookup.model_files.values()):
        text = project.files.read(file) if file.lower().endswith(".sql") else None
        if text is None or len(text) > MAX_SQL or not any(_mentions(text, table) for table in bare):
            continue
        for used in columns_used(text, project.target.get("type")):
            table = lookup.find(used.relation)
            if table is None or not any(table is found for found in bare):
                continue
            origin = Location(file, used.line)
            read_from.setdefault(table.name, file)
            column = table.declare(used.name, origin)
            for value in used.values:
                values.setdefault((table.name, column.name), {}).setdefault(value, origin)
            data_type = parse_data_type(used.data_type) if used.data_type else None
            if data_type is not None and column.data_type is None:
                set_data_type(table, column, data_type, origin, project.diagnostics)
    for table in bare:
        for name in (column.name for column in table.columns.values()):
            found = values.get((table.name, name), {})
            if len(found) > 1:
                # Other values may well occur, so that it is a hint and no rule.
                place = next(iter(found.values()))
                said = Document({"values": list(found)}, place.file or "", (), {(): (place.line or 1, 1)})
                table.data_tests.append(DataTest("accepted_values", name, said, conditional=True))
        if table.name in read_from:
            told = (
                f"nothing lists the columns of {table.name}; the {len(table.columns)} that models use are read from "
                f"their SQL, in {read_from[table.name]} first"
            )
            hint = "list the columns under `columns:`, with their types and tests, to decide more"
            project.diagnostics.append(Diagnostic("columns-from-sql", told, table.origin, Severity.NOTE, hint))


def _mentions(text: str, table: TableDraft) -> bool:
    name = table.source.table_name if table.source else table.name
    return re.search(rf"['\"]{re.escape(name)}['\"]", text, re.IGNORECASE) is not None


def columns_used(text: str, adapter: str | None) -> list[UsedColumn]:
    """The columns that a model's SQL takes from what it refers to, in the order of the text; none if it cannot be read.

    Args:
        text: the model, Jinja and all.
        adapter: the target's adapter, such as `snowflake`, whose dialect the SQL is in.
    """
    tree, relations, _ = parse_model(text, adapter)
    if tree is None:
        return []
    from sqlglot import exp  # noqa: PLC0415

    known = _handed_on(tree, relations)
    found = [used for select in tree.find_all(exp.Select) for used in _of_select(select, known)]
    return sorted(found, key=lambda used: (used.line, used.column))


def parse_model(text: str, adapter: str | None) -> tuple[Any, dict[str, Reference], bool]:
    """The syntax tree of a model, None if it cannot be read, and what its names of relations stand for.

    And whether no macro may have added a clause, such as a `where`, that the tree does not have.

    Args:
        text: the model, Jinja and all.
        adapter: the target's adapter, such as `snowflake`, whose dialect the SQL is in.
    """
    import sqlglot  # noqa: PLC0415 - 0.2 s, for projects whose models say what nothing else does
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    # What it cannot read is no news to whoever runs Seedbed, and without a handler would be told on the terminal.
    logger = logging.getLogger("sqlglot")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    # Without a profile the adapter is only assumed.
    dialects = dict.fromkeys([adapter or "duckdb", "duckdb", "snowflake", "bigquery"])
    references: list[Reference] = []
    readings = _without_jinja(text, references), _without_jinja(text, [], loose=True)
    relations = {f"{_PLACEHOLDER}{index}": reference for index, reference in enumerate(references)}
    complete = readings[0] == readings[1]
    for sql in dict.fromkeys(readings):
        for dialect in dialects:
            # `get` loads this dialect alone, where a look into `classes` loads them all.
            with suppress(SqlglotError, RecursionError):
                return sqlglot.parse_one(sql, read=sqlglot.Dialect.get(dialect)), relations, complete
    return None, relations, complete


def _without_jinja(text: str, relations: list[Reference], *, loose: bool = False) -> str:
    """The SQL with names and values in the place of Jinja, line for line; `relations` gets what the names stand for.

    Of `if` and `else` the first branch stays, and what a loop repeats stands once; what a block defines for use
    elsewhere is left out. So is what a macro adds to something that is complete, a column or a clause, unless `loose`.
    """
    parts, end, left_out = [], 0, 0
    for tag in _TAG.finditer(text):
        before = text[end : tag.start()]
        parts.append("\n" * before.count("\n") if left_out else before)
        if tag[3] is not None and not left_out:
            put = _in_place_of(tag[3], relations)
            added = not loose and not put.startswith(_PLACEHOLDER) and _is_complete("".join(parts[-4:]))
            parts.append("" if added else put)
        parts.append("\n" * tag[0].count("\n"))
        defines = tag[1] in ("macro", "call", "test") or (tag[1] == "set" and "=" not in tag[2])
        if (tag[1] in ("else", "elif") or defines) and not left_out:
            left_out = 1
        elif left_out and (tag[1] in ("if", "for") or defines):
            left_out += 1
        elif left_out and tag[1] in ("endif", "endfor", "endset", "endmacro", "endcall", "endtest"):
            left_out -= 1
        end = tag.end()
    return "".join([*parts, text[end:]])


def _is_complete(before: str) -> bool:
    """Whether SQL so far ends with a name or a value, and then a space."""
    last = _LAST_WORD.search(_COMMENT.sub(" ", before[-400:]))
    return last is not None and last[1].lower() not in _GO_ON


def _in_place_of(expression: str, relations: list[Reference]) -> str:
    """What stands for an expression in SQL: a name, a type, a call that takes columns, or null."""
    said = _RELATION.fullmatch(expression)
    if said:
        first, second = said[2] or said[3], said[4] or said[5]
        of_source = said[1] == "source" and second is not None
        relations.append(Reference(second, first) if of_source else Reference(second or first))
        return f"{_PLACEHOLDER}{len(relations) - 1}"
    data_type = _TYPE.fullmatch(expression)
    if data_type:
        return "varchar" if data_type[1] == "string" else data_type[1]
    if _NOTHING.match(expression):
        return ""
    # A macro in a column's place mostly takes the names of columns, as texts.
    texts = [] if _NO_COLUMNS.search(expression) else _ARGUMENT.findall(expression)
    names = [name for name in texts if name.lower() not in _NO_ARGUMENTS and parse_data_type(name) is None]
    return f"seedbed_macro({', '.join(names)})" if names else "null"


_Known = Mapping[str, tuple[Reference, frozenset[str]]]
"""What a name in SQL stands for: a relation, and the columns that were added to it on the way."""


def _handed_on(tree: Any, by_name: Mapping[str, Reference]) -> _Known:
    """The relations by placeholder, and by the names of the CTEs that are `select *` from one of them."""
    from sqlglot import exp  # noqa: PLC0415

    known = {name: (relation, frozenset[str]()) for name, relation in by_name.items()}
    for cte in tree.find_all(exp.CTE):
        select = cte.this
        sources = list(_sources(select)) if isinstance(select, exp.Select) else []
        starred = isinstance(select, exp.Select) and any(isinstance(item, exp.Star) for item in select.expressions)
        found = known.get(sources[0].name.lower()) if len(sources) == 1 and starred else None
        # A CTE of the name of a table hides it.
        if found is not None:
            added = {item.alias.lower() for item in select.expressions if isinstance(item, exp.Alias)}
            known[cte.alias.lower()] = (found[0], found[1] | added)
        else:
            known.pop(cte.alias.lower(), None)
    return known


def _sources(select: exp.Select) -> Iterator[exp.Table]:
    """The tables that a select reads from; a subquery among them is a table without a name."""
    from sqlglot import exp  # noqa: PLC0415

    joined = [select.args.get("from_") or select.args.get("from"), *(select.args.get("joins") or ())]
    for part in joined:
        if part is not None:
            yield part.this if isinstance(part.this, exp.Table) else exp.Table()


def _of_select(select: exp.Select, known: _Known) -> Iterator[UsedColumn]:
    from sqlglot import exp  # noqa: PLC0415

    sources = list(_sources(select))
    by_alias = {table.alias_or_name.lower(): known.get(table.name.lower()) for table in sources}
    only = next(iter(by_alias.values())) if len(sources) == 1 else None
    named = {item.alias.lower(): item for item in select.expressions if isinstance(item, exp.Alias)}
    for column in select.find_all(exp.Column):
        if column.find_ancestor(exp.Select) is not select or isinstance(column.this, exp.Star):
            continue
        if _PSEUDO.fullmatch(column.name):
            continue
        relation, added = (by_alias.get(column.table.lower()) if column.table else only) or (None, frozenset())
        alias = None if column.table else named.get(column.name.lower())
        # An alias may be spoken of further on in the same select, and is no column of the table.
        if (
            relation is None
            or column.name.lower() in added
            or (alias is not None and not _is_within(column, alias) and not _takes(alias, column))
        ):
            continue
        cast = column.parent if isinstance(column.parent, exp.Cast) else None
        place = column.this.meta
        yield UsedColumn(
            relation,
            column.name,
            place.get("line") or 1,
            place.get("col") or 1,
            cast.to.sql() if cast is not None else None,
            tuple(_compared_with(column)),
        )


def _compared_with(column: exp.Column) -> Iterator[str]:
    """The texts that a column is compared with: `kind = 'a'`, `kind in ('a', 'b')`, `case kind when 'a'`."""
    from sqlglot import exp  # noqa: PLC0415

    parent = column.parent
    others: list[exp.Expression] = []
    if isinstance(parent, exp.EQ | exp.NEQ):
        others = [parent.this, parent.expression]
    elif isinstance(parent, exp.In) and parent.this is column:
        others = parent.expressions
    elif isinstance(parent, exp.Case) and parent.this is column:
        others = [branch.this for branch in parent.args["ifs"]]
    texts = (other.this for other in others if isinstance(other, exp.Literal) and other.is_string)
    yield from (text for text in texts if text not in ("", "null"))  # what stands for Jinja inside quotes is no value


def _is_within(column: exp.Column, outer: exp.Expression) -> bool:
    return any(inner is column for inner in outer.walk())


def _takes(alias: exp.Expression, column: exp.Column) -> bool:
    """Whether what has the alias is made of a column of the same name, such as `lower(email) as email`."""
    from sqlglot import exp  # noqa: PLC0415

    return any(inner.name.lower() == column.name.lower() for inner in alias.find_all(exp.Column))

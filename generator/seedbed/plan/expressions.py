"""The SQL that a plan may hold: expressions over one row, checked against an allow-list.

The text is parsed by DuckDB itself, so that no second parser can understand it differently. Its syntax tree must
consist of known parts only, and no text value may be able to grow large; what runs is the text that DuckDB writes
from the checked tree. Whatever is not known is refused: a new version of DuckDB can make this stricter by
surprise, not laxer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from seedbed.errors import closest
from seedbed.plan.rehearsal import ROWS, made_up_rows, rehearse
from seedbed.plan.sandbox import locked_connection
from seedbed.plan.types import DEFAULT_DECIMAL
from seedbed.schema import DataType, TypeKind, parse_data_type

MAX_CHARACTERS = 2_000
MAX_BRACKETS = 24
MAX_NODES = 200
MAX_DEPTH = 48
MAX_TEXT = 20_000
"""Characters that a text value may grow to."""
MAX_LITERAL = 1_000
"""Characters of a literal, and the largest length that a function may be asked for."""
COLUMN_TEXT = 500
"""Characters that the text in a column is taken to have, where its type sets no limit."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FUNCTIONS = _words("""
    + - * / // % ** ^ || ~~ !~~ ~~* !~~* ~~~ & | ~ << >>
    abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 log2 pow power mod fmod greatest least gcd lcm
    sin cos tan asin acos atan atan2 degrees radians pi isnan isfinite isinf nullif divide add subtract multiply xor
    lower upper lcase ucase length len char_length character_length strlen trim ltrim rtrim left right substring substr
    replace concat concat_ws reverse split_part strpos instr position contains starts_with ends_with prefix suffix
    translate strip_accents ascii chr unicode ord lpad rpad repeat format printf
    regexp_matches regexp_replace regexp_extract regexp_full_match
    like_escape not_like_escape ilike_escape not_ilike_escape
    md5 sha1 sha256 hex to_hex
    date_part datepart date_trunc datetrunc date_diff datediff date_sub datesub date_add age year month day hour
    minute second quarter week dayofweek dayofmonth dayofyear isodow isoyear weekday weekofyear yearweek dayname
    monthname last_day epoch epoch_ms make_date make_time make_timestamp strftime strptime try_strptime time_bucket
    to_years to_months to_weeks to_days to_hours to_minutes to_seconds to_milliseconds to_microseconds to_quarters
    if ifnull list_value list_contains list_extract array_length json_object json_array to_json
""")
"""Scalar functions that depend on nothing but their arguments: no clock, no chance, no setting, no catalog."""
_TYPES = _words("""
    boolean bool logical tinyint smallint integer bigint hugeint int int1 int2 int4 int8 short long signed
    utinyint usmallint uinteger ubigint float real double float4 float8 decimal numeric dec
    varchar text string char bpchar date time timestamp datetime interval uuid json
""")
_OPERATORS = _words("""
    OPERATOR_COALESCE OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_NOT OPERATOR_TRY OPERATOR_NULLIF COMPARE_IN
    COMPARE_NOT_IN ARRAY_EXTRACT ARRAY_CONSTRUCTOR
""")
_CONSTANT_TYPES = ("VARCHAR", "INTEGER", "BIGINT", "HUGEINT", "UHUGEINT", "DECIMAL", "DOUBLE", "BOOLEAN", "NULL")
"""Types of literals, as DuckDB 1 names them."""
_LENGTH_ARGUMENT = {"lpad": 1, "rpad": 1, "repeat": 1}
_LITERAL_ARGUMENT = {
    "regexp_matches": 1, "regexp_replace": 1, "regexp_extract": 1, "regexp_full_match": 1, "strftime": 1,
    "strptime": 1, "try_strptime": 1, "format": 0, "printf": 0, "date_part": 0, "datepart": 0, "date_trunc": 0,
    "datetrunc": 0, "date_diff": 0, "datediff": 0, "date_sub": 0, "datesub": 0, "time_bucket": 0, "split_part": 1,
    "translate": 1,
}  # fmt: skip
"""Which argument, from 0, has to be a literal: its meaning, or its cost, must be known beforehand."""
_NEEDS_TWO = {"age": "it would measure up to today"}
_JOINING = ("||", "concat", "concat_ws", "list_value", "json_object", "json_array", "to_json")
_OPERATOR_CHAIN = re.compile(r"(?:[-+~@!]\s*){24,}|(?:\bnot\s+){24,}", re.IGNORECASE)
_WIDE_FORMAT = re.compile(r"\d{4,}|\*|\{[^}]*\{")
_LARGE_REPEAT = re.compile(r"\{\d{4,}|\{\d+,\d{4,}|\{\d{2,}.*\{\d{2,}", re.DOTALL)


class ExpressionError(ValueError):
    """An expression that is not allowed or has no meaning; the message says why, `hint` what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. Columns stand in `canonical` under the names in `names`, quoted where need be."""

    text: str
    """As it was written."""
    canonical: str
    """As DuckDB writes it from the checked tree: what is to be run."""
    names: tuple[str, ...]
    """The columns that it reads, spelled as they were given, each once."""
    types: Mapping[str, DataType]
    """The type of each of them."""


def compile_expression(text: str, types: Mapping[str, DataType], *, tried: bool = False) -> Expression:
    """Checks an expression over one row, and tries it out in a child process if it was never accepted.

    Args:
        text: a DuckDB expression.
        types: the columns that it may read, by name; a name with dots such as `order_id.status` is written with
            or without quotes.
        tried: it was compiled before, as the expressions of a resolved plan were, and needs no second trial.

    Raises:
        ExpressionError: the text is no single expression, holds something that is not allowed, or breaks a limit in
            the child.
    """
    _check_text(text)
    tree = _parse(text)
    guard = _Guard(types)
    try:
        guard.check(_only_expression(tree))
        canonical = _query("SELECT json_deserialize_sql(?::JSON)", json.dumps(tree))
    except (KeyError, TypeError, AttributeError, IndexError, duckdb.Error) as error:
        raise ExpressionError(f"{_short(text)} could not be understood ({type(error).__name__})") from None
    read = {name: types[name] for name in guard.names}
    expression = Expression(text, canonical.removeprefix("SELECT "), tuple(read), read)
    if not tried:
        _try_out(expression)
    return expression


def type_of_expression(text: str, types: Mapping[str, DataType]) -> DataType:
    """The type of an expression's values.

    Raises:
        ExpressionError: as `compile_expression`, and when types do not fit or no column can hold the values.
    """
    # Tried out before its type is asked for: DuckDB works constant parts out while it looks for the type.
    expression = compile_expression(text, types)
    columns = [f'CAST(NULL AS {_sql_type(kind)}) AS "{_quoted(name)}"' for name, kind in expression.types.items()]
    query = f"DESCRIBE SELECT {expression.canonical} AS value FROM (SELECT {', '.join(columns) or '1'}) AS rows"
    try:
        described = locked_connection().execute(query).fetchall()
    except duckdb.Error as error:
        raise ExpressionError(f"{_short(text)}: {first_line(error)}") from None
    spoken = str(described[0][1]).strip('"')
    if spoken == "NULL":
        return DataType(TypeKind.TEXT, "varchar")
    found = parse_data_type(spoken)
    if found is None or "[" in spoken:
        raise ExpressionError(f"{_short(text)} is of the type {spoken}, which no column can hold")
    return found


def conjuncts(expression: Expression) -> list[Expression]:
    """The conditions that an expression joins by AND; itself when it is one condition."""
    node = _only_expression(_parse(expression.canonical))
    if node["type"] != "CONJUNCTION_AND":
        return [expression]
    return [compile_expression(_written(part), expression.types) for part in _children(node)]


def renamed(expression: Expression, names: Mapping[str, str]) -> str:
    """The canonical text with other names in the place of its columns'."""
    tree = _parse(expression.canonical)
    waiting = [_only_expression(tree)]
    while waiting:
        node = waiting.pop()
        if node["class"] == "COLUMN_REF":
            name = ".".join(node["column_names"])
            node["column_names"] = [names.get(name, name)]
        waiting.extend(_children(node))
    return _query("SELECT json_deserialize_sql(?::JSON)", json.dumps(tree)).removeprefix("SELECT ")


def compared_texts(text: str) -> tuple[tuple[str, str], ...]:
    """The columns or paths that an expression compares with a text, for being equal, and that text."""
    found: dict[tuple[str, str], None] = {}
    waiting = [_only_expression(_parse(text))]
    while waiting:
        node = waiting.pop()
        sides: list[dict[str, Any]] = []
        if node["type"] in ("COMPARE_EQUAL", "COMPARE_NOTEQUAL"):
            sides = sorted((node["left"], node["right"]), key=lambda side: side["class"] != "COLUMN_REF")
        elif node["type"] in ("COMPARE_IN", "COMPARE_NOT_IN"):
            sides = node["children"]
        if sides and sides[0]["class"] == "COLUMN_REF":
            path = ".".join(sides[0]["column_names"])
            texts = (side["literal"] for side in sides[1:] if side["class"] == "CONSTANT" and "literal" in side)
            found |= {(path, literal["text"]): None for literal in texts if literal["kind"] == "STRING"}
        waiting.extend(_children(node))
    return tuple(found)


def _written(node: dict[str, Any]) -> str:
    """A part of a tree as text."""
    tree = _parse("NULL")
    tree["statements"][0]["node"]["select_list"] = [node]
    return _query("SELECT json_deserialize_sql(?::JSON)", json.dumps(tree)).removeprefix("SELECT ")


def _try_out(expression: Expression) -> None:
    sql_types = {name: _sql_type(kind) for name, kind in expression.types.items()}
    rows = made_up_rows(expression.types, sql_types)
    try:
        # A row that fails must not keep the others from being tried.
        breach = rehearse(f"SELECT TRY({expression.canonical}) AS value FROM ({rows}) AS rows")
    except OSError as error:
        raise ExpressionError(f"{_short(expression.text)} could not be tried out: {error}") from error
    if breach:
        raise ExpressionError(
            f"{_short(expression.text)} {breach} when it was tried out on {ROWS:,} made-up rows; it is not run",
            "write it in a simpler way; what a plan may compute for a row has to take next to no time and memory",
        )


def first_line(error: Exception) -> str:
    """What DuckDB says of an error, without the excerpt of the query."""
    return str(error).strip().splitlines()[0]


# --- text to tree --------------------------------------------------------------------------------------------


def _check_text(text: str) -> None:
    if not text.strip():
        raise ExpressionError("the expression is empty")
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    if any(ord(character) < 32 and character not in "\t\r\n" for character in text):
        raise ExpressionError("the expression holds a control character")
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > MAX_BRACKETS or _OPERATOR_CHAIN.search(text):
        raise ExpressionError(f"brackets or signs are nested more than {MAX_BRACKETS} deep")


def _parse(text: str) -> dict[str, Any]:
    try:
        # On a line of its own, so that a comment at the end stays one.
        tree = json.loads(_query("SELECT json_serialize_sql(?)", f"SELECT {text}\n"))
    except duckdb.Error as error:
        raise ExpressionError(f"{_short(text)} cannot be read: {first_line(error)}") from None
    if tree.get("error"):
        said = str(tree.get("error_message", "")).strip().splitlines()
        raise ExpressionError(f"{_short(text)} cannot be read: {said[0] if said else 'not valid SQL'}")
    assert isinstance(tree, dict)
    return tree


def _query(query: str, argument: str) -> str:
    # All rows, although there is one: a result that is not read to its end keeps the connection busy.
    return str(locked_connection().execute(query, [argument]).fetchall()[0][0])


def _only_expression(tree: dict[str, Any]) -> dict[str, Any]:
    """The expression of a tree that is nothing but `SELECT expression`."""
    statements = tree["statements"]
    node = statements[0]["node"]
    if len(statements) != 1 or node["type"] != "SELECT_NODE" or len(node["select_list"]) != 1:
        raise ExpressionError("write one expression, without commas or semicolons around it")
    clauses = ("where_clause", "having", "sample", "qualify", "group_expressions", "group_sets", "modifiers")
    plain = (
        not any(node.get(clause) for clause in clauses)
        and not node["cte_map"]["map"]
        and node["from_table"]["type"] == "EMPTY"
        and node.get("aggregate_handling") == "STANDARD_HANDLING"
        and not statements[0].get("named_param_map")
        and not node["select_list"][0].get("alias")
    )
    if not plain:
        raise ExpressionError("write an expression only: no FROM, WHERE, ORDER BY, alias or parameter")
    expression = node["select_list"][0]
    assert isinstance(expression, dict)
    return expression


# --- the allow-list ------------------------------------------------------------------------------------------


class _Guard:
    """Walks one tree. It knows the layouts of DuckDB 1.4 and of 2.0 and puts known columns in place of references."""

    def __init__(self, types: Mapping[str, DataType]) -> None:
        self.types = types
        self.spelled = {name.casefold(): name for name in types}
        self.names: dict[str, None] = {}
        self.nodes = 0

    def check(self, node: dict[str, Any], depth: int = 0) -> int:
        """The number of characters that the value, as text, can have at most; raises when a part is not allowed."""
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise ExpressionError(f"the expression has more than {MAX_NODES} parts, or is nested too deep")
        match node["class"]:
            case "COLUMN_REF":
                return self._column(node)
            case "CONSTANT":
                return self._constant(node)
            case "TYPE":
                raise ExpressionError("a type stands where a value was expected")
            case "FUNCTION":
                size = self._function(node, [self.check(part, depth + 1) for part in _arguments(node)])
            case "CAST":
                _check_type(node)
                size = max(40, self.check(node["child"], depth + 1))
            case "OPERATOR" if node["type"] in _OPERATORS:
                sizes = [self.check(part, depth + 1) for part in _children(node)]
                size = sum(sizes) + 2 * len(sizes) if node["type"] == "ARRAY_CONSTRUCTOR" else max(sizes, default=5)
            case "COMPARISON" | "CONJUNCTION" | "BETWEEN" | "CASE":
                size = max([5, *(self.check(part, depth + 1) for part in _children(node))])
            case other:
                raise ExpressionError(*_refusal(str(other), str(node["type"])))
        if size > MAX_TEXT:
            raise ExpressionError(f"a text could become {size:,} characters long; at most {MAX_TEXT:,} are allowed")
        return size

    def _column(self, node: dict[str, Any]) -> int:
        path = ".".join(node["column_names"])
        name = self.spelled.get(path.casefold())
        if name is None:
            hint = closest(path, self.types) or (f"known are {', '.join(self.types)}" if self.types else None)
            raise ExpressionError(f"there is no column {path}", hint)
        self.names[name] = None
        node["column_names"] = [name]
        length = self.types[name].length
        return length if length is not None else COLUMN_TEXT

    @staticmethod
    def _constant(node: dict[str, Any]) -> int:
        size = len(_literal(node) or "")
        if size > MAX_LITERAL:
            raise ExpressionError(f"a literal has {size:,} characters; at most {MAX_LITERAL:,} are allowed")
        return max(size, 1)

    @staticmethod
    def _function(node: dict[str, Any], sizes: list[int]) -> int:
        name = str(node["function_name"]).casefold()
        path = node.get("qualified_name", {}).get("path", [name])
        if node.get("catalog") or node.get("schema") not in ("", "main", None) or len(path) > 1:
            raise ExpressionError(f"the function {'.'.join(map(str, path))} is not allowed: write its name alone")
        if name not in _FUNCTIONS:
            raise ExpressionError(f"the function {name} is not allowed", closest(name, _FUNCTIONS))
        if node.get("filter") or node.get("distinct") or node.get("order_bys", {}).get("orders"):
            raise ExpressionError(f"{name}: FILTER, DISTINCT and ORDER BY are not allowed")
        arguments = _arguments(node)
        _check_arguments(name, arguments)
        return _size_of_call(name, arguments, sizes)


def _check_arguments(name: str, arguments: list[dict[str, Any]]) -> None:
    if name in _NEEDS_TWO and len(arguments) < 2:
        raise ExpressionError(f"{name} needs two arguments: {_NEEDS_TWO[name]}")
    if name in _LENGTH_ARGUMENT:
        length = _number(arguments, _LENGTH_ARGUMENT[name])
        if length is None or length > MAX_LITERAL:
            raise ExpressionError(f"{name}: the length must be a plain number, at most {MAX_LITERAL:,}")
    if name in _LITERAL_ARGUMENT:
        place = _LITERAL_ARGUMENT[name]
        literal = _literal(arguments[place]) if len(arguments) > place else None
        if literal is None:
            raise ExpressionError(f"{name}: argument {place + 1} must be a literal")
        if name in ("format", "printf") and _WIDE_FORMAT.search(literal):
            raise ExpressionError(f"{name}: the format {literal!r} asks for too wide a field")
        if name.startswith("regexp") and (len(literal) > 200 or _LARGE_REPEAT.search(literal)):
            raise ExpressionError(f"{name}: the regular expression is too large")


def _size_of_call(name: str, arguments: list[dict[str, Any]], sizes: list[int]) -> int:
    """The number of characters that a function's value can have at most."""
    widest = max(sizes, default=1)
    if name in _JOINING:
        between = len(sizes) * widest if name == "concat_ws" else 4 * len(sizes)
        return (sum(sizes) + between) * (6 if "json" in name else 1)
    match name:
        case "repeat":
            return sizes[0] * max(_number(arguments, 1) or 0, 1)
        case "lpad" | "rpad":
            return max(sizes[0], _number(arguments, 1) or 0)
        case "replace":
            return (sizes[0] + 1) * max(sizes[2:] or [1])
        case "regexp_replace":
            # Each match is replaced, and each reference in the replacement can stand for the whole text.
            replacement = _literal(arguments[2]) if len(arguments) > 2 else ""
            references = 1 if replacement is None else replacement.count("\\")
            return (sizes[0] + 1) * (max(sizes[2:] or [1]) + references * sizes[0])
        case "format" | "printf":
            literal = str(_literal(arguments[0]))
            fields = literal.count("{") + literal.count("%")
            return len(literal) + fields * widest + sum(map(int, re.findall(r"\d+", literal)))
        case "strftime":
            return 12 * max(1, sizes[1])
        case "hex" | "to_hex":
            return 4 * widest
    return max(widest, 64)


def _arguments(node: dict[str, Any]) -> list[dict[str, Any]]:
    """A function's arguments; in 2.0 each has a name, which has to be empty."""
    if "arguments" not in node:
        return list(node["children"])
    if any(part.get("name") for part in node["arguments"]):
        raise ExpressionError("arguments are written without names")
    return [part["expression"] for part in node["arguments"]]


def _children(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All expressions directly below a node, wherever in it they stand."""
    for value in node.values():
        yield from _expressions(value)


def _expressions(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "class" in value:
            yield value
        else:
            for part in value.values():
                yield from _expressions(part)
    elif isinstance(value, list):
        for part in value:
            yield from _expressions(part)


def _literal(node: dict[str, Any]) -> str | None:
    """The text of a constant, or None when the node is no constant."""
    if node["class"] != "CONSTANT":
        return None
    if "literal" in node:
        return str(node["literal"]["text"])
    if node["value"]["type"]["id"] not in _CONSTANT_TYPES:
        raise ExpressionError(f"a literal of the type {node['value']['type']['id']} is not allowed")
    return str(node["value"].get("value", ""))


def _number(arguments: list[dict[str, Any]], place: int) -> int | None:
    text = _literal(arguments[place]) if len(arguments) > place else None
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,9}", text) else None


def _check_type(node: dict[str, Any]) -> None:
    if "cast_type" in node:
        name, details = str(node["cast_type"]["id"]), node["cast_type"].get("type_info") or {}
        known = name == "DECIMAL" or not any(details.values())
    else:
        type_node = node["type_expr"]
        name = str(type_node["type_name"])
        plain = all(part["class"] == "CONSTANT" and _literal(part) is not None for part in type_node["children"])
        known = plain and len(type_node.get("qualified_name", {}).get("path", [name])) == 1
    if not known or name.casefold() not in _TYPES:
        raise ExpressionError(f"a cast to {name} is not allowed", closest(name, _TYPES))


def _refusal(kind: str, detail: str) -> tuple[str, str | None]:
    """What to say of a part that is not allowed, and what to do instead."""
    spoken = {
        "SUBQUERY": ("a subquery is not allowed: an expression reads its own row only", "use copy(...) or rollup(...)"),
        "WINDOW": ("a window function is not allowed: an expression reads its own row only", None),
        "STAR": ("* is not allowed: name the columns", None),
        "LAMBDA": ("a lambda, or the arrow ->, is not allowed", None),
        "PARAMETER": ("a parameter is not allowed", None),
        "OPERATOR": (f"the operator {detail.removeprefix('OPERATOR_').lower()} is not allowed", None),
    }
    return spoken.get(kind, (f"{kind.lower().replace('_', ' ')} is not allowed", None))


# --- types ---------------------------------------------------------------------------------------------------

_SQL_TYPES = {
    TypeKind.INTEGER: "BIGINT",
    TypeKind.FLOAT: "DOUBLE",
    TypeKind.BOOLEAN: "BOOLEAN",
    TypeKind.BINARY: "BLOB",
    TypeKind.DATE: "DATE",
    TypeKind.TIMESTAMP: "TIMESTAMP",
    TypeKind.TIMESTAMP_TZ: "TIMESTAMP",
    TypeKind.TIME: "TIME",
}


def _sql_type(data_type: DataType) -> str:
    if data_type.kind is TypeKind.DECIMAL:
        precision, scale = DEFAULT_DECIMAL
        if data_type.precision is not None:
            precision, scale = data_type.precision, data_type.scale or 0
        return f"DECIMAL({min(precision, 38)}, {min(scale, 38)})"
    return _SQL_TYPES.get(data_type.kind, "VARCHAR")


def _quoted(name: str) -> str:
    return name.replace('"', '""')


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 80 else f"{one_line[:77]}..."

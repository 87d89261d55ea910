"""What SQL a plan may hold."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seedbed.plan.expressions import (
    _FUNCTIONS,
    MAX_CHARACTERS,
    ExpressionError,
    compile_expression,
    type_of_expression,
)
from seedbed.plan.sandbox import locked_connection
from seedbed.plan.types import TEXT, TIMESTAMP
from seedbed.schema import DataType, TypeKind, parse_data_type

CASES = Path(__file__).parents[2] / "cases" / "expressions"
HOSTILE = yaml.safe_load((CASES / "hostile.yml").read_text())
HONEST = yaml.safe_load((CASES / "honest.yml").read_text())


def types(**columns: str) -> dict[str, DataType]:
    found = {name: parse_data_type(text) for name, text in columns.items()}
    assert all(found.values())
    return {name: kind for name, kind in found.items() if kind}


KNOWN = {
    **types(id="bigint", qty="integer", price="decimal(12,2)", name="varchar", ts="timestamp", day="date"),
    "missing": TEXT,
    "order_id.status": TEXT,
    "select": parse_data_type("bigint"),
    "Odd Name": TEXT,
}


@pytest.mark.parametrize(
    ("aim", "text", "told"), [(aim, case["text"], case["told"]) for aim, cases in HOSTILE.items() for case in cases]
)
def test_hostile_expressions_are_refused(aim: str, text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_expression(text, KNOWN)
    assert told in str(raised.value)


@pytest.mark.parametrize("case", HONEST, ids=[case["text"] for case in HONEST])
def test_honest_expressions_have_their_type(case: dict[str, Any]) -> None:
    assert type_of_expression(case["text"], KNOWN).kind == TypeKind(case["type"])


@pytest.mark.parametrize("case", HONEST, ids=[case["text"] for case in HONEST])
def test_canonical_text_is_canonical(case: dict[str, Any]) -> None:
    first = compile_expression(case["text"], KNOWN)
    again = compile_expression(first.canonical, KNOWN)
    assert (again.canonical, again.names) == (first.canonical, first.names)


def test_names_are_spelled_as_given_and_listed_once() -> None:
    expression = compile_expression('ID + id + length("ORDER_ID"."Status")', KNOWN)
    assert expression.names == ("id", "order_id.status")
    assert set(expression.types) == set(expression.names)
    assert '"order_id.status"' in expression.canonical


def test_a_comment_does_not_survive() -> None:
    assert compile_expression("1 -- ; drop table x", {}).canonical == "1"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 30 + "1" + ")" * 30,
        "- " * 40 + "1",
        "not " * 40 + "true",
        "1" + "+1" * 300,
        "1" + " + 1" * 600,
        "abs(" * 20 + "1" + ")" * 20 + "+abs(1)" * 250,
        "id in (" + ",".join(map(str, range(400))) + ")",
        "id::int" + "::int" * 100,
        "x" * (MAX_CHARACTERS + 1),
        "'" + "x" * 1_001 + "'",
    ],
)
def test_what_could_exhaust_the_parser_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text, KNOWN)


def test_an_unknown_column_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_expression("prise * 2", KNOWN)
    assert raised.value.hint == "did you mean price?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name + 1 day", "cannot be read"),
        ("ts + name", "ts + name"),
        ("interval 1 day", "INTERVAL"),
        ("[id]", "BIGINT[]"),
        ("round(name)", "round"),
    ],
)
def test_expressions_without_a_usable_type(text: str, told: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(told)):
        type_of_expression(text, KNOWN)


def test_a_text_column_of_known_length_bounds_what_may_be_made_of_it() -> None:
    short = {"code": parse_data_type("varchar(10)")}
    assert compile_expression("repeat(code, 500)", short).names == ("code",)
    with pytest.raises(ExpressionError, match="could become"):
        compile_expression("repeat(code, 500)", {"code": TEXT})


def test_every_allowed_function_is_known_to_duckdb() -> None:
    rows = duckdb.connect().execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    known = {name for (name,) in rows}
    # What the parser makes of syntax has no entry of its own.
    assert _FUNCTIONS - known <= {"if", "ifnull", "nullif", "position", "like_escape", "!~~", "prefix"}


def test_every_allowed_function_gives_the_same_value_twice() -> None:
    query = """
        SELECT DISTINCT function_name FROM duckdb_functions()
        WHERE function_type = 'scalar' AND stability <> 'CONSISTENT' AND NOT list_has_any(parameter_types, $zoned)
           OR function_type IN ('table', 'aggregate', 'pragma', 'table_macro')
    """
    # Moments with a time zone depend on a setting; no expression can have one, since no cast to one is allowed.
    zoned = ["TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS", "TIME WITH TIME ZONE"]
    others = {name for (name,) in duckdb.connect().execute(query, {"zoned": zoned}).fetchall()}
    assert _FUNCTIONS & others <= {"repeat"}  # which is also the name of a table function


def test_the_connection_is_locked() -> None:
    secrets_of_the_caller = [1]
    connection = locked_connection()
    for query in (
        "SELECT * FROM read_text('/etc/passwd')",
        "SET threads = 4",
        "SET enable_external_access = true",
        "ATTACH '/tmp/x.duckdb'",
        "INSTALL httpfs",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "SELECT * FROM secrets_of_the_caller",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(query).fetchall()
    assert secrets_of_the_caller
    settings = ("enable_external_access", "python_enable_replacements", "autoload_known_extensions")
    for name in settings:
        assert connection.execute(f"SELECT current_setting('{name}')").fetchall() == [(False,)]


ATOMS = st.sampled_from(
    ["id", "qty", "price", "name", "ts", "day", "1", "0", "-1", "2.5", "''", "'a'", "'%'", "null", "true", "1e300", "x"]
)

INFIX = ("+", "-", "*", "/", "||", "=", "<", "and", "or", "like", "in")


def _compound(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from([*sorted(name for name in _FUNCTIONS if name.isidentifier()), "read_text", "random"])
    return st.one_of(
        st.builds("{}({})".format, names, st.lists(parts, max_size=3).map(", ".join)),
        st.builds(
            "({} {} {})".format,
            parts,
            st.sampled_from(INFIX),
            parts,
        ),
        st.builds("cast({} as {})".format, parts, st.sampled_from(["int", "varchar", "date", "decimal(5,1)", "blob"])),
        st.builds("case when {} then {} end".format, parts, parts),
        st.builds("(select {})".format, parts),
        st.builds("{}[{}]".format, parts, parts),
    )


@given(st.recursive(ATOMS, _compound, max_leaves=12))
def test_any_text_is_compiled_to_something_stable_or_refused(text: str) -> None:
    try:
        expression = compile_expression(text, KNOWN)
    except ExpressionError:
        return
    assert "select" not in expression.canonical.lower()
    assert "read_text" not in expression.canonical
    assert compile_expression(expression.canonical, KNOWN).canonical == expression.canonical


@given(st.text(max_size=60))
def test_no_text_at_all_raises_anything_else(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        compile_expression(text, {"ts": TIMESTAMP})

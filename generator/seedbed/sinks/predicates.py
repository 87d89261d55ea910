"""Conditions of rules in the SQL of the project's warehouse, where it is certain to mean the same there."""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

_SAME_EVERYWHERE = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Tuple, exp.Is,
    exp.Null, exp.Boolean, exp.Literal, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Column, exp.Identifier, exp.Between,
    exp.Coalesce, exp.Abs, exp.Lower, exp.Upper, exp.Case, exp.If, exp.Cast, exp.DataType, exp.DataTypeParam,
    exp.Year, exp.Month, exp.Day,
)  # fmt: skip
_SUNDAY_IS_0 = ("postgres", "redshift")
"""Where EXTRACT(DOW) counts as DuckDB's dayofweek does."""


def in_dialect(sql: str, aliases: Mapping[str, str], adapter: str | None) -> str | None:
    """A condition for an adapter, or None where its meaning there is not certain.

    Args:
        sql: the condition as DuckDB writes it.
        aliases: by path or column, the name that it has there, quoted if need be.
        adapter: the dbt adapter's type.
    """
    tree = sqlglot.parse_one(sql, read="duckdb")
    dialect = adapter or "duckdb"
    if dialect != "duckdb":
        if dialect not in sqlglot.Dialect.classes:
            return None
        for day in tree.find_all(exp.DayOfWeek):
            if dialect not in _SUNDAY_IS_0:
                return None
            day.replace(exp.Extract(this=exp.var("DOW"), expression=day.this.copy()))
        if not all(isinstance(node, (*_SAME_EVERYWHERE, exp.Extract, exp.Var)) for node in tree.walk()):
            return None
    for column in tree.find_all(exp.Column):
        name = column.name
        if name in aliases:
            alias = aliases[name]
            quoted = alias[:1] in '"`['
            column.set("this", exp.to_identifier(alias[1:-1] if quoted else alias, quoted=quoted))
    return tree.sql(dialect=dialect)

"""References that models' joins tell: with another table's key, unless the name or another join speaks against it."""

from pathlib import Path

import pytest

from seedbed.authoring.baseline.author import author_plan
from seedbed.errors import Location
from seedbed.schema import Column, DataType, Fact, ForeignKey, Join, Project, Resource, Schema, Table, TypeKind


def _table(name, *columns, joins=(), **facts):
    joined = tuple(Join(column, table, other, Location("models/m.sql", 3)) for column, table, other in joins)
    return Table(name, Resource.SEED, columns=tuple(map(_column, columns)), joins=joined, **facts)


def _column(text):
    name, _, kind = text.partition(" ")
    return Column(name, data_type=Fact(DataType(TypeKind(kind), kind)) if kind else None)


def _plan(*tables):
    plan, notes = author_plan(Schema(Project(Path("/nowhere"), "demo"), tables))
    return plan, [note for note in notes if note.code == "joined-with-several"]


@pytest.mark.parametrize(
    ("column", "joins", "expected"),
    [
        ("payer", [("payer", "people", "id")], "foreign_key('people')"),
        # The join is a stronger word than the name.
        ("shop_id", [("shop_id", "people", "id")], "foreign_key('people')"),
        # What is joined is no key.
        ("payer", [("payer", "people", "age")], None),
        # Another column is joined.
        ("payer", [("total", "people", "id")], None),
        # Of two keys, the name chooses.
        ("shop_id", [("shop_id", "people", "id"), ("shop_id", "shops", "shop_id")], "foreign_key('shops')"),
        # A text is no number, whatever a join says.
        ("note text", [("note", "people", "id")], None),
    ],
)
def test_a_join_with_a_key_is_a_reference(column, joins, expected):
    people, shops = _table("people", "id integer", "age integer"), _table("shops", "shop_id", "city")
    plan, notes = _plan(people, shops, _table("orders", "order_id", "total", column, joins=joins))
    generator = str(plan.tables["orders"].columns[column.split()[0]].generator)
    assert generator == expected if expected else not generator.startswith("foreign_key")
    assert not notes


def test_two_keys_and_a_name_that_says_nothing_are_told():
    people, shops = _table("people", "id"), _table("shops", "shop_id")
    joins = [("payer", "people", "id"), ("payer", "shops", "shop_id")]
    plan, (note,) = _plan(people, shops, _table("orders", "order_id", "payer", joins=joins))
    assert not str(plan.tables["orders"].columns["payer"].generator).startswith("foreign_key")
    assert "orders.payer" in note.message
    assert note.location.short == "models/m.sql:3"


def test_what_is_declared_overrides_a_join():
    people, shops = _table("people", "id"), _table("shops", "shop_id")
    declared = (ForeignKey(("payer",), "shops", ("shop_id",)),)
    joins = [("payer", "people", "id")]
    plan, _ = _plan(people, shops, _table("orders", "order_id", "payer", joins=joins, foreign_keys=declared))
    assert str(plan.tables["orders"].columns["payer"].generator) == "foreign_key('shops')"


def test_a_table_may_be_joined_with_itself():
    staff = _table("staff", "id integer", "boss integer", joins=[("boss", "staff", "id"), ("id", "staff", "boss")])
    plan, _ = _plan(staff)
    assert str(plan.tables["staff"].columns["boss"].generator).startswith("foreign_key('staff'")
    assert str(plan.tables["staff"].columns["id"].generator) == "sequence()"

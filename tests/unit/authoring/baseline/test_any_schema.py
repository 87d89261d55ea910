"""Whatever a project says, the keyless author's plan is valid: random schemas of odd and plain tables."""

import dataclasses
import datetime as dt
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbed.authoring.baseline.author import author_plan
from seedbed.documents import Document
from seedbed.errors import Severity
from seedbed.plan.generators import parse_generator
from seedbed.plan.resolve import resolve
from seedbed.schema import (
    Cardinality,
    Column,
    Fact,
    ForeignKey,
    Project,
    Range,
    Resource,
    Schema,
    Table,
    parse_data_type,
)

TODAY = dt.date(2026, 7, 14)
TABLES = [
    "customers", "orders", "order_items", "dim_date", "case_status_dim", "case_dim", "employees", "statuses", "t",
    "x y",
]  # fmt: skip
COLUMNS = [
    "id", "customer_id", "order_id", "name", "status", "email", "created_at", "updated_at", "closed_at", "amount",
    "line_no", "valid_from", "valid_to", "is_current", "case_sk", "case_status", "date_key", "date_sk", "manager_id",
    "parent_id", "code", "order_date", "Weird Name", "price", "quantity", "line_total", "birth_date", "payload",
    "score", "zzz", "select",
]  # fmt: skip
TYPES = [
    "integer", "smallint", "tinyint", "bigint", "decimal(5,2)", "decimal(10,0)", "double", "varchar", "varchar(3)",
    "varchar(20)", "char(36)", "date", "timestamp", "timestamptz", "boolean", "uuid", "json", "time", None, None, None,
]  # fmt: skip
SAID = [
    None, None, None, "One of: new, open, closed", "between 3 and 9", "percentage", "like AB-0001", "is unique",
    "foreign key to customers", "1 new, 2 old", "optional", "Y/N", "always after the created date",
    "only set when closed", "references orders.id", "never null",
]  # fmt: skip
BOUNDS = [None, Range(0, 5), Range(10, None), Range(None, 3), Range(0, None, False)]


@st.composite
def columns(draw, name):
    text = draw(st.sampled_from(TYPES))
    data_type = parse_data_type(text) if text else None
    said = draw(st.sampled_from(SAID))
    accepted = None
    if data_type is None or data_type.kind in ("text", "integer"):
        words = ["a", "b", "c"] if data_type is None or data_type.kind == "text" else [1, 2, 3]
        accepted = draw(st.sampled_from([None, None, None, tuple(words)]))
    numeric = data_type is not None and data_type.kind in ("integer", "decimal", "float")
    bounds = draw(st.sampled_from(BOUNDS)) if numeric else None
    return Column(
        name,
        data_type=Fact(data_type) if data_type else None,
        description=Fact(said) if said else None,
        not_null=Fact(True) if draw(st.integers(0, 4)) == 0 else None,
        accepted_values=Fact(accepted) if accepted and not bounds else None,
        value_range=Fact(bounds) if bounds else None,
    )


@st.composite
def schemas(draw):
    tables = []
    for name in draw(st.lists(st.sampled_from(TABLES), min_size=1, max_size=5, unique=True)):
        names = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=8, unique=True))
        made = tuple(draw(columns(column)) for column in names)
        key = draw(st.sampled_from([None, None, names[:1], names[:2]]))
        keys = []
        for parent in tables:
            if parent.primary_key and len(parent.primary_key.value) == 1 and draw(st.integers(0, 2)) == 0:
                children = draw(st.sampled_from([Cardinality(), Cardinality(1), Cardinality(0, 1)]))
                same_type = parent.column(parent.primary_key.value[0]).data_type
                last = dataclasses.replace(made[-1], data_type=same_type, accepted_values=None, value_range=None)
                made = (*made[:-1], last)
                keys.append(ForeignKey((names[-1],), parent.name, parent.primary_key.value, children=children))
                break
        checks = [Fact(f"{names[0]} >= 0")] if made[0].data_type and made[0].data_type.value.kind == "integer" else []
        tables.append(
            Table(
                name,
                Resource.MODEL,
                columns=made,
                primary_key=Fact(tuple(key)) if key else None,
                foreign_keys=tuple(keys),
                checks=tuple(checks),
            )
        )
    return Schema(Project(Path("/"), "demo"), tuple(tables))


@given(schemas())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_column_is_decided_validly(schema):
    plan, notes = author_plan(schema, today=TODAY)
    assert author_plan(schema, today=TODAY) == (plan, notes)
    for table in schema:
        entry = plan.tables[table.name]
        history = entry.history
        recorded = (
            {history.state, history.valid_from, history.valid_to, history.current, history.version}
            if history
            else set()
        )
        assert set(entry.columns) | recorded >= set(table.column_names)
        for name, column in entry.columns.items():
            assert parse_generator(str(column.generator)) == column.generator
            accepted = table.column(name).accepted_values
            if accepted and column.generator.kind in ("choice", "each"):
                assert set(column.generator.values) <= set(accepted.value)


@given(schemas())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_cannot_be_carried_out_was_announced(schema):
    plan, notes = author_plan(schema, today=TODAY)
    resolved, diagnostics = resolve(schema, plan, Document({}, "seedbed.yml"))
    announced = any(note.severity is not Severity.NOTE for note in notes)
    assert resolved is not None or announced, "\n".join(map(str, diagnostics))

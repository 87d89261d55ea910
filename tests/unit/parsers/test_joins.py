"""How models join the tables that are not built; the cases are data."""

from pathlib import Path

import pytest
import yaml

from seedbed.parsers import read_schema

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "joins.yml").read_text(encoding="utf-8"))


def _properties(sources):
    """The property file of a case."""
    entries: dict[str, list[object]] = {}
    for name, columns in sources.items():
        source, table = name.split(".")
        entries.setdefault(source, []).append({"name": table, "columns": [_column(text) for text in columns]})
    return {"sources": [{"name": source, "tables": tables} for source, tables in entries.items()]}


def _column(text):
    name, _, to = text.partition(" -> ")
    tests = ["unique"] if name.endswith("*") else []
    if to:
        source, table, field = to.split(".")
        tests.append({"relationships": {"to": f"source('{source}', '{table}')", "field": field}})
    return {"name": name.rstrip("*"), "data_tests": tests}


def _read(folder, case):
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text("name: demo\nprofile: demo\n")
    (folder / "models" / "sources.yml").write_text(yaml.safe_dump(_properties(case["sources"])))
    for name, sql in case["models"].items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    return read_schema(folder)[0]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_joins_are_found(tmp_path, case):
    schema = _read(tmp_path, case)
    found = {
        frozenset([f"{table.name}.{join.column}", f"{join.table}.{join.other}"])
        for table in schema
        for join in table.joins
    }
    assert found == {frozenset(text.split(" = ")) for text in case["joins"]}


def test_both_tables_are_told_with_the_place(tmp_path):
    schema = _read(tmp_path, CASES[0])
    orders, people = schema.table("raw.orders"), schema.table("raw.people")
    (ours,), (theirs,) = orders.joins, people.joins
    assert (ours.column, ours.table, ours.other) == ("user_id", "raw.people", "id")
    assert (theirs.column, theirs.table, theirs.other) == ("id", "raw.orders", "user_id")
    assert ours.origin.short == theirs.origin.short == "models/customers.sql:5"


def test_where_nothing_is_left_open_no_model_is_read(tmp_path):
    """Parsing takes time, and would say nothing new."""
    sources = {"raw.people": ["id*"], "raw.orders": ["buyer_id -> raw.people.id", "payer"]}
    sql = "select 1 from {{ source('raw', 'orders') }} o join {{ source('raw', 'people') }} p on o.payer = p.id"
    schema = _read(tmp_path, {"sources": sources, "models": {"joined": sql}})
    assert not any(table.joins for table in schema)


def test_of_very_many_models_some_are_left_out_and_told(tmp_path):
    long = "select 1 from {{ source('raw', 'orders') }} o join {{ source('raw', 'people') }} p on o.buyer_id = p.id\n"
    models = {f"m{number:02}": f"{long}--{'.' * 95_000}" for number in range(12)}
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: demo\nprofile: demo\n")
    sources = {"raw.people": ["id"], "raw.orders": ["buyer_id"]}
    (tmp_path / "models" / "sources.yml").write_text(yaml.safe_dump(_properties(sources)))
    for name, sql in models.items():
        (tmp_path / "models" / f"{name}.sql").write_text(sql)
    schema, diagnostics = read_schema(tmp_path)
    assert schema.table("raw.orders").joins
    (note,) = [found for found in diagnostics if found.code == "models-not-read"]
    assert (note.message[:9], note.location.file) == ("2 models ", "models/m10.sql")

"""What models take from the tables that they refer to; the cases are data."""

import logging
from pathlib import Path

import pytest
import yaml

from seedbed.parsers import read_schema
from seedbed.parsers.model_sql import columns_used

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "model_sql.yml").read_text(encoding="utf-8"))


def _spoken(used):
    table = f"{used.relation.source}.{used.relation.name}" if used.relation.source else used.relation.name
    values = f" | {' '.join(used.values)}" if used.values else ""
    return f"{table}.{used.name}{f' {used.data_type}' if used.data_type else ''}{values}"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_columns_are_found(case):
    assert [_spoken(used) for used in columns_used(case["sql"], None)] == case["columns"]


def test_places_are_those_of_the_model():
    sql = "{# about\nships #}\nselect\n  id,\n  {{ lower(\n    'flag') }}\nfrom {{ ref('ships') }}\n"
    assert [(used.name, used.line) for used in columns_used(sql, "postgres")] == [("id", 4), ("flag", 5)]


def test_what_cannot_be_read_is_not_told_on_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own, without which Python prints warnings
    assert columns_used("create 1 odd {{ ref('ships') }}", None) == []
    assert capsys.readouterr().err == ""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: demo\nprofile: demo\n")
    (tmp_path / "models" / "stg_ships.sql").write_text(
        "select imo, name, kind = 'tug' as is_tug, kind = 'barge' as is_barge from {{ source('harbour', 'ships') }}\n"
    )
    (tmp_path / "models" / "fleet.sql").write_text("select tons from {{ ref('stg_ships') }}\n")
    return tmp_path


def _columns(project, properties):
    (project / "models" / "properties.yml").write_text(properties)
    schema, diagnostics = read_schema(project)
    table = next(table for table in schema if table.name == "harbour.ships")
    return table, {found.code for found in diagnostics}


def test_a_source_without_columns_has_those_that_models_take(project):
    table, codes = _columns(project, "sources: [{name: harbour, tables: [{name: ships}]}]")
    assert table.column_names == ("imo", "name", "kind")
    assert table.columns[0].origin.short == "models/stg_ships.sql:1"
    (hint,) = table.data_tests
    assert (hint.column, hint.arguments.value, hint.conditional) == ("kind", {"values": ["tug", "barge"]}, True)
    assert "columns-from-sql" in codes
    assert "no-columns" not in codes


def test_a_source_that_lists_columns_has_no_others(project):
    table, codes = _columns(project, "sources: [{name: harbour, tables: [{name: ships, columns: [{name: imo}]}]}]")
    assert table.column_names == ("imo",)
    assert "columns-from-sql" not in codes


def test_a_model_that_is_built_gets_no_columns(project):
    _columns(project, "sources: [{name: harbour, tables: [{name: ships}]}]\nmodels: [{name: stg_ships}]")
    schema, _ = read_schema(project)
    assert next(table for table in schema if table.name == "stg_ships").columns == ()

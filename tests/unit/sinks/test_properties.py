"""What dbt is told about the seeds: names of types, quotes, places and tests for each warehouse."""

from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plans import arrow_schema, batches, make_plan, make_table
from seedbed.errors import Severity, SinkError
from seedbed.plan.resolved import ForeignKeyPromise, Given, Promises
from seedbed.schema import Cardinality, Resource, SourceTable, parse_data_type
from seedbed.sinks.data_tests import jinja_safe
from seedbed.sinks.dialect import needs_quotes, type_name
from seedbed.sinks.placement import placement
from seedbed.sinks.properties import render_properties
from seedbed.sinks.seeds import CsvSink


def _entries(tables: list[Any], **project: Any) -> dict[str, dict[str, Any]]:
    text = render_properties(make_plan(Path("/shop"), tables, **project), lambda _: True).yaml
    assert text is not None
    return {entry["name"]: entry for entry in yaml.safe_load(text)["seeds"]}


@pytest.mark.parametrize(
    ("declared", "ansi", "duckdb_name", "bigquery", "spark"),
    [
        ("int", "integer", "integer", "int64", "integer"),
        ("bigint", "bigint", "bigint", "int64", "bigint"),
        ("tinyint", "smallint", "smallint", "int64", "smallint"),
        ("number(10,2)", "numeric(10, 2)", "numeric(10, 2)", "numeric(10, 2)", "decimal(10, 2)"),
        ("numeric(38,12)", "numeric(38, 12)", "numeric(38, 12)", "bignumeric(38, 12)", "decimal(38, 12)"),
        ("decimal", "numeric(38, 9)", "numeric(38, 9)", "numeric(38, 9)", "decimal(38, 9)"),
        ("float", "double precision", "double", "float64", "double"),
        ("char(20)", "varchar(20)", "varchar(20)", "string", "string"),
        ("text", "varchar", "varchar", "string", "string"),
        ("bool", "boolean", "boolean", "bool", "boolean"),
        ("date", "date", "date", "date", "date"),
        ("datetime", "timestamp", "timestamp", "datetime", "timestamp"),
        ("timestamp with time zone", "timestamptz", "timestamptz", "timestamp", "timestamp"),
        ("time", "time", "time", "time", "string"),
        ("uuid", "varchar", "uuid", "string", "string"),
        ("json", "varchar", "json", "string", "string"),
    ],
)
def test_types_have_the_warehouses_names(declared, ansi, duckdb_name, bigquery, spark):
    data_type = parse_data_type(declared)
    names = [type_name(data_type, adapter) for adapter in (None, "snowflake", "duckdb", "bigquery", "databricks")]
    assert names == [ansi, ansi, duckdb_name, bigquery, spark]
    with duckdb.connect() as connection:
        connection.execute(f"create table t (c {duckdb_name})")


def test_exactly_the_words_that_a_warehouse_refuses_are_quoted():
    names = ["id", "Order", "customer id", "größe", "CaseSk", "user", "1st", "select", "status", "a", "A"]
    assert needs_quotes(names) == ("Order", "customer id", "größe", "user", "1st", "select", "a", "A")
    with duckdb.connect() as connection:
        words = [word for (word,) in connection.execute("select keyword_name from duckdb_keywords()").fetchall()]
        for word in set(words) - set(needs_quotes(words)):
            connection.execute(f"select {word} from (select 1 as {word}) order by {word}")


@given(st.lists(st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "raw", "endraw", " ", "-", "a", "'", '"', "\n"])))
def test_any_text_survives_dbts_jinja(parts):
    text = "".join(parts)
    assert jinja2.Environment(keep_trailing_newline=True).from_string(jinja_safe(text)).render() == text


ORDERS = SourceTable("crm", "orders", "raw", "Orders")


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ({"target_schema": "raw"}, {"alias": "Orders"}),
        ({"target_schema": "RAW"}, {"alias": "Orders"}),
        ({"target_schema": "dev", "custom_schema_names": True}, {"schema": "raw", "alias": "Orders"}),
        ({"target_schema": "r"}, None),
        ({"target_schema": None}, None),
    ],
)
def test_a_source_is_reached_by_name_or_by_a_view(project, expected):
    table = make_table("crm.orders", {"id": "int"}, source=ORDERS)
    place = placement(table, make_plan(Path("/shop"), [table], **project).project)
    hooks = place.config.get("post_hook", [])
    assert (place.view, len(hooks)) == ((None, 0) if expected else ("raw.Orders", 1))
    named = {key: value for key, value in place.config.items() if not key.endswith("_hook")}
    assert named == (expected or {})


def test_a_source_below_the_targets_schema_takes_its_suffix():
    table = make_table("crm.orders", {"id": "int"}, source=SourceTable("crm", "orders", "dev_crm", "crm__orders"))
    config = placement(table, make_plan(Path("/shop"), [table], target_schema="dev").project).config
    assert {key: value for key, value in config.items() if not key.endswith("_hook")} == {"schema": "crm"}


def test_a_view_is_not_made_where_the_seed_itself_stands():
    table = make_table("crm.orders", {"id": "int"}, file="orders", source=SourceTable("crm", "orders", "raw", "orders"))
    (hook,) = placement(table, make_plan(Path("/shop"), [table], target_schema="dev").project).config["post_hook"]

    class This:
        def __init__(self, schema: str) -> None:
            self.schema, self.identifier = schema, "orders"

        def __str__(self) -> str:
            return f"{self.schema}.orders"

    def render(schema: str) -> str:
        return jinja2.Template(hook).render(this=This(schema))

    assert render("dev") == "create or replace view raw.orders as select * from dev.orders"
    assert render("raw") == ""


def test_only_existing_parents_are_referred_to():
    key = ForeignKeyPromise(("owner_id",), "people", ("id",), Cardinality(), nullable=True)
    people = make_table("people", {"id": "int"})
    pets = make_table("pets", {"owner_id": "int"}, Promises(foreign_keys=(key,)))
    plan = make_plan(Path("/shop"), [people, pets])
    assert "ref('people')" in (render_properties(plan, lambda _: True).yaml or "")
    alone = render_properties(plan, lambda name: name == "pets").yaml or ""
    assert "people" not in alone
    assert "name: pets" in alone


@pytest.mark.parametrize(("adapter", "escaped"), [("postgres", "O''Brien"), ("bigquery", "O\\'Brien")])
def test_accepted_values_are_escaped_as_dbt_needs_them(adapter, escaped):
    table = make_table(
        "t", {"name": "varchar", "n": "int"}, Promises(accepted_values={"name": ("O'Brien",), "n": (1, 2)})
    )
    name, number = _entries([table], adapter=adapter)["t"]["columns"]
    assert name["data_tests"] == [{"accepted_values": {"arguments": {"values": [escaped]}}}]
    assert number["data_tests"] == [{"accepted_values": {"arguments": {"values": [1, 2], "quote": False}}}]


def test_yaml_keeps_texts_that_look_like_something_else():
    words = ("NO", "off", "012", "1_000", "2026-01-01", "22:22", "~", "null?", "- a", "a: b", "#x", "*a", "&a", "!x")
    table = make_table("t", {"v": "varchar"}, Promises(accepted_values={"v": words}))
    (column,) = _entries([table])["t"]["columns"]
    assert tuple(column["data_tests"][0]["accepted_values"]["arguments"]["values"]) == words


def test_the_demonstration_stays_in_its_own_project():
    table = make_table("t", {"id": "int"}, Promises(primary_key=("id",)))
    assert "enabled" not in _entries([table])["t"]["config"]
    assert _entries([table], name="seedbed")["t"]["config"]["enabled"] == "{{ project_name == 'seedbed' }}"
    documented = make_table("t", {"id": "int"}, Promises(primary_key=("id",)), property_file="seeds/t.yml")
    for name, gated in (("seedbed", True), ("shop", False)):
        properties = render_properties(make_plan(Path("/shop"), [documented], name=name), lambda _: True)
        assert properties.yaml is None
        assert {("enabled=(project_name" in text) for *_, text in properties.tests} == {gated}


def test_what_an_earlier_run_wrote_is_no_documentation():
    table = make_table("t", {"id": "int"}, property_file="seeds/_seedbed.yml", declared_tests=frozenset([("x", None)]))
    assert _entries([table])["t"]["columns"] == [{"name": "id"}]


# --- the sink as a whole -----------------------------------------------------------------------------------------


def _write(plan: Any, rows: dict[str, list[tuple[Any, ...]]]) -> Any:
    with CsvSink(plan) as sink:
        for name, values in rows.items():
            table = plan.table(name)
            sink.write(table, arrow_schema(table), batches(table, values))
        return sink.commit()


A = make_table("a", {"id": "int"})
B = make_table("b", {"id": "int", "note": "varchar"}, Promises(not_null=("id",)))


def test_a_selection_leaves_the_other_seeds_and_their_descriptions(tmp_path):
    plan = make_plan(tmp_path, [A, B])
    _write(plan, {"a": [(1,)], "b": [(1, "x")]})
    outcome = _write(plan, {"a": [(2,)]})
    assert (outcome.changed, outcome.removed) == (("seeds/a.csv",), ())
    assert "name: b" in (tmp_path / "seeds" / "_seedbed.yml").read_text()


def test_seeds_of_tables_that_left_the_plan_go(tmp_path):
    _write(make_plan(tmp_path, [A, B]), {"a": [(1,)], "b": [(1, "x")]})
    outcome = _write(make_plan(tmp_path, [A]), {"a": [(1,)]})
    assert outcome.removed == ("seeds/b.csv",)
    assert "name: b" not in (tmp_path / "seeds" / "_seedbed.yml").read_text()


def test_an_edited_seed_of_a_table_that_left_the_plan_stays_and_is_spoken_of(tmp_path):
    _write(make_plan(tmp_path, [A, B]), {"a": [(1,)], "b": [(1, "x")]})
    (tmp_path / "seeds" / "b.csv").write_text("mine")
    outcome = _write(make_plan(tmp_path, [A]), {"a": [(1,)]})
    assert outcome.removed == ()
    assert [(note.code, note.location.file) for note in outcome.notes] == [("edited-file", "seeds/b.csv")]


def test_a_hand_written_seed_is_found_before_any_row_is_made(tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "b.csv").write_text("mine")
    with pytest.raises(SinkError, match="hand-written-file"):
        CsvSink(make_plan(tmp_path, [A, B]))
    # It is a parent when the plan takes it as it is.
    rows = Given("b.csv", tmp_path / "seeds" / "b.csv", pa.record_batch([], names=[]))
    given_table = make_table("b", {"id": "int"}, rows=rows, written=False)
    _write(make_plan(tmp_path, [A, given_table]), {"a": [(1,)]})
    assert (tmp_path / "seeds" / "b.csv").read_text() == "mine"


def test_blank_texts_are_spoken_of_and_refused_where_null_is_forbidden(tmp_path):
    outcome = _write(make_plan(tmp_path, [B]), {"b": [(1, ""), (2, " "), (3, "x")]})
    (note,) = outcome.notes
    assert (note.code, note.severity) == ("blank-text", Severity.WARNING)
    assert note.message.startswith("b.note: 2 empty or blank texts")
    strict = make_table("b", {"id": "int", "note": "varchar"}, Promises(not_null=("note",)))
    with pytest.raises(SinkError, match="must not be null"):
        _write(make_plan(tmp_path, [strict]), {"b": [(1, "")]})


def test_an_unwritable_value_names_its_table_and_column(tmp_path):
    with pytest.raises(SinkError, match=r"b\.note holds the text 'null'"):
        _write(make_plan(tmp_path, [B]), {"b": [(1, "null")]})
    assert list((tmp_path).rglob("*.csv")) == []


def test_a_prototype_of_a_model_skips_the_tests_that_it_has(tmp_path):
    table = make_table(
        "t",
        {"id": "int"},
        Promises(primary_key=("id",)),
        resource=Resource.MODEL,
        declared_tests=frozenset([("unique", "id")]),
    )
    (column,) = _entries([table])["t"]["columns"]
    assert column["data_tests"] == ["not_null"]


WRONGLY_INFERRED = make_table(
    "t",
    {
        "zip": "varchar",
        "percent": "varchar",
        "day": "varchar",
        "word": "varchar",
        "mixed": "varchar",
        "empty": "varchar",
        "wide": "bigint",
        "narrow": "bigint",
        "price": "decimal(10,2)",
        "plain": "date",
    },
    property_file="seeds/t.yml",
)
_INFERRED_ROWS = [
    *[("00501", "5%", "2026-01-01", "a", "1", None, 2**31, 2**31 - 1, 1, None)] * 20,
    ("+1", "7%", None, "1", "x", None, 1, -(2**31), None, None),
]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", {"zip", "percent", "day", "empty", "wide", "price", "plain"}),
        ("    config: {column_types: {ZIP: varchar, wide: bigint}}\n", {"percent", "day", "empty", "price", "plain"}),
    ],
)
def test_columns_that_dbt_would_read_as_something_else_are_named(tmp_path, typed, expected):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "t.yml").write_text(f"seeds:\n  - name: t\n{typed}")
    outcome = _write(make_plan(tmp_path, [WRONGLY_INFERRED]), {"t": _INFERRED_ROWS})
    (note,) = outcome.notes
    assert (note.code, note.location.file) == ("column-types", "seeds/t.yml")
    lines = yaml.safe_load(note.hint.split("\n", 1)[1])
    assert set(lines["config"]["column_types"]) == expected


def test_types_in_the_project_file_count_too(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("seeds:\n  shop:\n    t:\n      +column_types: {id: bigint}\n")
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "t.yml").write_text("seeds: [{name: t}]\n")
    table = make_table("t", {"id": "bigint"}, property_file="seeds/t.yml")
    assert _write(make_plan(tmp_path, [table]), {"t": [(2**40,)]}).notes == ()

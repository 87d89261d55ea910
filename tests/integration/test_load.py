"""Tables loaded into the database of a dbt target: PostgreSQL by a real server, DuckDB by a file."""

import datetime as dt
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from plans import arrow_schema, batches, make_plan, make_table
from postgres import Server, running_postgres
from seedbed import api
from seedbed.errors import ProjectError, SinkError
from seedbed.plan.resolved import ResolvedTable
from seedbed.schema import Resource, SourceTable
from seedbed.sinks.base import Outcome
from seedbed.sinks.warehouse import warehouse_sink
from shop import ALL_WELL, CUSTOMERS, ORDERS, resolve_shop, run_dbt, statuses, write_shop

EVERYTHING = {
    "id": "smallint",
    "order": "varchar(10)",
    "MixedCase": "integer",
    "day": "date",
    "moment": "timestamp",
    "zoned": "timestamptz",
    "amount": "numeric(38,9)",
    "anything": "numeric(12,2)",
    "ratio": "double precision",
    "flag": "boolean",
    "hour": "time",
    "uid": "uuid",
    "document": "json",
}
ROW = (
    7,
    "O'Brien\\",
    2**31 - 1,
    dt.date(2020, 2, 29),
    dt.datetime(1969, 12, 31, 23, 59, 59),
    dt.datetime(2020, 1, 1, 2, 3, 4, tzinfo=dt.UTC),
    Decimal("12345678901234567890123456789.123456789"),
    Decimal("12.40"),
    1e22,
    True,
    dt.time(23, 59, 58),
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    '{"a": 1}',
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_postgres() as running:
        yield running


@pytest.fixture
def schema(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """A schema of the test's own, which is dropped afterwards."""
    name = request.node.name.partition("[")[0]
    yield name
    server.run(f'drop schema if exists "{name}" cascade')


def _source(schema: str, columns: Mapping[str, str], identifier: str = "orders") -> ResolvedTable:
    place = SourceTable("raw", "orders", schema, identifier)
    return make_table("raw.orders", columns, resource=Resource.SOURCE, source=place)


def _load(root: Path, server: Server, table: ResolvedTable, rows: list[tuple[Any, ...]], **options: bool) -> Outcome:
    plan = make_plan(root, [table], adapter="postgres", target_schema="analytics")
    with warehouse_sink(plan, server.settings, **options) as sink:
        sink.write(table, arrow_schema(table), batches(table, rows))
        return sink.commit()


def _described(server: Server, schema: str, name: str) -> dict[str, str]:
    query = f"""select attname::text, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = '"{schema}"."{name}"'::regclass and attnum > 0 and not attisdropped order by attnum"""
    return dict(server.rows(query))


# --- PostgreSQL ----------------------------------------------------------------------------------------------


def test_a_project_is_loaded_where_its_profile_says(server, tmp_path, monkeypatch):
    settings = {**server.settings, "pass": "{{ env_var('SHOP_PASSWORD') }}", "schema": "analytics", "threads": 1}
    settings["port"] = f"{{{{ {server.settings['port']} | as_number }}}}"
    project = write_shop(tmp_path, settings)
    resolved = resolve_shop(project)
    with pytest.raises(ProjectError, match="SHOP_PASSWORD is not set"):
        api.load(resolved, profiles_dir=project)
    monkeypatch.setenv("SHOP_PASSWORD", "it's \\ secret")
    outcome = api.load(resolved, profiles_dir=project, workers=2)
    assert [(written.place, written.rows) for written in outcome.written] == [
        ("raw.customers", CUSTOMERS),
        ("raw.order_lines", ORDERS),
    ]
    assert _described(server, "raw", "customers") == {
        "customer_id": "integer",
        "email": "character varying",
        "balance": "numeric(12,2)",
        "signed_up_on": "date",
    }
    made = api.generate_tables(resolved)["raw.orders"].to_pylist()
    assert server.rows("select * from raw.order_lines order by order_id") == [tuple(row.values()) for row in made]


def test_columns_have_their_declared_types_and_values(server, schema, tmp_path):
    _load(tmp_path, server, _source(schema, EVERYTHING, "Order Lines"), [ROW, (None,) * len(ROW)])
    assert _described(server, schema, "Order Lines") == {
        "id": "smallint",
        "order": "character varying(10)",
        "MixedCase": "integer",
        "day": "date",
        "moment": "timestamp without time zone",
        "zoned": "timestamp with time zone",
        "amount": "numeric(38,9)",
        "anything": "numeric(12,2)",
        "ratio": "double precision",
        "flag": "boolean",
        "hour": "time without time zone",
        "uid": "uuid",
        "document": "json",
    }
    texts = [f'"{name}"::text' if name in ("amount", "anything", "uid") else f'"{name}"' for name in EVERYTHING]
    found, nothing = server.rows(f'select {", ".join(texts)} from "{schema}"."Order Lines"')
    assert found == tuple(str(value) if isinstance(value, Decimal) else value for value in ROW)
    assert set(nothing) == {None}


def test_names_that_need_no_quotes_are_folded_as_in_models(server, schema, tmp_path):
    _load(tmp_path, server, _source(schema, {"OrderID": "bigint"}), [(1,)])
    assert server.rows(f"select OrderID from {schema}.orders") == [(1,)]


def test_views_on_a_table_outlive_a_load(server, schema, tmp_path):
    table = _source(schema, {"id": "bigint", "name": "varchar"})
    _load(tmp_path, server, table, [(1, "a")])
    server.run(f"create view {schema}.report as select * from {schema}.orders")
    _load(tmp_path, server, table, [(2, "b"), (3, "c")])
    assert server.rows(f"select * from {schema}.report") == [(2, "b"), (3, "c")]


def test_columns_that_changed_need_the_views_out_of_the_way(server, schema, tmp_path):
    _load(tmp_path, server, _source(schema, {"id": "bigint"}), [(1,)])
    server.run(f"create view {schema}.report as select * from {schema}.orders")
    changed = _source(schema, {"id": "integer"})
    with pytest.raises(SinkError, match=r"(?s)report depends on table .*drop what depends on it"):
        _load(tmp_path, server, changed, [(2,)])
    assert server.rows(f"select * from {schema}.report") == [(1,)]
    server.run(f"drop view {schema}.report")
    _load(tmp_path, server, changed, [(2,)])
    assert _described(server, schema, "orders") == {"id": "integer"}


@pytest.mark.parametrize("made", ["table", "view", "materialized view"])
def test_what_is_not_seedbeds_is_left_alone(server, schema, tmp_path, made):
    server.run(f"create schema {schema}", f"create {made} {schema}.orders as select 1 as real")
    table = _source(schema, {"id": "bigint"})
    with pytest.raises(SinkError, match=f"the {made} {schema}.orders is there already"):
        _load(tmp_path, server, table, [(2,)])
    assert server.rows(f"select * from {schema}.orders") == [(1,)]
    _load(tmp_path, server, table, [(2,)], force=True)
    _load(tmp_path, server, table, [(3,)])
    assert server.rows(f"select * from {schema}.orders") == [(3,)]


def test_a_table_that_appears_during_the_run_is_left_alone(server, schema, tmp_path):
    server.run(f"create schema {schema}")
    table = _source(schema, {"id": "bigint"})
    with warehouse_sink(make_plan(tmp_path, [table], adapter="postgres"), server.settings) as sink:
        sink.write(table, arrow_schema(table), batches(table, [(1,)]))
        server.run(f"create table {schema}.orders as select 1 as real")
        with pytest.raises(SinkError, match="is there already"):
            sink.commit()
    assert server.rows(f"select real from {schema}.orders") == [(1,)]


def test_a_failed_load_leaves_the_old_rows(server, schema, tmp_path):
    table = _source(schema, {"id": "bigint"})
    _load(tmp_path, server, table, [(1,)])

    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(table, [(2,)])
        raise RuntimeError("the engine broke")

    plan = make_plan(tmp_path, [table], adapter="postgres")
    with warehouse_sink(plan, server.settings) as sink, pytest.raises(RuntimeError, match="the engine broke"):
        sink.write(table, arrow_schema(table), failing())
    with pytest.raises(SinkError, match=r"id does not fit into smallint: .*70000"):
        _load(tmp_path, server, _source(schema, {"id": "smallint"}), [(70_000,)])
    with pytest.raises(SinkError, match="value too long for type character varying"):
        _load(tmp_path, server, _source(schema, {"id": "varchar(2)"}), [("abc",)])
    assert server.rows(f"select * from {schema}.orders") == [(1,)]
    assert server.rows(f"select count(*) from pg_tables where schemaname = '{schema}'") == [(1,)]


def test_writing_into_a_schema_asks_for_no_more_rights(server, schema, tmp_path):
    server.run("drop role if exists loader", "create role loader login")
    server.run(f"create schema {schema} authorization loader")
    user = Server({**server.settings, "user": "loader"})
    _load(tmp_path, user, _source(schema, {"id": "bigint"}), [(1,)])
    with pytest.raises(SinkError, match="permission denied"):
        _load(tmp_path, user, _source("another", {"id": "bigint"}), [(1,)])


def test_the_role_of_the_profile_owns_the_tables(server, schema, tmp_path):
    server.run(
        "drop role if exists transformer",
        "create role transformer",
        f"create schema {schema} authorization transformer",
    )
    as_role = Server({**server.settings, "role": "transformer"})
    _load(tmp_path, as_role, _source(schema, {"id": "bigint"}), [(1,)])
    assert server.rows(f"select tableowner::text from pg_tables where schemaname = '{schema}'") == [("transformer",)]


def test_a_server_that_does_not_answer_is_an_error_without_the_password(tmp_path, server):
    plan = make_plan(tmp_path, [_source("raw", {"id": "bigint"})], adapter="postgres")
    with pytest.raises(SinkError, match="cannot be reached") as raised:
        warehouse_sink(plan, {**server.settings, "port": 1, "password": "hush"})
    assert "hush" not in str(raised.value)


def test_a_missing_driver_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    plan = make_plan(tmp_path, [_source("raw", {"id": "bigint"})], adapter="postgres")
    with pytest.raises(SinkError, match=r"pip install 'dbt-seedbed\[postgres\]'"):
        warehouse_sink(plan, {"type": "postgres"})


# --- DuckDB and the rest -------------------------------------------------------------------------------------


def test_dbt_builds_on_a_loaded_database(tmp_path, monkeypatch):
    project = write_shop(tmp_path)
    monkeypatch.chdir(project)
    outcome = api.load(resolve_shop(project), profiles_dir=project)
    assert outcome.changed == ("raw.customers", "raw.order_lines")
    done = run_dbt(project, "build")
    assert done.returncode == 0, done.stdout
    assert sorted(statuses(project)) == ALL_WELL


@pytest.mark.parametrize("path", [None, ":memory:", "md:shop", "s3://bucket/shop.duckdb"])
def test_only_database_files_can_be_loaded(tmp_path, path):
    with pytest.raises(SinkError, match=r"seedbed\.duckdb_plugin"):
        warehouse_sink(make_plan(tmp_path, []), {"type": "duckdb", "path": path})


def test_other_warehouses_are_named_with_what_can_be_done(tmp_path):
    with pytest.raises(SinkError, match=r"the type snowflake; it can load into duckdb, postgres(.|\n)*Parquet"):
        warehouse_sink(make_plan(tmp_path, []), {"type": "snowflake"})


def test_a_target_that_is_not_there_is_an_error(tmp_path):
    project = write_shop(tmp_path)
    resolved = resolve_shop(project)
    with pytest.raises(ProjectError, match='has no target "prod"'):
        api.load(resolved, target="prod", profiles_dir=project)
    with pytest.raises(ProjectError, match='the profile "shop" was not found'):
        api.load(resolved, profiles_dir=tmp_path / "nowhere")

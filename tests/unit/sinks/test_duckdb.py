"""Tables of a DuckDB database: types, transactions, what may be replaced, and the format of new files."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest

from plans import arrow_schema, batches, make_plan, make_table
from seedbed.errors import SinkError
from seedbed.schema import Resource, SourceTable
from seedbed.sinks.duckdb import DuckDBFileSink, DuckDBSink

ORDERS = make_table(
    "raw.orders",
    {"id": "bigint", "total": "decimal(12,2)"},
    resource=Resource.SOURCE,
    source=SourceTable("raw", "orders", "Raw Data", "Orders"),
)
PEOPLE = make_table("people", {"id": "integer", "name": "varchar"})
EVERYTHING = make_table(
    "everything",
    {
        "id": "smallint",
        "order": "varchar(10)",
        "day": "date",
        "moment": "timestamp",
        "zoned": "timestamptz",
        "amount": "decimal(38,9)",
        "ratio": "double",
        "flag": "boolean",
        "hour": "time",
        "uid": "uuid",
        "document": "json",
    },
)
ROW = (
    7,
    "O'Brien",
    dt.date(2020, 2, 29),
    dt.datetime(1969, 12, 31, 23, 59, 59),
    dt.datetime(2020, 1, 1, 2, 3, 4, tzinfo=dt.UTC),
    Decimal("12345678901234567890123456789.123456789"),
    1e22,
    True,
    dt.time(23, 59, 58),
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    '{"a": 1}',
)


def _load(connection: duckdb.DuckDBPyConnection, plan, rows, **options):
    with DuckDBSink(plan, connection, **options) as sink:
        for table in plan:
            sink.write(table, arrow_schema(table), batches(table, rows))
        return sink.commit()


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def test_columns_have_their_declared_types(tmp_path, database):
    _load(database, make_plan(tmp_path, [EVERYTHING]), [ROW, (None,) * len(ROW)])
    described = dict(database.execute("select column_name, column_type from (describe everything)").fetchall())
    assert described == {
        "id": "SMALLINT",
        "order": "VARCHAR",
        "day": "DATE",
        "moment": "TIMESTAMP",
        "zoned": "TIMESTAMP WITH TIME ZONE",
        "amount": "DECIMAL(38,9)",
        "ratio": "DOUBLE",
        "flag": "BOOLEAN",
        "hour": "TIME",
        "uid": "UUID",
        "document": "JSON",
    }
    found = database.execute("select * replace (zoned at time zone 'UTC' as zoned) from everything").fetchall()
    expected = [value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value for value in ROW]
    assert found == [(*expected[:-2], UUID(ROW[-2]), ROW[-1]), (None,) * len(ROW)]


def test_a_source_stands_where_it_is_looked_for(tmp_path, database):
    outcome = _load(database, make_plan(tmp_path, [ORDERS]), [(1, Decimal("12.40"))])
    assert outcome.changed == ("Raw Data.Orders",)
    assert database.execute('select * from "Raw Data"."Orders"').fetchall() == [(1, Decimal("12.40"))]


@pytest.mark.parametrize("made", ["table", "view"])
def test_what_is_not_seedbeds_is_left_alone(tmp_path, database, made):
    database.execute('create schema "Raw Data"')
    # Names are compared as DuckDB does, without case.
    database.execute(f'create {made} "raw data".ORDERS as select 1 as real')
    plan = make_plan(tmp_path, [ORDERS])
    with pytest.raises(SinkError, match=f"the {made} Raw Data.Orders is there already"):
        _load(database, plan, [])
    assert database.execute('from "Raw Data"."Orders"').fetchall() == [(1,)]
    _load(database, plan, [(1, None)], force=True)
    _load(database, plan, [(2, None)])
    assert database.execute('from "Raw Data"."Orders"').fetchall() == [(2, None)]


def test_dbts_own_relations_are_replaced_as_dbt_does(tmp_path, database):
    database.execute("create view people as select 1 as id")
    _load(database, make_plan(tmp_path, [PEOPLE]), [(1, "Ada")])
    assert database.execute("from people").fetchall() == [(1, "Ada")]


def test_a_failed_load_leaves_the_old_tables(tmp_path, database):
    plan = make_plan(tmp_path, [PEOPLE, ORDERS])
    _load(database, make_plan(tmp_path, [PEOPLE]), [(1, "Ada")])

    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(ORDERS, [(1, Decimal(1))])
        raise RuntimeError("the engine broke")

    with DuckDBSink(plan, database) as sink:
        sink.write(PEOPLE, arrow_schema(PEOPLE), batches(PEOPLE, [(2, "Grace")]))
        with pytest.raises(RuntimeError, match="the engine broke"):
            sink.write(ORDERS, arrow_schema(ORDERS), failing())
    assert database.execute("from people").fetchall() == [(1, "Ada")]
    assert database.execute("select count(*) from duckdb_tables()").fetchall() == [(1,)]


def test_a_value_that_does_not_fit_is_an_error_that_names_the_table(tmp_path, database):
    narrow = make_table("narrow", {"id": "smallint"})
    with pytest.raises(SinkError, match=r"narrow cannot be loaded into main\.narrow: .*70000"):
        _load(database, make_plan(tmp_path, [narrow]), [(70_000,)])


def test_without_a_profile_only_sources_have_a_place(tmp_path, database):
    with pytest.raises(SinkError, match="people belongs into the schema of the profile's target"):
        DuckDBSink(make_plan(tmp_path, [PEOPLE], target_schema=None), database)
    _load(database, make_plan(tmp_path, [ORDERS], target_schema=None), [])


def test_two_tables_in_one_place_are_an_error(tmp_path, database):
    twin = make_table("twin", {"id": "bigint"}, source=SourceTable("app", "people", "main", "People"))
    with pytest.raises(SinkError, match=r"twin and people would both be the relation main\.People"):
        DuckDBSink(make_plan(tmp_path, [PEOPLE, twin]), database)


def test_new_files_are_for_older_duckdbs_too(tmp_path):
    plan, path = make_plan(tmp_path, [PEOPLE]), tmp_path / "new" / "a 'file'.duckdb"
    with DuckDBFileSink(plan, path) as sink:
        sink.write(PEOPLE, arrow_schema(PEOPLE), batches(PEOPLE, [(1, "Ada")]))
        sink.commit()
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("from people").fetchall() == [(1, "Ada")]
        (tags,) = connection.execute("select tags from duckdb_databases() where path = ?", [str(path)]).fetchone()
    assert tags["storage_version"].startswith("v1.4.0")


def test_a_new_file_is_gone_when_the_load_is_undone(tmp_path):
    with DuckDBFileSink(make_plan(tmp_path, [PEOPLE]), tmp_path / "new.duckdb") as sink:
        sink.write(PEOPLE, arrow_schema(PEOPLE), batches(PEOPLE, [(1, "Ada")]))
    assert list(tmp_path.iterdir()) == []


def test_no_new_file_is_left_by_a_load_that_cannot_begin(tmp_path):
    with pytest.raises(SinkError, match="the profile of shop was not found"):
        DuckDBFileSink(make_plan(tmp_path, [PEOPLE], target_schema=None), tmp_path / "new.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_another_process_holds_is_an_error_that_says_so(tmp_path):
    path = tmp_path / "held.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(SinkError, match=r"cannot be opened: .*lock"):
            DuckDBFileSink(make_plan(tmp_path, [PEOPLE]), path)
        other.communicate(b"\n")
    assert path.exists()


def test_a_file_that_is_no_database_is_an_error(tmp_path):
    path: Path = tmp_path / "text.duckdb"
    path.write_text("hello " * 10_000)
    with pytest.raises(SinkError, match="cannot be opened"):
        DuckDBFileSink(make_plan(tmp_path, [PEOPLE]), path)
    assert path.read_text().startswith("hello")

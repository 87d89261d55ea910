"""What holds for every sink, whatever it writes to. A new sink joins by an entry in `SINKS`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from plans import arrow_schema, batches, make_plan, make_table
from postgres import Server, running_postgres
from seedbed.errors import SinkError
from seedbed.sinks.arrow import ArrowSink
from seedbed.sinks.base import Sink
from seedbed.sinks.duckdb import DuckDBFileSink
from seedbed.sinks.parquet import ParquetSink
from seedbed.sinks.seeds import CsvSink
from seedbed.sinks.warehouse import warehouse_sink

PEOPLE = make_table("people", {"id": "bigint", "name": "varchar"})
PETS = make_table("pets", {"id": "bigint", "owner_id": "bigint"})
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "people": [(1, "Ada"), (2, None), (3, 'a "b", c\nd')],
    "pets": [(10, 1), (11, None)],
}


class Target:
    """A sink's kind, and how to see what it has made visible."""

    def __init__(self, open_sink: Callable[[], Sink], visible: Callable[[Sink, str], list[tuple[Any, ...]] | None]):
        self.open, self.visible = open_sink, visible


Fixture = Callable[[str], Any]


def _csv(root: Path, _: Fixture) -> Target:
    plan = make_plan(root, [PEOPLE, PETS])

    def visible(_: Sink, table: str) -> list[tuple[Any, ...]] | None:
        path = root / "seeds" / f"{table}.csv"
        if not path.exists():
            return None
        options = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
        parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
        read = pyarrow.csv.read_csv(path, convert_options=options, parse_options=parse)
        return [tuple(row.values()) for row in read.to_pylist()]

    return Target(lambda: CsvSink(plan), visible)


def _arrow(_: Path, __: Fixture) -> Target:
    def visible(sink: Sink, table: str) -> list[tuple[Any, ...]] | None:
        assert isinstance(sink, ArrowSink)
        found = sink.tables.get(table)
        return None if found is None else [tuple(row.values()) for row in found.to_pylist()]

    return Target(ArrowSink, visible)


def _parquet(root: Path, _: Fixture) -> Target:
    plan = make_plan(root, [PEOPLE, PETS])

    def visible(_: Sink, table: str) -> list[tuple[Any, ...]] | None:
        path = root / "seedbed" / "data" / f"{table}.parquet"
        return [tuple(row.values()) for row in pyarrow.parquet.read_table(path).to_pylist()] if path.exists() else None

    return Target(lambda: ParquetSink(plan), visible)


def _duckdb(root: Path, _: Fixture) -> Target:
    plan, path = make_plan(root, [PEOPLE, PETS]), root / "shop.duckdb"

    def visible(_: Sink, table: str) -> list[tuple[Any, ...]] | None:
        if not path.exists():
            return None
        with duckdb.connect(str(path)) as connection:
            if not connection.execute("select 1 from duckdb_tables() where table_name = ?", [table]).fetchall():
                return None
            return connection.execute(f"select * from main.{table}").fetchall()

    return Target(lambda: DuckDBFileSink(plan, path), visible)


def _postgres(root: Path, fixture: Fixture) -> Target:
    server: Server = fixture("postgres")
    schema = f"contract_{root.name}"
    plan = make_plan(root, [PEOPLE, PETS], adapter="postgres", target_schema=schema)

    def visible(_: Sink, table: str) -> list[tuple[Any, ...]] | None:
        if not server.rows(f"select to_regclass('{schema}.{table}')::text")[0][0]:
            return None
        return server.rows(f"select * from {schema}.{table}")

    return Target(lambda: warehouse_sink(plan, server.settings), visible)


SINKS = {"csv": _csv, "arrow": _arrow, "parquet": _parquet, "duckdb": _duckdb, "postgres": _postgres}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=SINKS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    return SINKS[request.param](tmp_path, request.getfixturevalue)


def _write_all(sink: Sink) -> None:
    for table in (PEOPLE, PETS):
        sink.write(table, arrow_schema(table), batches(table, ROWS[table.name]))


def test_what_is_committed_is_visible(target):
    with target.open() as sink:
        _write_all(sink)
        outcome = sink.commit()
    assert {name: target.visible(sink, name) for name in ROWS} == ROWS
    assert [(written.table, written.rows) for written in outcome.written] == [("people", 3), ("pets", 2)]
    assert {written.place for written in outcome.written} <= set(outcome.changed)


def test_nothing_is_visible_before_the_commit(target):
    with target.open() as sink:
        _write_all(sink)
        assert target.visible(sink, "people") is None


def test_leaving_without_a_commit_undoes_everything(target):
    with target.open() as sink:
        _write_all(sink)
    assert target.visible(sink, "people") is None
    assert target.visible(sink, "pets") is None


def test_an_error_in_the_rows_reaches_the_caller_and_leaves_nothing(target):
    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(PETS, ROWS["pets"])
        raise RuntimeError("the engine broke")

    with target.open() as sink:
        sink.write(PEOPLE, arrow_schema(PEOPLE), batches(PEOPLE, ROWS["people"]))
        with pytest.raises(RuntimeError, match="the engine broke"):
            sink.write(PETS, arrow_schema(PETS), failing())
    assert target.visible(sink, "people") is None


def test_a_table_without_rows_is_still_a_table(target):
    with target.open() as sink:
        sink.write(PEOPLE, arrow_schema(PEOPLE), [])
        sink.commit()
    assert target.visible(sink, "people") == []


def test_the_size_of_batches_does_not_matter(target):
    seen = []
    for size in (1, 100):
        with target.open() as sink:
            sink.write(PEOPLE, arrow_schema(PEOPLE), batches(PEOPLE, ROWS["people"], size))
            sink.commit()
        seen.append(target.visible(sink, "people"))
    assert seen[0] == seen[1] == ROWS["people"]


@pytest.mark.parametrize(
    "schema",
    [
        pa.schema([("name", pa.string()), ("id", pa.int64())]),
        pa.schema([("id", pa.int64())]),
    ],
    ids=["other order", "column missing"],
)
def test_columns_must_be_the_tables_own(target, schema):
    with target.open() as sink, pytest.raises(SinkError, match="people has the columns"):
        sink.write(PEOPLE, schema, [])


def test_a_batch_must_have_the_announced_types(target):
    wrong = pa.record_batch({"id": pa.array([1], pa.int32()), "name": ["x"]})
    with target.open() as sink, pytest.raises(SinkError, match="people: a batch"):
        sink.write(PEOPLE, arrow_schema(PEOPLE), [wrong])


def test_a_table_cannot_be_written_twice(target):
    with target.open() as sink:
        sink.write(PEOPLE, arrow_schema(PEOPLE), [])
        with pytest.raises(SinkError, match="twice"):
            sink.write(PEOPLE, arrow_schema(PEOPLE), [])


def test_a_sink_is_used_once(target):
    with target.open() as sink:
        _write_all(sink)
        sink.commit()
        with pytest.raises(SinkError, match="already committed"):
            sink.commit()
        with pytest.raises(SinkError, match="already committed"):
            sink.write(PETS, arrow_schema(PETS), [])
    assert target.visible(sink, "people") == ROWS["people"]

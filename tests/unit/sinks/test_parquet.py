"""Parquet files: types, places and whose files they are."""

import datetime as dt
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from plans import arrow_schema, batches, make_plan, make_table
from seedbed.errors import Severity, SinkError
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.schema import Resource, SourceTable
from seedbed.sinks.base import Outcome
from seedbed.sinks.parquet import ParquetSink
from seedbed.sinks.row_groups import ROW_GROUP

TYPED = make_table(
    "typed",
    {
        "id": "bigint",
        "small": "smallint",
        "count": "integer",
        "name": "varchar",
        "amount": "decimal(12,2)",
        "day": "date",
        "moment": "timestamp",
        "zoned": "timestamptz",
        "hour": "time",
        "flag": "boolean",
        "ratio": "double",
    },
)
PEOPLE = make_table("people", {"id": "integer", "name": "varchar"})


def _source(source: str, name: str, external: str | None = None) -> ResolvedTable:
    place = SourceTable(source, name, source, name, external)
    return make_table(f"{source}.{name}", {"id": "bigint"}, resource=Resource.SOURCE, source=place)


def _write(plan: ResolvedPlan, rows: list[tuple[object, ...]], folder: Path | None = None, **options) -> Outcome:
    with ParquetSink(plan, folder, **options) as sink:
        for table in plan:
            if table.written:
                sink.write(table, arrow_schema(table), batches(table, rows))
        return sink.commit()


def test_values_are_stored_in_exact_types(tmp_path):
    row = (
        2**62,
        -7,
        2**31 - 1,
        "é",
        Decimal("12.40"),
        dt.date(2020, 2, 29),
        dt.datetime(1969, 12, 31, 23, 59, 59),
        dt.datetime(2020, 1, 1, 2, 3, 4, tzinfo=dt.UTC),
        dt.time(23, 59, 58),
        True,
        1e22,
    )
    _write(make_plan(tmp_path, [TYPED]), [row, (None,) * len(row)])
    read = pq.read_table(tmp_path / "seedbed" / "data" / "typed.parquet")
    assert read.schema.types == [
        pa.int64(),
        pa.int16(),
        pa.int32(),
        pa.string(),
        pa.decimal128(12, 2),
        pa.date32(),
        pa.timestamp("us"),
        pa.timestamp("us", "UTC"),
        pa.time64("us"),
        pa.bool_(),
        pa.float64(),
    ]
    assert [tuple(found.values()) for found in read.to_pylist()] == [row, (None,) * len(row)]


def _many(size: int, rows: int) -> Iterator[pa.RecordBatch]:
    names = pa.array(["Ada", "Grace", None])
    for low in range(0, rows, size):
        numbers = pa.array(range(low, min(low + size, rows)))
        picked = names.take(pa.array([number.as_py() % 3 for number in numbers]))
        yield pa.record_batch([numbers, picked], names=["id", "name"])


def _file(root: Path, size: int, rows: int, **options) -> Path:
    root.mkdir(exist_ok=True)
    with ParquetSink(make_plan(root, [PEOPLE]), **options) as sink:
        sink.write(PEOPLE, arrow_schema(PEOPLE), _many(size, rows))
        sink.commit()
    return root / "seedbed" / "data" / "people.parquet"


def test_an_error_after_the_first_row_group_leaves_nothing(tmp_path):
    folder = tmp_path / "seedbed" / "data"

    def failing() -> Iterator[pa.RecordBatch]:
        yield from _many(ROW_GROUP, ROW_GROUP + 1)
        # Rows are on disk before more than a row group of them is held.
        assert sum(path.stat().st_size for path in folder.iterdir()) > 0
        raise RuntimeError("the engine broke")

    with ParquetSink(make_plan(tmp_path, [PEOPLE])) as sink, pytest.raises(RuntimeError, match="the engine broke"):
        sink.write(PEOPLE, arrow_schema(PEOPLE), failing())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    code = f"""
        import resource, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from plans import arrow_schema, batches, make_plan, make_table
        from seedbed.errors import SinkError
        from seedbed.sinks.parquet import ParquetSink

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        table = make_table("people", {{"id": "bigint"}})
        try:
            with ParquetSink(make_plan(Path({str(tmp_path)!r}), [table])) as sink:
                sink.write(table, arrow_schema(table), batches(table, [(n,) for n in range(2000)], 2000))
        except SinkError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert "people.parquet cannot be written: File too large" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_compression_can_be_chosen(tmp_path):
    used = {
        pq.read_metadata(_file(tmp_path / name, 100, 100, compression=name)).row_group(0).column(0).compression
        for name in ("zstd", "snappy")
    }
    assert used == {"ZSTD", "SNAPPY"}


def test_a_file_that_stays_the_same_is_not_touched(tmp_path):
    plan = make_plan(tmp_path, [PEOPLE])
    first, second = (_write(plan, [(1, "Ada")]) for _ in range(2))
    assert first.changed == second.unchanged == ("seedbed/data/people.parquet",)
    assert second.changed == ()
    listed = json.loads((tmp_path / "seedbed" / "data" / ".seedbed.manifest").read_text())["files"]
    assert listed["people.parquet"]["table"] == "people"


def test_files_of_tables_that_are_gone_are_removed_and_others_kept(tmp_path):
    other = make_table("other", {"id": "integer", "name": "varchar"})
    _write(make_plan(tmp_path, [PEOPLE, other]), [(1, "Ada")])
    unselected = make_table("people", {"id": "integer", "name": "varchar"}, written=False)
    third = make_table("third", {"id": "integer", "name": "varchar"})
    outcome = _write(make_plan(tmp_path, [unselected, third]), [(1, "Ada")])
    assert outcome.removed == ("seedbed/data/other.parquet",)
    assert {path.name for path in (tmp_path / "seedbed" / "data").glob("*.parquet")} == {
        "people.parquet",
        "third.parquet",
    }


def test_a_persons_file_is_left_alone(tmp_path):
    path = tmp_path / "seedbed" / "data" / "people.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    plan = make_plan(tmp_path, [PEOPLE])
    with pytest.raises(SinkError, match="was not written by Seedbed"):
        _write(plan, [])
    assert path.read_bytes() == b"mine"
    _write(plan, [(1, "Ada")], force=True)
    assert pq.read_table(path).num_rows == 1


def test_names_that_differ_in_case_only_are_an_error(tmp_path):
    with pytest.raises(SinkError, match=r"both be written to PEOPLE\.parquet"):
        _write(make_plan(tmp_path, [PEOPLE, make_table("PEOPLE", {"id": "bigint"})]), [])


def test_the_note_holds_the_lines_that_sources_lack(tmp_path):
    tables = [_source("raw", "orders"), _source("crm", "people"), _source("raw", "items"), _source("raw", "a", "x.csv")]
    outcome = _write(make_plan(tmp_path, tables), [(1,)], Path("data {x}"))
    (note,) = outcome.notes
    assert (note.code, note.severity) == ("external-location", Severity.NOTE)
    said = yaml.safe_load(note.message.partition("\n")[2])
    assert {
        (source["name"], table["name"]): table["config"]["meta"]["external_location"]
        for source in said["sources"]
        for table in source["tables"]
    } == {
        ("raw", "orders"): "data {{x}}/raw__orders.parquet",
        ("raw", "items"): "data {{x}}/raw__items.parquet",
        ("crm", "people"): "data {{x}}/crm__people.parquet",
    }
    assert (tmp_path / "data {x}" / "raw__orders.parquet").exists()


def test_a_source_that_says_where_it_lies_is_put_there(tmp_path):
    outcome = _write(make_plan(tmp_path, [_source("raw", "orders", "landing/orders.parquet")]), [(1,)])
    assert outcome.changed == ("landing/orders.parquet",)
    assert outcome.notes == ()


def test_other_warehouses_are_not_told_of_external_locations(tmp_path):
    assert _write(make_plan(tmp_path, [_source("raw", "orders")], adapter="postgres"), [(1,)]).notes == ()


def test_tables_that_are_no_sources_are_warned_of(tmp_path):
    (note,) = _write(make_plan(tmp_path, [PEOPLE]), [(1, "Ada")]).notes
    assert (note.code, note.severity) == ("no-ref-to-parquet", Severity.WARNING)

"""Row groups of Parquet: how many rows they have, how they are encoded, and that readers find every row in them."""

import datetime as dt
import itertools
import pickle
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plans import make_plan, make_table
from seedbed.engine.arrow import arrow_type
from seedbed.errors import SinkError
from seedbed.plan.resolved import Promises, ResolvedTable
from seedbed.sinks import row_groups
from seedbed.sinks.parquet import ParquetSink
from seedbed.sinks.row_groups import LARGEST, ROW_GROUP, SMALLEST, parquet_schema

MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "varchar": st.text("ab0é😀", max_size=200),
    "decimal(12,2)": st.integers(-(10**12) + 1, 10**12 - 1).map(lambda cents: Decimal(cents).scaleb(-2)),
    "decimal(38,0)": st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    "date": st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    "timestamp": MOMENTS,
    "timestamptz": MOMENTS.map(lambda moment: moment.replace(tzinfo=dt.UTC)),
    "time": st.times().map(lambda time: time.replace(microsecond=0)),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "uuid": st.uuids().map(str),
    "varbinary": st.none(),
}
KEYS: dict[str, list[Callable[[int], Any]]] = {
    "bigint": [lambda row: row - 9, lambda row: (-1) ** row * (2**63 - 1 - row), lambda row: row % 2 * 10**9 - row],
    "integer": [lambda row: row * 7, lambda row: (-1) ** row * (2**31 - 1 - row)],
    "varchar": [lambda row: f"T-{row}"],
}


def _schema(table: ResolvedTable) -> pa.Schema:
    return pa.schema([(column.name, arrow_type(column.data_type)) for column in table.written_columns])


def _write(root: Path, table: ResolvedTable, batches: Any, **options: Any) -> Path:
    root.mkdir(exist_ok=True)
    with ParquetSink(make_plan(root, [table]), **options) as sink:
        sink.write(table, _schema(table), batches)
        sink.commit()
    return root / "seedbed" / "data" / f"{table.file}.parquet"


def _sizes(path: Path) -> list[int]:
    meta = pq.read_metadata(path)
    return [meta.row_group(place).num_rows for place in range(meta.num_row_groups)]


@st.composite
def _tables(draw: st.DrawFn) -> tuple[ResolvedTable, list[pa.RecordBatch]]:
    """A table with a key, and batches from which row groups are made, put together, or cut."""
    sizes = draw(st.lists(st.sampled_from([0, 1, 15, 16, 17, 63, 64, 99, 100, 101, 230]), max_size=7))
    names = {f"c{place}": kind for place, kind in enumerate(draw(st.lists(st.sampled_from(list(KINDS)), max_size=5)))}
    key = draw(st.sampled_from(list(KEYS)))
    table = make_table("things", {"id": key, **names}, Promises(primary_key=("id",)))
    schema, rows = _schema(table), sum(sizes)
    columns = [pa.array(map(draw(st.sampled_from(KEYS[key])), range(rows)), schema[0].type)]
    for field, kind in zip(list(schema)[1:], names.values(), strict=True):
        few = draw(st.lists(st.none() | KINDS[kind], min_size=1, max_size=5))
        random = np.random.default_rng(draw(st.integers(0, 9)))
        columns.append(pa.array(few, field.type).take(pa.array(random.integers(0, len(few), rows))))
    whole = pa.record_batch(columns, schema=schema)
    ends = itertools.accumulate(sizes, initial=0)
    return table, [whole.slice(low, high - low) for low, high in itertools.pairwise(ends)]


def _packed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """With its text in dictionaries, as the engine has it when it has few values."""
    columns = (column.dictionary_encode() if column.type == pa.string() else column for column in batch.columns)
    return pa.record_batch(list(columns), batch.schema.names)


def _expected(sizes: list[int]) -> list[int]:
    """Row groups of batches, of which those below 16 rows are put together until there are 64."""
    groups, held = [], 0
    for size in (*sizes, None):
        if size is not None and size < 16:
            held += size
        if held and (size is None or size >= 16 or held >= 64):
            groups.append(held)
            held = 0
        if size is not None and size >= 16:
            groups += [100] * (size // 100) + [size % 100] * (size % 100 > 0)
    return groups


class _Elsewhere:
    """Batches that another process would make, with what it is sent and sends back."""

    def __init__(self, batches: list[pa.RecordBatch]) -> None:
        self._batches = batches

    def each(self, function: Callable[[pa.RecordBatch], Any]) -> Iterator[Any]:
        for batch in self._batches:
            yield pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(function))(batch)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_tables(), st.lists(st.booleans(), min_size=7, max_size=7), st.sampled_from(["zstd", "snappy"]))
def test_readers_find_every_row_where_it_is(tmp_path_factory, made, is_packed, compression):
    table, batches = made
    there = [_packed(batch) if packed else batch for packed, batch in zip(is_packed, batches, strict=False)]
    with pytest.MonkeyPatch.context() as patched:
        for name, rows in {"SMALLEST": 16, "ROW_GROUP": 64, "LARGEST": 100}.items():
            patched.setattr(row_groups, name, rows)
        path = _write(tmp_path_factory.mktemp("rows"), table, _Elsewhere(there), compression=compression)
    schema = _schema(table)
    rows = pa.Table.from_batches(batches, schema).cast(parquet_schema(table, schema))
    sizes = _sizes(path)
    assert sizes == _expected([batch.num_rows for batch in batches])

    file = pq.ParquetFile(path)
    assert file.metadata.num_rows == rows.num_rows
    assert file.schema_arrow == rows.schema
    assert pq.read_table(path).equals(rows)
    for place, (low, high) in enumerate(itertools.pairwise(itertools.accumulate(sizes, initial=0))):
        assert file.read_row_group(place).equals(rows.slice(low, high - low))

    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        read = connection.read_parquet(str(path))
        assert read.to_arrow_table().cast(rows.schema).equals(rows)
        for name, column in zip(rows.column_names, rows.columns, strict=True):
            for value in column.unique().drop_null()[:3]:
                # By the statistics, readers leave out row groups.
                counted = connection.execute(f"select count(*) from read where {name} > ?", [value.as_py()])
                above = pc.sum(pc.greater(column, value)).as_py() or 0
                assert counted.fetchall() == [(above,)], name
                assert pq.read_table(path, filters=pc.field(name) > value).num_rows == above, name


PEOPLE = make_table("people", {"id": "bigint", "city": "varchar", "note": "varchar"}, Promises(primary_key=("id",)))


def _people(rows: int) -> pa.RecordBatch:
    numbers = pa.array(np.arange(rows))
    cities = pa.array(["Malmö", "Lund", None]).take(pa.array(np.arange(rows) % 3))
    return pa.record_batch([numbers, cities, numbers.cast(pa.string())], schema=_schema(PEOPLE))


def test_a_batch_is_a_row_group_and_small_ones_are_put_together(tmp_path):
    sizes = [ROW_GROUP - 9, *[SMALLEST - 1] * 5, SMALLEST, 0, LARGEST + 2, 3]
    path = _write(tmp_path, PEOPLE, map(_people, sizes))
    assert _sizes(path) == [ROW_GROUP - 9, (SMALLEST - 1) * 5, SMALLEST, LARGEST, 2, 3]
    assert pq.read_table(path) == pa.Table.from_batches(map(_people, sizes))


def test_what_makes_the_rows_encodes_them(tmp_path):
    batches = [_people(rows) for rows in (SMALLEST, 5, SMALLEST + 1)]
    there = _write(tmp_path / "there", PEOPLE, _Elsewhere(batches))  # which cannot be asked for batches
    here = _write(tmp_path / "here", PEOPLE, batches)
    assert there.read_bytes() == here.read_bytes()
    assert _sizes(there) == [SMALLEST, 5, SMALLEST + 1]


def test_text_in_dictionaries_is_stored_as_text(tmp_path):
    plain = _people(SMALLEST)
    cities = plain.column("city").dictionary_encode()
    packed = plain.set_column(1, "city", cities)
    few = packed.slice(0, 7)
    path = _write(tmp_path, PEOPLE, _Elsewhere([packed, plain, few, packed]))
    expected = pa.Table.from_batches([plain, plain, plain.slice(0, 7), plain])
    assert pq.read_table(path).equals(expected)
    assert duckdb.sql(f"select distinct typeof(city) from '{path}'").fetchall() == [("VARCHAR",)]


def test_values_that_repeat_get_a_dictionary(tmp_path):
    path = _write(tmp_path, PEOPLE, [_people(ROW_GROUP)])
    city, note = (pq.read_metadata(path).row_group(0).column(place) for place in (1, 2))
    assert "RLE_DICTIONARY" in city.encodings
    assert city.total_compressed_size < ROW_GROUP / 4
    # The dictionary was given up: texts of six bytes, their lengths, and little more.
    assert "PLAIN" in note.encodings
    assert note.total_uncompressed_size < ROW_GROUP * (4 + 6)


def test_keys_get_no_dictionary_and_nothing_an_encoding_that_few_readers_know(tmp_path):
    unique = Promises(primary_key=("visit_id",), unique=(("code",), ("person_id", "kind")))
    table = make_table(
        "visits", {"visit_id": "integer", "person_id": "bigint", "code": "bigint", "kind": "integer"}, unique
    )
    numbers = np.arange(ROW_GROUP)
    columns = [pa.array(column) for column in (numbers, numbers // 4, numbers[::-1] * 10**9, numbers % 4)]
    path = _write(tmp_path, table, [pa.record_batch(columns, schema=_schema(table))])
    group = pq.read_metadata(path).row_group(0)
    visit, person, code, kind = (group.column(place) for place in range(4))
    assert [column.has_dictionary_page for column in (visit, person, code, kind)] == [False, True, False, True]
    for column in (visit, person, code, kind):
        assert set(column.encodings) <= {"PLAIN", "RLE", "RLE_DICTIONARY"}


def test_a_value_that_cannot_be_stored_is_an_error_that_names_the_table(tmp_path):
    table = make_table("small", {"id": "smallint"})
    batch = pa.record_batch([pa.array([1, 2**15] * SMALLEST)], schema=_schema(table))
    with pytest.raises(SinkError, match=r"small cannot be written as Parquet: .*32768"):
        _write(tmp_path, table, [batch])
    assert list(tmp_path.iterdir()) == []

"""Other processes make what this one would, and whatever happens to them is told here."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from functools import partial
from pathlib import Path

import loaded
import numpy as np
import pieces
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import clinic
from plans import arrow_schema, make_plan, make_table
from processes import alive, comes_true
from seedbed import api
from seedbed.engine import workers
from seedbed.engine.batches import Batches, generate_batches, schema_of, workers_on
from seedbed.engine.extracts import extract_batches
from seedbed.engine.workers import AHEAD, Workers, workers_for
from seedbed.engine.world import World
from seedbed.errors import GenerationError, SinkError
from seedbed.plan.extracts import take_extract
from seedbed.plan.kinds import KINDS
from seedbed.plan.resolved import Form
from seedbed.sinks.csv import UnwritableValue, encode
from seedbed.sinks.parquet import ParquetSink
from worlds import make, resolve_text, schema_from, seeds

SPANS = [(number, number + 1) for number in range(40)]


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    return clinic.resolve_clinic(tmp_path_factory.mktemp("clinic"))


# --- what is made --------------------------------------------------------------------------------------------------


def test_other_processes_make_the_rows(resolved, elsewhere):
    for table in resolved:
        whole = make(resolved, table.name)
        assert make(resolved, table.name, workers=elsewhere, batch_rows=100) == whole, table.name
    batches = generate_batches(World(resolved), resolved.table("visits"), workers=elsewhere, batch_rows=10)
    assert os.getpid() not in set(batches.each(pieces.process_of))


def test_other_processes_load_only_what_they_need(tmp_path):
    """What a child loads costs as much as thousands of rows."""
    whats = ("first_name", "email", "phone", "company", "address", "job", "region", "country", "sentence")
    schema = schema_from(tmp_path, seeds(people=", ".join(f"{what} varchar" for what in whats)))
    columns = "".join(f"\n      {what}: fake('{what}')" for what in whats)
    resolved = resolve_text(schema, f"tables:\n  people:\n    rows: 40\n    columns:{columns}\n")
    with Workers(2, here=False) as fresh:
        batches = generate_batches(World(resolved), resolved.table("people"), workers=fresh, batch_rows=10)
        for found in batches.each(loaded.loaded_modules):
            unneeded = {"dateutil", "duckdb", "faker", "importlib.metadata", "seedbed.plan.spec", "sqlglot", "yaml"}
            assert not found & unneeded
        assert set(batches.each(loaded.without_validator)) == {frozenset(KINDS)}


def test_both_processes_have_work(elsewhere):
    assert len(set(elsewhere.in_order(pieces.slow_process, SPANS))) == 2


def test_a_walk_that_one_process_made_is_made_by_no_other(resolved, elsewhere, tmp_path):
    world = World(resolved)
    world.share(tmp_path)
    (process,) = resolved.lifecycles
    entities = np.arange(world.rows(resolved.table("patients")))
    assert world.lives(process.name).lengths(entities) is None
    deque(generate_batches(world, resolved.table("stays"), workers=elsewhere, batch_rows=100), maxlen=0)
    walk = World(resolved).frames(resolved.table("patients"), 0, len(entities)).walk(process.name)
    np.testing.assert_array_equal(world.lives(process.name).lengths(entities), walk.life_end - walk.begin)


def test_without_room_for_what_they_share_processes_make_the_same(resolved, monkeypatch):
    monkeypatch.setattr(workers, "VALUES_FOR_CHILD", 1)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    world = World(resolved)
    with workers_on(world, 2) as shared:
        assert shared
        assert make(resolved, "stays", world=world, workers=shared, batch_rows=100) == make(resolved, "stays")


def test_what_is_made_of_a_batch_is_the_same(resolved, elsewhere):
    table = resolved.table("visits")
    batches = generate_batches(World(resolved), table, workers=elsewhere, batch_rows=100)
    expected = [encode(batch).blocks for batch in generate_batches(World(resolved), table, batch_rows=100)]
    assert [encoded.blocks for encoded in batches.each(encode)] == expected
    assert len(expected) > 3


def test_text_of_few_values_is_packed_where_the_batch_is_made(resolved, elsewhere):
    batches = generate_batches(World(resolved), resolved.table("stays"), workers=elsewhere)
    (packed,) = batches.each(pieces.echo_batch)
    (plain,) = batches
    assert pa.types.is_dictionary(packed.schema.field("status").type)
    assert plain.schema == schema_of(resolved.table("stays"))
    assert packed.to_pylist() == plain.to_pylist()
    few = generate_batches(World(resolved), resolved.table("stays"), workers=elsewhere, batch_rows=4)
    assert next(few.each(pieces.echo_batch)).schema == plain.schema, "three states are many for so few rows"


def test_results_come_in_order_and_printing_does_not_disturb_them(elsewhere):
    assert list(elsewhere.in_order(pieces.echo, SPANS)) == SPANS


def test_large_results_come_whole(elsewhere):
    spans = [(0, 3_000_000), (5, 6), (7, 400_000)]
    for span, found in zip(spans, elsewhere.in_order(pieces.many, spans), strict=True):
        expected = pieces.many(*span)
        assert found.pop("texts") == expected.pop("texts")
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)
            assert found[name].ctypes.data % 64 == 0


def test_this_process_makes_what_no_other_has_begun():
    with Workers(1) as shared:
        assert list(shared.in_order(pieces.process, SPANS[:2])) == [os.getpid()] * 2  # the other is not there yet
        made: set[int] = set()
        assert comes_true(lambda: made.update(shared.in_order(pieces.slow_process, SPANS[:9])) or len(made) == 2)


def test_few_values_are_made_by_this_process_alone():
    def local(low: int, high: int) -> int:  # cannot be sent anywhere
        return os.getpid()

    for count, values, spans in [
        (8, workers.VALUES_FOR_CHILD - 1, SPANS),
        (1, 1e12, SPANS),
        (8, 1e12, SPANS[:1]),
    ]:
        with workers_for(count, values) as few:
            assert set(few.in_order(local, spans)) == {os.getpid()}


def test_no_more_is_made_than_may_be_held(elsewhere, tmp_path):
    results = elsewhere.in_order(partial(pieces.mark, tmp_path), [(number, 0) for number in range(1000)])
    assert next(results) == (0, 0)
    assert comes_true(lambda: len(os.listdir(tmp_path)) >= AHEAD * 3)
    time.sleep(0.2)
    assert len(os.listdir(tmp_path)) == AHEAD * 3
    results.close()
    assert list(elsewhere.in_order(pieces.echo, SPANS)) == SPANS


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_files_notes_and_progress_are_the_same(elsewhere, tmp_path, monkeypatch, form):
    found = []
    for name, who in (("here", Workers()), ("there", elsewhere)):
        monkeypatch.setattr(
            "seedbed.engine.batches.workers_for", lambda count, values, who=who: contextlib.nullcontext(who)
        )
        schema = schema_from(tmp_path / name, clinic.PROPERTIES, **{"seeds/wards.csv": clinic.WARDS})
        resolved = resolve_text(schema, clinic.PLAN, scale=300)
        sink = api.csv_sink(resolved) if form == "csv" else api.parquet_sink(resolved)
        told: list[tuple[str, int, float]] = []
        outcome = api.write(resolved, sink, progress=lambda table, *done, told=told: told.append((table.name, *done)))
        files = {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
        found.append((files, outcome, told))
    assert found[0] == found[1]
    assert any(note.code == "column-types" for note in found[0][1].notes) == (form == "csv")
    assert [share for name, _, share in found[0][2] if name == "visits"][-1] == 1
    assert len([name for name, *_ in found[0][2] if name == "visits"]) > 1
    if form == "parquet":
        file = pq.ParquetFile(tmp_path / "there" / "seedbed" / "data" / "visits.parquet")
        assert file.num_row_groups > 2
        assert file.read() == make(resolved, "visits").cast(file.schema_arrow)


@pytest.mark.parametrize("form", Form)
def test_what_changed_is_the_same_in_parquet(elsewhere, tmp_path, form):
    schema = schema_from(tmp_path, clinic.PROPERTIES, **{"seeds/wards.csv": clinic.WARDS})
    since = resolve_text(schema, clinic.PLAN).as_of
    changes = take_extract(resolve_text(schema, clinic.PLAN, as_of=since + dt.timedelta(days=4)), form, since)
    table = changes.table("stays")
    files = []
    for name, who in (("here", Workers()), ("there", elsewhere)):
        with api.parquet_sink(changes, Path(name)) as sink:
            sink.write(table, schema_of(table), extract_batches(changes, table, workers=who, batch_rows=50))
            sink.commit()
        files.append(tmp_path / name / "stays.parquet")
    assert files[0].read_bytes() == files[1].read_bytes()
    batches = list(extract_batches(changes, table, batch_rows=50))
    assert len(batches) > 3
    file = pq.ParquetFile(files[1])
    assert file.read() == pa.Table.from_batches(batches).cast(file.schema_arrow)
    assert file.num_row_groups == 1


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_an_error_arrives_as_it_was_raised(elsewhere):
    with pytest.raises(SinkError) as caught:
        list(elsewhere.in_order(pieces.refuse, SPANS))
    with pytest.raises(SinkError) as expected:
        pieces.refuse(*SPANS[0])
    assert caught.value.message == expected.value.message
    assert caught.value.diagnostics == expected.value.diagnostics
    assert not hasattr(caught.value, "__notes__")
    assert list(elsewhere.in_order(pieces.echo, SPANS)) == SPANS


class _FirstAlone(list):
    """Spans of which the first comes some time before the others, so that the other process begins with it."""

    def __iter__(self):
        yield self[0]
        time.sleep(0.1)
        yield from self[1:]


def test_the_first_error_in_order_is_raised(tmp_path):
    with Workers(1) as shared:
        assert comes_true(lambda: len(set(shared.in_order(pieces.slow_process, SPANS[:9]))) == 2)
        with pytest.raises(SinkError, match="of 0\\."):
            list(shared.in_order(partial(pieces.refuse_after_another, tmp_path, os.getpid()), _FirstAlone(SPANS[:9])))


def test_a_value_that_cannot_be_written_is_named(elsewhere):
    with pytest.raises(UnwritableValue) as caught:
        list(elsewhere.in_order(pieces.unwritable, SPANS))
    assert (caught.value.column, caught.value.hint) == ("word", "use another word")
    assert str(caught.value) == "word holds the text 'null', which dbt reads as a missing value"


def test_a_value_that_cannot_be_stored_is_told_with_its_table(elsewhere, tmp_path):
    table = make_table("shelves", {"id": "smallint"})
    batches = Batches(pieces.numbered, [(0, 32_768), (1, 32_769)], elsewhere)
    with ParquetSink(make_plan(tmp_path, [table])) as sink, pytest.raises(SinkError, match=r"^shelves .*32768"):
        sink.write(table, arrow_schema(table), batches)
    assert list(elsewhere.in_order(pieces.echo, SPANS)) == SPANS


@pytest.mark.parametrize("kind", [ZeroDivisionError, MemoryError, KeyboardInterrupt])
def test_a_defect_tells_where_it_arose(elsewhere, kind):
    with pytest.raises(kind, match="as it was raised") as caught:
        list(elsewhere.in_order(partial(pieces.fail, kind), SPANS))
    assert "pieces.py" in caught.value.__notes__[0]


def test_an_error_that_cannot_be_sent_is_told_in_words(elsewhere):
    with pytest.raises(RuntimeError, match=r"(?s)pieces\.py.*Unportable: of 0 and 1"):
        list(elsewhere.in_order(pieces.fail_unportably, SPANS))


def test_a_function_that_cannot_be_read_is_an_error(elsewhere):
    with pytest.raises(ValueError, match="as it was raised"):
        list(elsewhere.in_order(pieces.OnlyHere(), SPANS))
    assert list(elsewhere.in_order(pieces.echo, SPANS)) == SPANS


@pytest.mark.parametrize("here", [True, False])
def test_a_process_that_ends_is_an_error(here):
    with (
        Workers(1, here=here) as shared,
        pytest.raises(GenerationError, match=r"ended with exit code 3 before.*\n  hint: .*--workers 1"),
    ):
        for _ in shared.in_order(partial(pieces.end_elsewhere, os.getpid()), SPANS * 100):
            pass


def test_a_process_that_cannot_be_started_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(GenerationError, match=r"nowhere.*\n  hint: --workers 1 needs none"), Workers(1):
        pass


# --- how it ends ---------------------------------------------------------------------------------------------------


def test_a_child_ends_with_its_workers_whatever_it_does():
    with Workers(1, here=False) as shared:
        (child,) = set(shared.in_order(pieces.process, SPANS))
        assert alive(child)
        next(shared.in_order(pieces.sleep, SPANS))
        begun = time.monotonic()
    assert not alive(child)
    assert time.monotonic() - begun < 30


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_child_ends_when_its_parent_was_killed():
    code = """
import os, signal, sys
sys.path[:] = {path!r}
import pieces
from seedbed.engine.workers import Workers
shared = Workers(1, here=False)
print(next(shared.in_order(pieces.slow_process, [(0, 1), (1, 2)])), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code.format(path=sys.path)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    child = int(done.stdout)
    assert comes_true(lambda: not alive(child))


def test_the_interrupt_of_a_terminal_does_not_reach_a_child(elsewhere):
    child = next(elsewhere.in_order(pieces.process, SPANS))
    assert os.getsid(child) != os.getsid(0)


def test_batches_can_be_given_to_arrow(resolved, elsewhere):
    """Its memory is theirs: nothing is overwritten when the next ones come."""
    table = resolved.table("patients")
    batches = list(generate_batches(World(resolved), table, workers=elsewhere, batch_rows=20))
    assert pa.Table.from_batches(batches) == make(resolved, "patients")

"""SQL that was never accepted is tried out in a child, which dies of what would harm this process."""

import os
from pathlib import Path

import duckdb
import pytest

from seedbed.plan import expressions, rehearsal
from seedbed.plan.expressions import ExpressionError, type_of_expression
from seedbed.plan.rehearsal import Child, Limits, made_up_rows, rehearse
from seedbed.schema import TypeKind, parse_data_type
from worlds import schema_from, seeds, try_resolve

TYPES = {"n": parse_data_type("integer"), "name": parse_data_type("varchar")}
BOMB = "len(generate_series(1, 1000000000))"
LINUX = pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="needs /proc")


@pytest.fixture
def child():
    child = Child(Limits(processor=1, wall=60))
    yield child
    child.close()


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """The folder of what is accepted, of a person who has accepted nothing yet; and nothing was tried yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("CI", raising=False)

    def forget():
        if rehearsal._child.cache_info().currsize:
            rehearsal._child(os.getpid()).close()
        rehearsal._rehearsed.cache_clear()
        rehearsal._child.cache_clear()

    forget()
    yield tmp_path / "state" / "seedbed" / "accepted"
    forget()


@pytest.fixture
def widened(monkeypatch):
    """An allow-list with a hole in it."""
    monkeypatch.setattr(expressions, "_FUNCTIONS", expressions._FUNCTIONS | {"generate_series", "sleep_ms"})


@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        ("(SELECT count(*) FROM range(1000000000000))", "took more than 1 seconds of processor time"),
        ("generate_series(1, 1000000000)", "asked for more than 2 GB of memory"),
        ("list_resize([1], 1000000000, 0)", "asked for more than 2 GB of memory"),
    ],
)
def test_what_goes_past_a_limit_is_killed_and_the_next_is_tried(child, bomb, said):
    assert child.run(f"SELECT {bomb}") == said
    assert child.pid is None
    assert child.run("SELECT 1") is None


def test_what_only_waits_is_killed_too():
    child = Child(Limits(wall=1))
    assert child.run("SELECT sleep_ms(3600000)") == "did not end within 1 seconds"
    assert child.pid is None


def test_what_fails_is_no_breach(child):
    for query in ("SELECT nonsense", "SELECT 9223372036854775807 + 1", "not even SQL", "SELECT 'x\n\u2028'::date"):
        assert child.run(query) is None
    assert child.pid is not None


@LINUX
def test_the_child_sees_nothing_of_the_environment_and_is_limited(child, monkeypatch):
    monkeypatch.setenv("CANARY", "visible")
    child.run("SELECT 1")
    assert Path(f"/proc/{child.pid}/environ").read_bytes() in (b"", b"\0")
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    rows = {line[:25].strip(): line[25:].split()[:2] for line in limits.splitlines()}
    assert rows["Max file size"] == ["0", "0"]
    assert rows["Max address space"] == [str(2 << 30), str(2 << 30)]
    assert os.getsid(child.pid) != os.getsid(0)


def test_the_child_can_read_and_write_no_file(child, tmp_path):
    child.run(f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'")
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_that_passes_the_list_is_killed_before_its_type_is_asked_for(fresh, widened):
    with pytest.raises(ExpressionError, match="asked for more than 2 GB of memory when it was tried out on 2,048"):
        type_of_expression(BOMB, {})
    assert not fresh.exists()


def test_a_row_that_fails_hides_no_bomb(fresh, widened):
    with pytest.raises(ExpressionError, match="asked for more than 2 GB"):
        type_of_expression(f"CASE WHEN n > 1 THEN n * 9223372036854775807 ELSE {BOMB} END", TYPES)


def test_a_plan_names_the_column_whose_expression_broke_a_limit(fresh, widened, tmp_path):
    schema = schema_from(tmp_path, seeds(orders="id integer unique, size bigint, other bigint"))
    plan = f"""
        tables:
          orders:
            rows: 10
            columns:
              id: sequence()
              size: sql('{BOMB} + id')
              other: sql('id + {BOMB}')
        """
    resolved, found = try_resolve(schema, plan)
    assert resolved is None
    broken = [problem for problem in found if "asked for more than 2 GB" in problem.message]
    assert [problem.location.path for problem in broken] == [
        "tables.orders.columns.size", "tables.orders.columns.other",
    ]  # fmt: skip
    assert all(problem.location.line for problem in broken)


def test_what_went_well_is_accepted_and_not_tried_again(fresh):
    assert type_of_expression("upper(name) || n", TYPES).kind is TypeKind.TEXT
    assert rehearsal._child(os.getpid()).pid is not None
    (marker,) = fresh.iterdir()
    assert marker.stat().st_size == 0
    rehearsal._child(os.getpid()).close()
    rehearsal._rehearsed.cache_clear()
    type_of_expression("upper(name) || n", TYPES)
    assert rehearsal._child(os.getpid()).pid is None
    # Another expression, or the same over another type, is another matter.
    type_of_expression("upper(name) || n", TYPES | {"n": parse_data_type("double")})
    assert rehearsal._child(os.getpid()).pid is not None
    assert len(list(fresh.iterdir())) == 2


def test_in_ci_the_folder_is_not_consulted(fresh, monkeypatch):
    rehearse("SELECT 1")
    assert len(list(fresh.iterdir())) == 1
    rehearsal._child(os.getpid()).close()
    rehearsal._rehearsed.cache_clear()
    monkeypatch.setenv("CI", "true")
    rehearse("SELECT 1")
    assert rehearsal._child(os.getpid()).pid is not None
    rehearse("SELECT 2")
    assert len(list(fresh.iterdir())) == 1


def test_a_folder_that_cannot_be_written_stops_nobody(fresh, tmp_path):
    (tmp_path / "state").write_text("not a folder")
    assert rehearse("SELECT 1") is None


@pytest.mark.parametrize("text", ["integer", "decimal(9,2)", "double", "boolean", "varchar", "varchar(3)", "date",
                                  "timestamp", "timestamptz", "time", "uuid", "json", "numeric(38,0)"])  # fmt: skip
def test_made_up_rows_have_values_of_every_type_and_nulls(text):
    kind = parse_data_type(text)
    query = made_up_rows({'a "b"': kind}, {'a "b"': expressions._sql_type(kind)})
    values = [row[0] for row in duckdb.connect().execute(query).fetchall()]
    assert len(values) == 2_048
    assert None in values
    assert len(set(values)) == 3 if kind.kind is TypeKind.BOOLEAN else len(set(values)) > 100

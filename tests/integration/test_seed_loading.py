"""Seeds loaded by dbt through the package's macros: exactly what the CSV says, on every database there is."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from dbt_targets import ADAPTERS, running_target
from postgres import Server
from shop import run_dbt

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "tests/cases/seed_loading"

Rows = list[tuple[Any, ...]]

EVERYTHING: Rows = [
    (1, "00501", "O'Brien's", Decimal("10.1"), 2**63 - 1, True, dt.date(2024, 2, 29), dt.datetime(2024, 1, 2, 3, 4, 5)),
    (2, None, None, None, None, None, None, None),
    (
        *(3, "5%", "%s and 100 % of %(name)s {0}", Decimal("-0.000000001"), -(2**63), False),
        *(dt.date(1969, 12, 31), dt.datetime(1969, 12, 31, 23, 59, 59)),
    ),
    (
        *(4, "a\\b", r"back\slash \n \u0041 \' \\", Decimal("12345678901234567890123456789.123456789"), 0, True),
        *(dt.date(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ),
    (
        *(5, "+1555", 'first line\nsecond "quoted" line\n\nlast line', Decimal(0), 1, False),
        *(dt.date(9999, 12, 31), dt.datetime(1600, 2, 29)),
    ),
    (
        *(6, "a,b", "Ünïcode naïve 漢字 🦊 مرحبا e\u0301", Decimal(1), 2, True),
        *(dt.date(2000, 1, 1), dt.datetime(2024, 6, 30, 12, 0, 0, 500000)),
    ),
    (
        *(7, "--", "${env:HOME} ${spark.app.name} {{ 1 + 1 }} {% raw %} /* ; */ -- '", Decimal(2), 3, False),
        *(dt.date(2000, 1, 1), dt.datetime(2024, 1, 1)),
    ),
    (
        *(8, " a b ", "None NaN <b>&amp;</b> \t end", Decimal(3), 4, True),
        *(dt.date(2000, 1, 1), dt.datetime(2024, 1, 1)),
    ),
]


def _read_duckdb(target: Mapping[str, Any], project: Path, seed: str) -> Rows:
    with duckdb.connect(str(project / target["path"]), read_only=True) as connection:
        return connection.sql(f'from "{seed}"').fetchall()


def _read_postgres(target: Mapping[str, Any], project: Path, seed: str) -> Rows:
    server = Server({key: value for key, value in target.items() if key not in ("pass", "schema", "threads")})
    types = dict(
        server.rows(
            f"select attname::text, format_type(atttypid, null) from pg_attribute "
            f"where attrelid = 'analytics.{seed}'::regclass and attnum > 0 order by attnum"
        )
    )
    names = ", ".join(f'"{name}"::text' for name in types)
    read: Mapping[str, Callable[[str], Any]] = {
        "integer": int,
        "bigint": int,
        "numeric": Decimal,
        "double precision": float,
        "boolean": {"true": True, "false": False}.__getitem__,
        "date": dt.date.fromisoformat,
        "timestamp without time zone": dt.datetime.fromisoformat,
    }
    return [
        tuple(
            None if text is None else read.get(kind, str)(text) for text, kind in zip(row, types.values(), strict=True)
        )
        for row in server.rows(f'select {names} from analytics."{seed}"')
    ]


def _read_spark(target: Mapping[str, Any], project: Path, seed: str) -> Rows:
    table = pq.read_table(project / f"spark-warehouse/analytics.db/{seed}", coerce_int96_timestamp_unit="us")
    without_zone = [
        column.cast("timestamp[us]") if str(column.type).startswith("timestamp") else column for column in table.columns
    ]
    return list(zip(*(column.to_pylist() for column in without_zone), strict=True))


READ = {"duckdb": _read_duckdb, "postgres": _read_postgres, "spark": _read_spark}


@dataclass(frozen=True)
class Loaded:
    """A project whose seeds `dbt seed` has loaded."""

    adapter: str
    target: Mapping[str, Any]
    project: Path
    done: CompletedProcess[str]

    def rows(self, seed: str) -> Rows:
        return sorted(READ[self.adapter](self.target, self.project, seed), key=lambda row: row[0])


@pytest.fixture(scope="module", params=ADAPTERS)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    with running_target(request.param) as target:
        project = tmp_path_factory.mktemp(request.param) / "project"
        shutil.copytree(PROJECT, project)
        profile = {"loading": {"target": "dev", "outputs": {"dev": dict(target)}}}
        (project / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
        (project / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}), encoding="utf-8")
        assert run_dbt(project, "deps").returncode == 0
        done = run_dbt(project, "seed", "--exclude", "too_large")
        assert done.returncode == 0, done.stdout
        yield Loaded(request.param, target, project, done)


def test_every_value_is_what_the_file_says(loaded: Loaded) -> None:
    assert loaded.rows("everything") == EVERYTHING


def test_an_empty_seed_is_an_empty_table(loaded: Loaded) -> None:
    assert loaded.rows("no_rows") == []


def test_columns_may_have_any_name(loaded: Loaded) -> None:
    assert loaded.rows("quoted_names") == [(1, "50%", "y"), (2, None, "n")]


def test_types_may_be_left_to_dbt(loaded: Loaded) -> None:
    days = dt.date(2024, 2, 29), dt.date(2024, 3, 1)
    assert loaded.rows("inferred") == [
        (1, "O'Brien", days[0], 0.5, True),
        (2, None, None, None, None),
        (3, "%", days[1], 1.25, False),
    ]


def test_a_second_load_replaces_the_first_unless_a_value_does_not_fit(loaded: Loaded) -> None:
    done = run_dbt(loaded.project, "seed", "--select", "everything", "too_large")
    assert loaded.rows("everything") == EVERYTHING
    assert done.returncode == 1
    assert "2147483648" in done.stdout
    assert done.stdout.count(" ERROR loading seed file ") == 1


def test_the_placeholder_is_asked_for_once_a_seed(loaded: Loaded) -> None:
    if loaded.adapter != "postgres":
        pytest.skip("only PostgreSQL is given values apart from the statement")
    for seed in ("everything", "quoted_names", "inferred"):
        assert loaded.done.stdout.count(f"placeholder of {seed}") == 1

"""What checked expressions give."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from seedbed.engine.expressions import Evaluator
from seedbed.errors import GenerationError
from seedbed.plan.expressions import compile_expression
from seedbed.plan.types import DATE, INTEGER, TEXT, TIMESTAMP, decimal

HONEST = yaml.safe_load((Path(__file__).parents[2] / "cases" / "expressions" / "honest.yml").read_text())

TYPES = {
    "id": INTEGER,
    "qty": INTEGER,
    "price": decimal(2),
    "name": TEXT,
    "ts": TIMESTAMP,
    "day": DATE,
    "missing": TEXT,
    "order_id.status": TEXT,
    "select": INTEGER,
    "Odd Name": TEXT,
}
ROW = {
    "id": pa.array([7]),
    "qty": pa.array([3]),
    "price": pa.array([Decimal("12.50")], pa.decimal128(18, 2)),
    "name": pa.array(["Ann Lee"]).dictionary_encode(),
    "ts": pa.array([dt.datetime(2026, 1, 31, 10, 20, 30)], pa.timestamp("s")),
    "day": pa.array([dt.date(2026, 2, 1)]),
    "missing": pa.array([None], pa.string()),
    "order_id.status": pa.array(["open"]),
    "select": pa.array([5]),
    "Odd Name": pa.array(["x"]),
}


def evaluator(text: str) -> Evaluator:
    return Evaluator(compile_expression(text, TYPES))


@pytest.mark.parametrize("case", HONEST, ids=[case["text"] for case in HONEST])
def test_values(case: dict[str, Any]) -> None:
    (value,) = evaluator(case["text"]).evaluate(ROW, rows=1).to_pylist()
    spoken = str(value) if isinstance(value, Decimal | dt.date) else value
    assert spoken == case["value"] or (case["type"] == "date" and spoken == f"{case['value']} 00:00:00")


def test_rows_keep_their_order() -> None:
    numbers = pa.array(range(50_000))
    assert evaluator("id * 2").evaluate({"id": numbers}).to_pylist() == [2 * n for n in range(50_000)]


def test_no_rows() -> None:
    assert len(evaluator("id * 2").evaluate({"id": pa.array([], pa.int64())})) == 0


def test_without_columns_there_are_as_many_values_as_asked_for() -> None:
    assert evaluator("1 + 1").evaluate({}, rows=3).to_pylist() == [2, 2, 2]


@pytest.mark.parametrize("text", ["1.0 / (id - 1)", "ln(0.0 * id)", "sqrt(-1.0 * id)", "id / 0"])
def test_infinite_values_are_refused(text: str) -> None:
    with pytest.raises(GenerationError):
        evaluator(text).evaluate({"id": pa.array([1, 2])})


@pytest.mark.parametrize("text", ["name::int", "strptime(name, '%Y')", "9223372036854775807 + id"])
def test_what_fails_in_a_row_names_the_expression(text: str) -> None:
    with pytest.raises(GenerationError) as raised:
        evaluator(text).evaluate(ROW)
    assert text in str(raised.value)


def test_a_failure_leaves_the_connection_usable() -> None:
    with pytest.raises(GenerationError):
        evaluator("name::int").evaluate(ROW)
    assert evaluator("id").evaluate(ROW).to_pylist() == [7]


def test_threads_do_not_disturb_each_other() -> None:
    twice = evaluator("id * 2")

    def work(start: int) -> bool:
        numbers = list(range(start, start + 2_000))
        return twice.evaluate({"id": pa.array(numbers)}).to_pylist() == [2 * n for n in numbers]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(0, 40_000, 2_000)))

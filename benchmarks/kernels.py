"""Prints what one value of each kind costs, in nanoseconds of CPU time and as a multiple of a 64-bit random word.

    python benchmarks/kernels.py [word in the generator ...]

The multiple is the figure to compare: it depends little on the machine. The batch is as large as the engine's.
"""

from __future__ import annotations

import datetime as dt
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from seedbed.engine.arrow import conform
from seedbed.engine.cells import Cells
from seedbed.engine.distributions import normal_probabilities, normal_quantile
from seedbed.engine.expressions import Evaluator
from seedbed.engine.rng import Stream, words_of
from seedbed.engine.values import make_values
from seedbed.plan.expressions import compile_expression
from seedbed.plan.generators import parse_generator
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan
from seedbed.plan.types import DATE, INTEGER, TEXT, TIMESTAMP, decimal, natural_type
from seedbed.schema import Project

ROWS = 1 << 16
ROUNDS = 15
GENERATORS = (
    "constant('x')", "sequence(1)", "uuid", "hash_key", "pattern('CASE-{n:08}')", "pattern('CASE-{shuffled:08}')",
    "pattern('{n}/{LETTERS:2}-{digits:4}')", "each(['a', 'b', 'c'])", "choice({'a': 70, 'b': 20, 'c': 10})",
    "choice_by('code', {'a': ['x', 'y'], 'b': {'y': 3, 'z': 1}})", "integer(1, 1000)", "uniform(0, 100)",
    "normal(100, 15)", "normal(100, 15, min=80)", "lognormal(120, 0.6)", "exponential(4)", "poisson(3)",
    "empirical([0, 10, 25, 60, 400])", "case_by('code', {'a': lognormal(120, 0.6), 'b': integer(1, 9)})",
    "zipf(1.1, 1000000)", "boolean(0.3)", "date('2020-01-01', '2025-12-31')",
    "date('2020-01-01', '2025-12-31', weekdays={'sun': 0}, growth=0.2)", "time('08:00', '17:59:59')",
    "timestamp('2020-01-01', '2025-12-31')", "timestamp('2020-01-01', '2025-12-31', hours='business')",
    "timestamp('2020-01-01', '2025-12-31', hours='business', weekdays={'sat': 0.3}, months={'dec': 1.8}, growth=0.2)",
    "timestamp('2020-01-01', '2025-12-31', hours={7: 1, 9: 3, 12: 2, 20: 5}, growth=0.2)",
    "after('day', median='3d')", "after('moment', mean='3h')", "calendar('year', 'day')", "calendar('day_name', 'day')",
    "calendar('key', 'moment')", "template('{code}-{number}')", "fake('first_name')", "fake('full_name')",
    "fake('email', unique=true)", "fake('phone')", "fake('company')", "fake('city')", "fake('address')",
    "fake('iban')", "fake('sentence')", "fake('latitude')", "fake('ipv4')",
)  # fmt: skip


def cost(work: Callable[[], object], values: int) -> float:
    """Median nanoseconds of CPU time for each value."""
    work()
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time_ns()
        work()
        taken.append((time.process_time_ns() - start) / values)
    return statistics.median(taken)


def main(words: list[str]) -> None:
    rows = np.arange(ROWS, dtype=np.int64)
    stream, other = Stream(1, "benchmark"), Stream(1, "other")
    plan = ResolvedPlan(
        Project(Path.cwd(), "benchmark"),
        1,
        dt.date(2020, 1, 1),
        dt.date(2025, 12, 31),
        dt.date(2025, 12, 31),
        "en_US",
        (),
    )
    columns = {
        "code": pa.array(["a", "b"]).take(pa.array(rows % 2)),
        "number": pa.array(rows),
        "day": pa.array((rows % 4000 + 15_000).astype(np.int32)).view(pa.date32()),
        "moment": pa.array(rows * 4567 + 1_500_000_000).view(pa.timestamp("s")),
    }
    types = {"code": TEXT, "number": INTEGER, "day": DATE, "moment": TIMESTAMP}
    word = cost(lambda: stream.bits(rows), ROWS)
    works: dict[str, Callable[[], object]] = {
        "a word": lambda: stream.bits(rows),
        "a word, rows in no order": lambda: stream.bits(rows[::-1]),
        "a permuted row": lambda: stream.permute(rows, ROWS),
        "a word that is correlated with another": lambda: words_of(
            normal_probabilities(sum(0.5**0.5 * normal_quantile(each.uniform(rows)) for each in (stream, other)))
        ),
    }
    for text in GENERATORS:
        generator = parse_generator(text)
        data_type = natural_type(generator, types.get, lambda *_: None) or decimal(2)
        column = ResolvedColumn("benchmark", data_type, generator, ("benchmark",))
        cells = Cells(plan, column, stream, rows, columns.__getitem__)
        works[text] = lambda cells=cells, to=data_type: conform(make_values(cells), to)
    for text in ("number * 2 + 1", "upper(code) || '-' || number", "day + interval 3 day"):
        evaluator = Evaluator(compile_expression(text, types))
        works[f"sql({text!r})"] = lambda evaluator=evaluator: evaluator.evaluate(columns)
    for name, work in works.items():
        if not words or any(part in name for part in words):
            each = cost(work, ROWS)
            print(f"{name:72} {each:8.1f} ns {each / word:7.1f} x")


if __name__ == "__main__":
    main(sys.argv[1:])

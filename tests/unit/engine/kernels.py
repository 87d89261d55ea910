"""Columns made alone, for tests of the values themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from seedbed.engine.cells import Cells
from seedbed.engine.rng import Stream
from seedbed.engine.values import make_values
from seedbed.plan.generators import parse_generator
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan
from seedbed.plan.text_pools import parse_pool
from seedbed.plan.types import TEXT
from seedbed.schema import Project

POOLS = {
    "remarks": parse_pool(
        """{"stratum": {"code": "a"}, "text": "plain"}
        {"stratum": {"code": "a"}, "text": "{number} of {day}, or {number}"}
        {"stratum": {"code": "b"}, "text": "on {day}"}
        {"text": "none"}""",
        "remarks",
    )[0]
}
START, AS_OF = dt.date(2024, 1, 1), dt.date(2026, 6, 30)
PLAN = ResolvedPlan(Project(Path("/project"), "project"), 7, START, AS_OF, AS_OF, "en_US", (), pools=POOLS)


def values_of(
    generator: str,
    rows: np.ndarray | int = 1_000,
    columns: Mapping[str, pa.Array] | None = None,
    *,
    seed: int = 7,
    plan: ResolvedPlan = PLAN,
) -> pa.Array:
    """What the generator makes for some rows (a number: that many from 0 on), beside columns of the same rows."""
    numbers = np.arange(rows, dtype=np.int64) if isinstance(rows, int) else rows
    column = ResolvedColumn("c", TEXT, parse_generator(generator), ("t", "c"))
    cells = Cells(plan, column, Stream(seed, "t", "c"), numbers, (columns or {}).__getitem__)
    return make_values(cells)


def listed(generator: str, rows: np.ndarray | int = 1_000, columns: Mapping[str, pa.Array] | None = None) -> list:
    """As `values_of`, as Python values."""
    return values_of(generator, rows, columns).to_pylist()

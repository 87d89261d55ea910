"""Seedbed fills a dbt project with synthetic data that the project can trust.

    >>> schema, notes = seedbed.read_project("my_dbt_project")
    >>> planned = seedbed.plan_project(schema, today=date(2026, 6, 30))
    >>> resolved, notes = seedbed.resolve_plan(schema, planned)
    >>> orders = seedbed.generate_tables(resolved)["orders"]          # a pyarrow.Table

Only the names in `__all__` are public. They are imported when they are first used, so that `import seedbed` is
quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed.api import (
        Planned,
        check_seeds,
        generate,
        generate_tables,
        plan_project,
        read_project,
        resolve_plan,
        row_ranges,
        save_plan,
    )
    from seedbed.check import Finding
    from seedbed.errors import Diagnostic, SeedbedError
    from seedbed.plan.spec import Plan
    from seedbed.schema import Schema

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Finding",
    "Plan",
    "Planned",
    "Schema",
    "SeedbedError",
    "check_seeds",
    "generate",
    "generate_tables",
    "plan_project",
    "read_project",
    "resolve_plan",
    "row_ranges",
    "save_plan",
]

_HOMES = {
    "Diagnostic": "seedbed.errors",
    "Finding": "seedbed.check",
    "Plan": "seedbed.plan.spec",
    "Schema": "seedbed.schema",
    "SeedbedError": "seedbed.errors",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "seedbed.api")), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

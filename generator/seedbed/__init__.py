"""Seedbed fills a dbt project with synthetic data that the project can trust.

    >>> schema = seedbed.read("my_dbt_project")      # or read_text(erd=..., yaml=...), without a project
    >>> plan = seedbed.author(schema, seed=7)        # llm=True asks an LLM; print(plan) shows what was decided
    >>> tables = seedbed.generate(plan)              # pandas DataFrames by name
    >>> tables["orders"].head()

Only the names in `__all__` are public. They are imported when they are first used, so that `import seedbed` is
quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedbed.api import LlmOptions, Planned, check_seeds, row_ranges
    from seedbed.check import Finding
    from seedbed.errors import Diagnostic, SeedbedError, SeedbedWarning
    from seedbed.notebook import (
        author,
        generate,
        generate_arrow,
        read,
        read_text,
        resolve,
        save_plan,
        write_seeds,
    )
    from seedbed.plan.spec import Plan
    from seedbed.schema import Schema

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Finding",
    "LlmOptions",
    "Plan",
    "Planned",
    "Schema",
    "SeedbedError",
    "SeedbedWarning",
    "author",
    "check_seeds",
    "generate",
    "generate_arrow",
    "read",
    "read_text",
    "resolve",
    "row_ranges",
    "save_plan",
    "write_seeds",
]

_HOMES = {
    "Diagnostic": "seedbed.errors",
    "Finding": "seedbed.check",
    "LlmOptions": "seedbed.api",
    "Plan": "seedbed.plan.spec",
    "Planned": "seedbed.api",
    "Schema": "seedbed.schema",
    "SeedbedError": "seedbed.errors",
    "SeedbedWarning": "seedbed.errors",
    "check_seeds": "seedbed.api",
    "row_ranges": "seedbed.api",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "seedbed.notebook")), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

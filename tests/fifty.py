"""A project of fifty tables, put together from the parts that companies have: enough to measure prompts on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TABLES = Path(__file__).parent / "cases" / "llm_chain" / "fifty_tables.txt"


def property_yaml() -> str:
    """The project's property file."""
    return yaml.safe_dump({"version": 2, "seeds": list(_seeds())}, sort_keys=False, width=200)


def _seeds() -> Iterator[dict[str, Any]]:
    for line in TABLES.read_text(encoding="utf-8").splitlines()[1:]:
        domain, _, rest = line.partition(": ")
        name, _, columns = rest.partition(" = ")
        key = {"name": f"{name}_id", "data_type": "bigint", "data_tests": ["unique", "not_null"]}
        made = [key, *(_column(text) for text in columns.split())]
        about = f"One {name.replace('_', ' ')} of the {domain} systems."
        yield {"name": name, "description": about, "columns": made}


def _column(text: str) -> dict[str, Any]:
    if ">" in text:
        name, parent = text.split(">")
        test = {"relationships": {"arguments": {"to": f"ref('{parent}')", "field": f"{parent}_id"}}}
        return {"name": name, "data_type": "bigint", "data_tests": [test]}
    name, _, data_type = text.partition(":")
    return {"name": name, "data_type": data_type or "varchar"}

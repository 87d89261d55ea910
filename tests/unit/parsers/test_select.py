from __future__ import annotations

from pathlib import Path

import pytest
from dbt_projects import read

from seedbed.parsers import select_tables
from seedbed.schema import Schema

FILES = {
    "dbt_project.yml": "name: shop\nsources: {shop: {+tags: [raw]}}\n",
    "models/staging/src.yml": """
        sources:
          - name: raw
            tables:
              - {name: orders, columns: [{name: id}]}
              - {name: order_items, tags: [nightly], columns: [{name: id}]}
          - {name: crm, tables: [{name: orders, columns: [{name: id}]}]}
        """,
    "models/marts/marts.yml": "models: [{name: dim_customer, tags: [nightly], columns: [{name: id}]}, "
    "{name: fct_built}]\n",
    "models/marts/fct_built.sql": "select 1",
    "seeds/countries.csv": "code\nNL\n",
    "seeds/seeds.yml": "seeds: [{name: planned, columns: [{name: id}]}, {name: empty}]\n",
}


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    return read(tmp_path, FILES)[0]


@pytest.mark.parametrize(
    ("select", "exclude", "names"),
    [
        ((), (), {"raw.orders", "raw.order_items", "crm.orders", "dim_customer", "planned"}),
        ("dim_customer", (), {"dim_customer"}),
        ("DIM_CUSTOMER planned", (), {"dim_customer", "planned"}),
        (("dim_customer", "planned"), (), {"dim_customer", "planned"}),
        ("source:raw", (), {"raw.orders", "raw.order_items"}),
        ("source:raw.*", (), {"raw.orders", "raw.order_items"}),
        ("source:raw.orders", (), {"raw.orders"}),
        ("orders", (), {"raw.orders", "crm.orders"}),
        ("raw.orders", (), {"raw.orders"}),
        ("tag:nightly", (), {"raw.order_items", "dim_customer"}),
        ("tag:nightly,source:raw", (), {"raw.order_items"}),
        ("tag:nightly planned", (), {"raw.order_items", "dim_customer", "planned"}),
        ("path:models/staging", (), {"raw.orders", "raw.order_items", "crm.orders"}),
        ("models/marts", (), {"dim_customer"}),
        ("./models/marts/", (), {"dim_customer"}),
        ("models/*/src.yml", (), {"raw.orders", "raw.order_items", "crm.orders"}),
        ("resource_type:seed", (), {"planned"}),
        ("dim_*", (), {"dim_customer"}),
        ((), "source:*", {"dim_customer", "planned"}),
        ("source:raw", "*_items", {"raw.orders"}),
    ],
)
def test_selection(
    schema: Schema, select: str | tuple[str, ...], exclude: str | tuple[str, ...], names: set[str]
) -> None:
    chosen, diagnostics = select_tables(schema, select, exclude)
    assert (set(chosen), diagnostics) == (names, [])
    assert list(chosen) == [table.name for table in schema if table.name in names]


@pytest.mark.parametrize(
    ("selector", "code", "hint"),
    [
        ("dim_custmer", "unknown-selector", "did you mean dim_customer?"),
        ("source:rwa.orders", "unknown-selector", "did you mean raw.orders?"),
        ("tag:nightli", "unknown-selector", "did you mean nightly?"),
        ("tags:nightly", "unknown-selector", "did you mean tag?"),
        ("+dim_customer", "unknown-selector", "name the tables themselves"),
        (
            "fct_built",
            "nothing-selected",
            "tables with SQL, with a hand-written CSV or without columns are never generated",
        ),
        (
            "dim_customer,planned",
            "nothing-selected",
            "a comma asks for tables that fit both sides; use a space for either",
        ),
    ],
)
def test_what_selects_nothing_says_so(schema: Schema, selector: str, code: str, hint: str) -> None:
    names, [found] = select_tables(schema, selector)
    assert (names, found.code, found.hint) == ((), code, hint)

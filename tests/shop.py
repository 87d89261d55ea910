"""A small dbt project whose sources do not exist, and dbt run on it as a person runs it."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from seedbed import api
from seedbed.plan.resolved import ResolvedPlan

CUSTOMERS, ORDERS = 300, 1000
SOURCES = """\
sources:
  - name: raw
    tables:
      - name: customers
        columns:
          - {name: customer_id, data_type: integer, data_tests: [unique, not_null]}
          - {name: email, data_type: varchar, data_tests: [not_null]}
          - {name: balance, data_type: "decimal(12,2)", data_tests: [not_null]}
          - {name: signed_up_on, data_type: date, data_tests: [not_null]}
      - name: orders
        identifier: order_lines
        columns:
          - {name: order_id, data_type: bigint, data_tests: [unique, not_null]}
          - name: customer_id
            data_type: integer
            data_tests:
              - not_null
              - relationships: {arguments: {to: "source('raw', 'customers')", field: customer_id}}
          - {name: ordered_at, data_type: timestamp, data_tests: [not_null]}
          - name: status
            data_type: varchar
            data_tests: [not_null, accepted_values: {arguments: {values: [placed, shipped, returned]}}]
"""
PLAN = f"""\
version: 1
random_seed: 7
start: 2024-01-01
as_of: 2025-12-31
tables:
  raw.customers:
    rows: {CUSTOMERS}
    by: user
    columns:
      customer_id: sequence()
      email: fake('email', unique=true)
      balance: lognormal(100, 0.5, decimals=2)
      signed_up_on: date('2024-01-01', '2025-12-31')
  raw.orders:
    rows: {ORDERS}
    by: user
    columns:
      order_id: sequence()
      customer_id: foreign_key('raw.customers')
      ordered_at: timestamp('2024-01-01', '2025-12-31')
      status: "choice({{'placed': 5, 'shipped': 4, 'returned': 1}})"
"""
MODEL = """\
select c.customer_id, count(o.order_id) as orders
from {{ source('raw', 'customers') }} c left join {{ source('raw', 'orders') }} o using (customer_id)
group by 1
"""
DUCKDB = {"type": "duckdb", "path": "shop.duckdb", "threads": 4}


def write_shop(root: Path, target: Mapping[str, object] = DUCKDB) -> Path:
    """The project: two sources without tables, and six models that read both of them at once."""
    files = {
        "dbt_project.yml": 'name: shop\nversion: "1.0"\nprofile: shop\n',
        "profiles.yml": yaml.safe_dump({"shop": {"target": "dev", "outputs": {"dev": dict(target)}}}),
        "models/sources.yml": SOURCES,
        "seedbed.yml": PLAN,
        **{f"models/report_{number}.sql": MODEL for number in range(6)},
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def resolve_shop(root: Path) -> ResolvedPlan:
    """The plan for the project's sources, resolved."""
    schema, _ = api.read_project(root, profiles_dir=root)
    planned = api.plan_project(schema, today=dt.date(2026, 6, 30))
    return api.resolve_plan(schema, planned, select=api.source_tables(schema))[0]


def run_dbt(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs dbt in the project, with every warning an error."""
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--warn-error", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def statuses(project: Path) -> list[str]:
    """The status of every node of dbt's last run."""
    results = json.loads((project / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    return [result["status"] for result in results]


# Twelve data tests and six models.
ALL_WELL = ["pass"] * 12 + ["success"] * 6

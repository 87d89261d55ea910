"""Business rules as dbt data tests: which test says each, and where none can."""

import pytest

from seedbed.sinks.data_tests import SeedReference, data_tests
from worlds import resolve_text, schema_from

PROPERTIES = """
version: 2
seeds:
  - name: accounts
    columns:
      - {name: account_id, data_type: integer, data_tests: [unique, not_null]}
      - {name: country, data_type: varchar(2)}
      - {name: ceiling, data_type: "numeric(12,2)"}
  - name: bookings
    columns:
      - {name: booking_id, data_type: integer, data_tests: [unique, not_null]}
      - {name: account_id, data_type: integer}
      - {name: booked_at, data_type: timestamp}
      - {name: Order, data_type: integer}
      - {name: amount, data_type: "numeric(12,2)"}
"""
PLAN = """
tables:
  accounts:
    rows: 50
    columns: {{account_id: sequence(), country: "choice(['DE', 'NL'])", ceiling: "uniform(10, 99)"}}
  bookings:
    rows: 500
    columns:
      booking_id: sequence()
      account_id: foreign_key('accounts')
      booked_at: "timestamp('2024-01-01', '2025-12-31')"
      Order: sequence()
      amount: uniform(1, 100)
rules:
  - {{says: so it is, table: {table}, rule: "{rule}"}}
"""
ACCOUNT = {"columns": ["account_id"], "to": SeedReference("accounts"), "to_columns": ["account_id"]}
QUOTED = {**ACCOUNT, "columns": ['"account_id"']}
READ = {"name": "parent_1", **QUOTED, "reads": {"account_id__country": "country"}}
CASES: list[tuple[str, str, str, dict[str, object]]] = [
    (
        "bookings",
        "share('amount > 50', min=0.2, max=0.8)",
        "row_share",
        {"predicate": '("amount" > 50)', "min": 0.2, "max": 0.8},
    ),
    ("bookings", "share('amount > 50', max=0.8)", "row_share", {"predicate": '("amount" > 50)', "max": 0.8}),
    (
        "bookings",
        "share('account_id.country is not null', min=0.2)",
        "row_share",
        {"predicate": "(NOT account_id__country IS NULL)", "min": 0.2, "parents": [READ]},
    ),
    (
        "bookings",
        "increasing('Order', 'account_id', 'booked_at')",
        "increasing",
        {"per": ['"account_id"'], "by": '"booked_at"'},
    ),
    (
        "accounts",
        "sum_of_children('bookings', 'amount', at_most='2 * ceiling', at_least=1)",
        "sum_of_children",
        {**QUOTED, "summed": '"amount"', "at_most": "(2 * ceiling)", "at_least": "1"},
    ),
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return schema_from(tmp_path_factory.mktemp("data_tests"), PROPERTIES)


@pytest.mark.parametrize(("table", "rule", "name", "arguments"), CASES)
def test_a_rule_becomes_a_data_test(schema, table, rule, name, arguments):
    resolved = resolve_text(schema, PLAN.format(table=table, rule=rule))
    (found,) = (test for test in data_tests(resolved.table("bookings"), resolved, lambda _: True) if test.name == name)
    assert found.packaged
    assert found.arguments == arguments
    assert found.column == ("Order" if name == "increasing" else None)

"""A condition that asks for a value which its column never has is warned of; one that may hold is not."""

import pytest

from worlds import schema_from, try_resolve

SCHEMA = """
    seeds:
      - name: customers
        columns: [{name: customer_id, data_type: integer}, {name: country, data_type: varchar}]
      - name: orders
        columns:
          - {name: order_id, data_type: integer}
          - {name: customer_id, data_type: integer}
          - {name: status, data_type: varchar}
          - {name: note, data_type: varchar}
          - {name: flag, data_type: varchar}
    """
PLAN = """
    tables:
      customers:
        rows: 10
        columns: {customer_id: sequence(), country: "choice({'DE': 7, 'FR': 3})"}
      orders:
        rows: "ROWS"
        columns:
          order_id: sequence()
          customer_id: foreign_key('customers')
          status: "choice({'open': 60, 'paid': 40})"
          note: fake('word')
          flag: "FLAG"
    RULES
    """


def unknown(folder, flag="constant('x')", rows="20", rules=""):
    schema = schema_from(folder, SCHEMA)
    plan = PLAN.replace("ROWS", rows).replace("FLAG", flag.replace('"', '\\"')).replace("RULES", rules)
    _, diagnostics = try_resolve(schema, plan)
    return [found for found in diagnostics if found.code == "unknown-value"]


@pytest.mark.parametrize(
    ("condition", "literal"),
    [
        ("status = 'sent'", "sent"),
        ("'sent' = status", "sent"),
        ("status <> 'sent'", "sent"),
        ("status in ('paid', 'sent')", "sent"),
        ("status not in ('sent')", "sent"),
        ("note = 'a' and (status = 'Paid' or order_id > 3)", "Paid"),
        ("case status when 'sent' then true else false end", "sent"),
        ("customer_id.country = 'IT'", "IT"),
    ],
)
def test_values_that_never_occur(condition, literal, tmp_path):
    for flag in (f"constant('x', when=\"{condition}\")", f"sql(\"case when {condition} then 'a' else 'b' end\")"):
        (found,) = unknown(tmp_path, flag)
        assert f'"{literal}"' in found.message
        assert found.location.path == "tables.orders.columns.flag"
    if literal == "Paid":
        assert "paid" in found.hint


@pytest.mark.parametrize(
    "condition",
    ["status = 'paid'", "status in ('open', 'paid')", "customer_id.country = 'FR'", "note = 'anything'",
     "upper(status) = 'PAID'", "status > 'm'", "status like 'pa%'", "order_id = 7"],
)  # fmt: skip
def test_values_that_may_occur(condition, tmp_path):
    assert unknown(tmp_path, f"constant('x', when=\"{condition}\")") == []


def test_the_condition_of_rows_is_about_the_parent(tmp_path):
    (found,) = unknown(tmp_path, rows="per customers where country = 'IT', poisson(2)")
    assert found.location.path == "tables.orders"
    assert unknown(tmp_path, rows="per customers where country = 'FR', poisson(2)") == []


def test_rules_are_looked_at_too(tmp_path):
    rule = """rules: [{table: orders, rule: "share(\\"status = 'sent'\\", max=0.5)"}]"""
    (found,) = unknown(tmp_path, rules=rule)
    assert found.location.path == "rules.0"

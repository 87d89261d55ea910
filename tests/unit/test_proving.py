"""The rules of a plan are tried on generated rows before anything is written."""

import pytest

from seedbed import api
from seedbed.errors import GenerationError
from seedbed.proving import prove_rules
from worlds import resolve_text, schema_from

SCHEMA = """
version: 2
seeds:
  - name: paid
    columns:
      - {name: id, data_type: integer, data_tests: [unique, not_null]}
      - {name: total, data_type: "numeric(12,2)"}
  - name: refunds
    columns:
      - {name: nr, data_type: integer, data_tests: [unique, not_null]}
      - {name: paid_id, data_type: integer}
      - {name: amount, data_type: "numeric(12,2)"}
"""
PLAN = """
tables:
  paid: {{rows: 5000, columns: {{id: sequence(), total: "uniform(50, 100)"}}}}
  refunds:
    rows: per paid, boolean(0.5)
    columns: {{nr: sequence(), paid_id: foreign_key('paid'), amount: "{amount}"}}
rules:
  - {{says: So it is, table: {table}, rule: "{rule}"}}
"""


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return schema_from(tmp_path_factory.mktemp("proof"), SCHEMA)


def resolved(schema, table, rule, amount="uniform(1, 50)"):
    return resolve_text(schema, PLAN.format(table=table, rule=rule, amount=amount))


def test_a_checked_rule_that_the_generators_satisfy_is_proved(schema):
    assert prove_rules(resolved(schema, "paid", "sum_of_children('refunds', 'amount', at_most='total')")) == []


@pytest.mark.parametrize(
    ("table", "rule", "amount", "said"),
    [
        ("paid", "sum_of_children('refunds', 'amount', at_most='total')", "uniform(60, 200)", "of 400 break it"),
        ("refunds", "share('amount < 10', min=0.5)", "uniform(1, 50)", "does not hold"),
        ("refunds", "row('amount > 49.9 and amount < 0.5 * paid_id.total')", "uniform(1, 50)", "satisfy it"),
    ],
)
def test_a_rule_that_does_not_hold_is_refused_by_its_sentence(schema, table, rule, amount, said):
    plan = resolved(schema, table, rule, amount)
    (found,) = prove_rules(plan)
    assert found.code == "rule-not-met"
    assert '"So it is"' in found.message
    assert said in found.message
    assert found.location.line == 12
    with pytest.raises(GenerationError, match="So it is"):
        api.generate_tables(plan)


def test_a_rule_that_says_nothing_is_refused(schema):
    (found,) = prove_rules(resolved(schema, "refunds", "row('amount >= paid_id.total or amount < paid_id.total')"))
    assert (found.code, found.location.line) == ("rule-says-nothing", 12)
    assert prove_rules(resolved(schema, "refunds", "row('amount <= paid_id.total')")) == []


def test_a_rule_about_an_hour_of_a_weekday_can_be_broken(tmp_path):
    schema = schema_from(
        tmp_path, "seeds: [{name: orders, columns: [{name: id}, {name: placed_at, data_type: timestamp}]}]"
    )
    plan = """
        tables:
          orders:
            rows: 60
            columns: {id: sequence(), placed_at: "timestamp('2025-01-01', '2025-03-31', hours='business')"}
        rules:
          - says: Closed on Sunday mornings
            table: orders
            rule: row('not (dayofweek(placed_at) = 0 and hour(placed_at) < 8)')
        """
    assert prove_rules(resolve_text(schema, plan)) == []

"""The rules of a plan are tried on generated rows before anything is written."""

import re

import pytest

from seedbed import api
from seedbed.errors import GenerationError, Severity
from seedbed.proving import missing_rows, prove_rules
from seedbed.sinks.arrow import ArrowSink
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


LIVES = """
version: 2
seeds:
  - name: claims
    columns: [{name: claim_id}, {name: status}, {name: opened, data_type: timestamp}]
  - name: payments
    columns: [{name: payment_id}, {name: claim_id}, {name: paid_on, data_type: date}]
"""
LIVED = """
tables:
  claims:
    rows: 20000
    lifecycle: {{initial: open, transitions: {{open: {{closed: 1}}}}, dwell: {{open: {{fixed: {life}}}}}}}
    columns: {{claim_id: sequence(), status: "lifecycle('claims', 'state')", opened: "lifecycle('claims', 'started')"}}
  payments:
    rows: per claims, poisson(1)
    columns: {{payment_id: sequence(), claim_id: foreign_key('claims'), paid_on: during('claims')}}
rules:
  - {{says: Nobody pays on weekends, table: payments, rule: row('{rule}')}}
"""


def lived(tmp_path, life, rule="isodow(paid_on) <= 5"):
    return resolve_text(schema_from(tmp_path, LIVES), LIVED.format(life=life, rule=rule))


def test_a_rule_that_leaves_out_many_rows_is_named(tmp_path):
    plan = lived(tmp_path, "1h")
    (found,) = missing_rows(plan)
    assert (found.code, found.severity, found.location.line) == ("rows-left-out", Severity.WARNING, 15)
    lost, seen = (
        int(number.replace(",", "")) for number in re.search(r"for ([\d,]+) of ([\d,]+) rows", found.message).groups()
    )
    assert 2_000 <= seen < 2_500, "a part of the rows is enough to tell"
    assert 0.2 < lost / seen < 0.36, "two days of seven"
    assert "'isodow(paid_on) <= 5'" in found.message or '"Nobody pays on weekends"' in found.message
    made = api.generate_tables(plan)["payments"].num_rows
    free = api.generate_tables(lived(tmp_path, "1h", "paid_on is not null"))["payments"].num_rows
    assert abs((1 - made / free) - lost / seen) < 0.04
    sink = ArrowSink()
    assert found in api.write(plan, sink).notes


def test_a_rule_that_leaves_out_all_rows_is_refused(tmp_path):
    plan = lived(tmp_path, "1h", "isodow(paid_on) > 7")
    (found,) = missing_rows(plan)
    assert (found.code, found.severity, found.location.line) == ("rows-left-out", Severity.ERROR, 15)
    assert "the table would be empty" in found.message
    with pytest.raises(GenerationError, match="would be empty"):
        api.generate_tables(plan)


@pytest.mark.parametrize("life", ["20d", "60d"])
def test_a_rule_that_leaves_out_few_rows_goes_without_saying(tmp_path, life):
    assert missing_rows(lived(tmp_path, life)) == []

"""Each kind of rule, over rows made by hand: it passes what keeps it, and counts what breaks it."""

import pandas as pd
import pyarrow as pa
import pytest

from seedbed.check import Status, check_rules
from worlds import resolve_text, schema_from

SCHEMA = """
version: 2
seeds:
  - name: paid
    columns:
      - {name: id, data_type: integer, data_tests: [unique, not_null]}
      - {name: status, data_type: varchar}
      - {name: total, data_type: "numeric(12,2)"}
  - name: refunds
    columns:
      - {name: num, data_type: integer, data_tests: [unique, not_null]}
      - {name: paid_id, data_type: integer}
      - {name: amount, data_type: "numeric(12,2)"}
      - {name: clerk, data_type: varchar}
      - {name: day, data_type: date}
"""
PLAN = """
tables:
  paid: {{rows: 4, columns: {{id: sequence(), status: constant('x'), total: constant(1)}}}}
  refunds:
    rows: 4
    columns:
      num: sequence()
      paid_id: foreign_key('paid')
      amount: constant(1)
      clerk: constant('c')
      day: "date('2024-01-01', '2024-12-31')"
rules:
  - {{says: So it is, table: {table}, rule: "{rule}"}}
"""
DAYS = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-05"])
PAID = {"id": [1, 2, 3, 4], "status": ["done", "done", "open", "done"], "total": [10, 20, 30, 40]}
REFUNDS = {
    "num": [1, 2, 3, 4, 5, 6], "paid_id": [1, 1, 2, 4, 4, None], "amount": [4, 6, 7, 10, 20, 5],
    "clerk": ["a", "a", "b", "c", "c", None], "day": DAYS,
}  # fmt: skip


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return schema_from(tmp_path_factory.mktemp("check"), SCHEMA)


def look(schema, table, rule, paid=PAID, refunds=REFUNDS):
    """The finding about one rule, and whether the rule says nothing."""
    resolved = resolve_text(schema, PLAN.format(table=table, rule=rule))
    frames = {"paid": pd.DataFrame(paid), "refunds": pd.DataFrame(refunds).astype({"paid_id": "Int64"})}
    rows = {name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in frames.items()}
    (finding,), empty = check_rules(resolved, rows)
    return finding, bool(empty)


@pytest.mark.parametrize(
    ("table", "rule", "checked", "broken_by", "violations"),
    [
        ("refunds", "row('amount <= 20')", 6, {"amount": [4, 6, 7, 10, 21, None]}, 1),
        (
            "refunds",
            "row('paid_id.id <> 3')",
            6,
            {"paid_id": [3, 3, 3, 4, 4, None]},
            3,
        ),
        ("refunds", "row('amount <= paid_id.total')", 6, {"amount": [11, 6, 21, 10, 20, 99]}, 2),
        ("refunds", "row('dayofweek(day) <> 0')", 6, {"day": [pd.Timestamp("2024-01-07")] * 6}, 6),
        ("refunds", "depends('paid_id', 'clerk')", 5, {"clerk": ["a", "b", "b", "c", None, "x"]}, 2),
        ("refunds", "unique(['paid_id', 'day'])", 5, {"day": [DAYS[0]] * 6}, 2),
        ("refunds", "increasing('amount', 'paid_id', 'day')", 5, {"amount": [6, 4, 7, 20, 10, 5]}, 2),
        ("paid", "children('refunds', min=1, when='total <> 30')", 3, {"paid_id": [3, 3, 2, 2, 2, None]}, 2),
        ("paid", "children('refunds', max=2)", 4, {"paid_id": [3, 3, 3, 2, 2, None]}, 1),
        ("paid", "sum_of_children('refunds', 'amount', at_most='total')", 4, {"amount": [4, 7, 7, 10, 31, 5]}, 2),
        ("paid", "sum_of_children('refunds', 'amount', at_least='id - 3')", 4, {"amount": [-4, 1, 7, 1, -20, 5]}, 2),
    ],
)
def test_each_kind_passes_what_keeps_it_and_counts_what_does_not(schema, table, rule, checked, broken_by, violations):
    finding, empty = look(schema, table, rule)
    assert (finding.status, finding.rows_checked, finding.violations) == (Status.PASSED, checked, 0), finding
    assert not empty
    assert finding.promise.startswith("So it is: ")
    finding, _ = look(schema, table, rule, refunds=REFUNDS | broken_by)
    assert (finding.status, finding.violations) == (Status.FAILED, violations), finding


@pytest.mark.parametrize(
    ("positive", "rule", "status"),
    [
        (100, "share('amount > 0', min=0.4)", Status.PASSED),
        (90, "share('amount > 0', min=0.5, max=0.6)", Status.PASSED),  # within what chance does to 200 rows
        (20, "share('amount > 0', min=0.5)", Status.FAILED),
        (160, "share('amount > 0', max=0.6)", Status.FAILED),
        (1, "share('amount > 0', max=0)", Status.FAILED),
    ],
)
def test_a_share_knows_how_many_rows_there_are(schema, positive, rule, status):
    many = spread([200, 0, 0, 0])
    many["amount"] = [1] * positive + [-1] * (200 - positive)
    finding, empty = look(schema, "refunds", rule, refunds=many)
    assert (finding.status, finding.rows_checked, empty) == (status, 200, False)


def test_a_sum_that_is_to_be_equal(schema):
    rule = "sum_of_children('refunds', 'amount', equals='total')"
    paid = PAID | {"total": [10, 7, 0, 30]}
    assert look(schema, "paid", rule, paid)[0].violations == 0
    assert look(schema, "paid", rule, PAID | {"total": [10, 7, 0.01, 29.99]})[0].violations == 2


def spread(counts):
    """Refunds of which each row of `paid` has so many, scattered."""
    owners = [owner for owner, count in enumerate(counts, 1) for _ in range(count)]
    owners = [owners[place * 7919 % len(owners)] for place in range(len(owners))]
    many = len(owners)
    return {"num": range(many), "paid_id": owners, "amount": [1] * many, "clerk": ["a"] * many, "day": [DAYS[0]] * many}


def parents(count):
    return {"id": range(1, count + 1), "status": ["done"] * count, "total": [1] * count}


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ([40] * 20 + [5] * 40 + [0] * 40, Status.PASSED),
        ([10] * 100, Status.FAILED),
        ([2] * 20 + [1] * 80, Status.FAILED),
        ([46] * 20 + [1] * 80, Status.FAILED),
        ([0] * 99 + [1000], Status.FAILED),
    ],
)
def test_the_share_of_the_busiest(schema, counts, status):
    rule = "concentration('paid_id', share=0.8, of=0.2)"
    finding, empty = look(schema, "refunds", rule, parents(100), spread(counts))
    assert finding.status is status, finding
    assert not empty


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("refunds", "row('amount >= 0 or amount < 0')"),
        ("refunds", "row('amount + 1 > amount')"),
        ("refunds", "row('paid_id.total = paid_id.total')"),
        ("refunds", "row('1 = 1')"),
        ("refunds", "share('amount > 0 or amount <= 0', min=0.5)"),
        ("refunds", "row('day is null or day is not null')"),
        ("paid", "children('refunds', min=1, when='total < total')"),
    ],
)
def test_a_rule_that_holds_for_any_rows_says_nothing(schema, table, rule):
    finding, empty = look(schema, table, rule)
    assert finding.status is not Status.FAILED
    assert empty


def test_without_rows_nothing_is_said_of_a_rule(schema):
    none = {name: [] for name in REFUNDS}
    finding, empty = look(schema, "refunds", "row('1 = 1')", refunds=none)
    assert (finding.status, empty) == (Status.NOTHING, False)

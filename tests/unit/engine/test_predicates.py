"""Rules over one row hold because a row that breaks one is drawn again."""

import pytest

from seedbed.errors import GenerationError
from seedbed.plan.rulings import Standing
from worlds import make, resolve_text, schema_from, try_resolve, values

PROPERTIES = """
seeds:
  - name: loans
    data_tests:
      - dbt_utils.expression_is_true: {arguments: {expression: "ends_on > starts_on and paid <= amount"}}
    columns:
      - {name: id, data_type: integer, data_tests: [unique]}
      - {name: starts_on, data_type: date}
      - {name: ends_on, data_type: date}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: paid, data_type: "decimal(10,2)"}
      - {name: open, data_type: "decimal(10,2)"}
      - {name: branch, data_type: integer}
"""
PLAN = """
tables:
  loans:
    rows: 2000
    columns:
      id: sequence()
      starts_on: date('2024-01-01', '2025-12-31')
      ends_on: date('2024-01-01', '2025-12-31')
      amount: uniform(100, 1000)
      paid: uniform(0, 1000)
      open: sql('amount - paid')
      branch: integer(1, 9)
"""


@pytest.fixture
def schema(tmp_path):
    return schema_from(tmp_path, PROPERTIES)


def test_every_row_satisfies_the_rule_and_what_follows_agrees(schema):
    rows = values(resolve_text(schema, PLAN), "loans")
    assert all(end > start for start, end in zip(rows["starts_on"], rows["ends_on"], strict=True))
    assert all(paid <= amount for paid, amount in zip(rows["paid"], rows["amount"], strict=True))
    assert rows["open"] == [amount - paid for amount, paid in zip(rows["amount"], rows["paid"], strict=True)]


def test_rows_that_satisfied_it_at_first_and_other_columns_are_as_without_it(schema, tmp_path):
    free = schema_from(tmp_path / "free", PROPERTIES.replace("ends_on > starts_on and paid <= amount", "true"))
    before, after = values(resolve_text(free, PLAN), "loans"), values(resolve_text(schema, PLAN), "loans")
    assert before["branch"] == after["branch"]
    same = changed = 0
    for old, new in zip(*(zip(*rows.values(), strict=True) for rows in (before, after)), strict=True):
        if old[2] > old[1] and old[4] <= old[3]:
            assert old == new
            same += 1
        else:
            changed += old != new
    assert same > 400
    assert changed > 800


def test_batches_and_workers_do_not_matter(schema, elsewhere):
    resolved = resolve_text(schema, PLAN)
    assert make(resolved, "loans", batch_rows=64, workers=elsewhere) == make(resolved, "loans")


def test_a_rule_that_cannot_be_met_is_named_with_its_acceptance_rate(schema):
    resolved = resolve_text(schema, PLAN.replace("uniform(0, 1000)", "uniform(2000, 3000)"))
    with pytest.raises(GenerationError, match=r"loans: after 200 attempts 2000 of 2000 rows.*paid <= amount.*0\.0%"):
        make(resolved, "loans")


def test_a_rule_that_reads_no_drawn_column_and_is_false_is_an_error(schema):
    plan = PLAN.replace("uniform(0, 1000)", "sql('amount + 1')").replace(
        "date('2024-01-01', '2025-12-31')", "date('2024-01-01', '2024-01-01')", 1
    )
    resolved = resolve_text(schema, plan)
    with pytest.raises(GenerationError, match="paid <= amount"):
        make(resolved, "loans")


def test_rules_that_cannot_hold_together_are_both_named(tmp_path):
    checks = "[{dbt_utils.expression_is_true: {arguments: {expression: paid < 300}}}, "
    checks += "{dbt_utils.expression_is_true: {arguments: {expression: paid > 700}}}]"
    properties = PROPERTIES.replace(
        PROPERTIES[PROPERTIES.index("    data_tests") : PROPERTIES.index("    columns")], ""
    )
    schema = schema_from(tmp_path, properties.replace("name: loans", f"name: loans\n    data_tests: {checks}"))
    with pytest.raises(GenerationError, match=r"'paid < 300' and 'paid > 700' at once, though each of them by itself"):
        make(resolve_text(schema, PLAN), "loans")


def test_a_value_that_its_column_cannot_hold_is_named_with_its_line(schema):
    with pytest.raises(GenerationError) as refused:
        make(resolve_text(schema, PLAN.replace("uniform(100, 1000)", "uniform(100, 1e12)")), "loans")
    (found,) = refused.value.diagnostics
    assert found.message.startswith("loans.amount: ")
    assert (found.code, found.location.file, found.location.line) == ("cannot-be-made", "seedbed.yml", 13)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [("(select max(amount) from loans) > 1", "subquer"), ("amout > 0", "amout"), ("random() > 0.5", "random")],
)
def test_sql_that_cannot_be_enforced_is_reported(tmp_path, expression, reason):
    schema = schema_from(tmp_path, PROPERTIES.replace("ends_on > starts_on and paid <= amount", expression))
    resolved, diagnostics = try_resolve(schema, PLAN)
    assert resolved is not None
    (found,) = [item for item in diagnostics if item.code == "rule-not-enforced"]
    assert reason in found.message.lower()
    assert found.location.file == "seeds/_seeds.yml"
    assert resolved.table("loans").promises.predicates == ()


TAGGED = """
version: 2
models:
  - name: tickets
    columns: [{name: ticket_id, data_type: integer, data_tests: [unique]}]
  - name: tags
    columns:
      - {name: tag_id, data_type: integer, data_tests: [unique]}
      - {name: weight, data_type: integer}
  - name: ticket_tags
    columns: [{name: ticket_id, data_type: integer}, {name: tag_id, data_type: integer}]
"""
TAGGED_PLAN = """
rules:
  - {says: No pair twice, table: ticket_tags, rule: "unique(['ticket_id', 'tag_id'])"}
RULE
tables:
  tickets: {rows: 20, columns: {ticket_id: sequence()}}
  tags: {rows: 8, columns: {tag_id: sequence(), weight: "integer(1, 9)"}}
  ticket_tags:
    rows: per tickets, constant(3)
    columns: {ticket_id: foreign_key('tickets'), tag_id: "foreign_key('tags')"}
"""
DISTINCT = TAGGED_PLAN.replace("foreign_key('tags')", "foreign_key('tags', distinct=true)")


@pytest.mark.parametrize(
    ("plan", "standing", "how"),
    [
        (TAGGED_PLAN, Standing.CHECKED, "distinct=true in tag_id's foreign_key would"),
        (DISTINCT, Standing.BUILT_IN, "tag_id differs among the rows of one tickets"),
    ],
)
def test_what_makes_pairs_unique_is_named(tmp_path, plan, standing, how):
    resolved = resolve_text(schema_from(tmp_path, TAGGED), plan.replace("RULE\n", ""))
    (rule,) = resolved.table("ticket_tags").promises.rules
    assert rule.standing is standing
    assert how in rule.how


def test_a_rule_that_a_distinct_key_breaks_says_that_the_key_is_not_drawn_again(tmp_path):
    rule = "  - {says: Only heavy, table: ticket_tags, rule: \"row('tag_id.weight > 7')\"}\n"
    resolved = resolve_text(schema_from(tmp_path, TAGGED), DISTINCT.replace("RULE\n", rule))
    with pytest.raises(GenerationError, match="tag_id is distinct=true, so that it cannot be drawn again"):
        make(resolved, "ticket_tags")

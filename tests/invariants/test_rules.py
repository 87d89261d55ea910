"""Typed business rules hold in what is generated, or it is said which does not and why."""

import datetime as dt

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbed.engine.world import World
from seedbed.errors import GenerationError, Severity
from seedbed.plan.rulings import Standing
from worlds import make, resolve_text, schema_from, try_resolve

SCHEMA = """
version: 2
seeds:
  - name: people
    columns:
      - {name: person_sk, data_type: integer, data_tests: [unique, not_null]}
      - {name: joined, data_type: date}
  - name: cases
    columns:
      - {name: case_sk, data_type: integer, data_tests: [unique, not_null]}
      - {name: status, data_type: varchar}
      - {name: opened, data_type: date}
      - {name: budget, data_type: "numeric(12,2)"}
  - name: facts
    columns:
      - {name: fact_sk, data_type: integer, data_tests: [unique, not_null]}
      - {name: case_sk, data_type: integer}
      - {name: person_sk, data_type: integer}
      - {name: adjuster, data_type: varchar}
      - {name: amount, data_type: "numeric(12,2)"}
      - {name: made_at, data_type: timestamp}
"""

PLAN = """
tables:
  people:
    rows: {people}
    columns: {{person_sk: sequence(), joined: "date('2024-01-01', '2025-12-31')"}}
  cases:
    rows: {cases}
    columns:
      case_sk: sequence()
      status: "choice(['open', 'closed', 'void'])"
      opened: "date('2024-01-01', '2025-06-30')"
      budget: uniform(100, 1000)
  facts:
    rows: {facts}
    columns:
      fact_sk: sequence()
      case_sk: foreign_key('cases')
      person_sk: foreign_key('people')
      adjuster: "choice(['ann', 'bob', 'cy', 'di'])"
      amount: uniform(1, 1200)
      made_at: "timestamp('2024-01-01', '2025-12-31')"
rules: {rules}
"""


def plan(*rules, facts="10000", cases=500, people=300):
    """A plan with rules, each given as (table, rule)."""
    listed = "".join(f'\n  - {{says: rule {i}, table: {t}, rule: "{r}"}}' for i, (t, r) in enumerate(rules))
    return PLAN.format(facts=facts, cases=cases, people=people, rules=listed or "[]")


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return schema_from(tmp_path_factory.mktemp("rules"), SCHEMA)


def standing(resolved, table="facts"):
    return [rule.standing for rule in resolved.table(table).promises.rules]


def joined(resolved, world=None):
    facts, cases = (make(resolved, name, world=world).to_pandas() for name in ("facts", "cases"))
    return facts.merge(cases, on="case_sk", how="left")


def top_share(keys, parents, of):
    """The share of the rows that the busiest parents have."""
    counts = np.sort(np.bincount(np.asarray(keys), minlength=parents))[::-1]
    return counts[: max(round(of * parents), 1)].sum() / counts.sum()


@pytest.mark.parametrize("facts", ["10000", "per cases, poisson(20)"])
def test_a_rule_over_a_row_and_its_parent_holds(schema, facts):
    text = "case_sk.status = 'closed' and amount <= case_sk.budget and made_at >= case_sk.opened"
    resolved = resolve_text(schema, plan(("facts", f'row(\\"{text}\\")'), facts=facts))
    rows = joined(resolved)
    assert len(rows) > 2_000
    assert (rows.status == "closed").all()
    assert (rows.amount <= rows.budget).all()
    assert (rows["made_at"] >= rows.opened.astype("datetime64[ns]")).all()
    assert standing(resolved) == [Standing.BUILT_IN]


def test_no_fact_on_a_sunday(schema):
    resolved = resolve_text(schema, plan(("facts", "row('dayofweek(made_at) <> 0')")))
    assert (make(resolved, "facts").to_pandas()["made_at"].dt.day_of_week != 6).all()


def test_a_case_belongs_to_one_person_and_keeps_its_adjuster(schema):
    resolved = resolve_text(schema, plan(("facts", "depends('case_sk', ['person_sk', 'adjuster'])")))
    facts = make(resolved, "facts").to_pandas()
    assert (facts.groupby("case_sk")[["person_sk", "adjuster"]].nunique() == 1).all().all()
    assert facts.person_sk.nunique() > 100
    assert standing(resolved) == [Standing.BUILT_IN]


@pytest.mark.parametrize("facts", ["10000", "per cases, poisson(20)", "per cases, poisson(20, min=1)"])
@pytest.mark.parametrize(("share", "of"), [(0.8, 0.2), (0.5, 0.1), (0.35, 0.3)])
def test_the_busiest_have_their_share(schema, facts, share, of):
    rule = ("facts", f"concentration('case_sk', share={share}, of={of})")
    resolved = resolve_text(schema, plan(rule, facts=facts))
    found = top_share(make(resolved, "facts").column("case_sk"), 501, of)
    assert abs(found - share) < 0.02 + 0.06 * (share - of < 0.1)
    assert standing(resolved) == [Standing.BUILT_IN]


@pytest.mark.parametrize("facts", ["2000", "per cases, poisson(4)"])
def test_growth_keeps_what_a_rule_made(schema, facts):
    rules = (
        ("facts", "concentration('case_sk', share=0.8, of=0.2)"),
        ("facts", "row('person_sk.joined <= made_at')"),
        ("facts", "row('case_sk.budget > 200 or amount < 500')"),
    )
    small = make(resolve_text(schema, plan(*rules, facts=facts)), "facts")
    grown = resolve_text(schema, plan(*rules, facts=facts), scale=3)
    large = make(grown, "facts")
    assert large.slice(0, len(small)).equals(small)
    assert len(large) > 2.5 * len(small)
    assert abs(top_share(large.column("case_sk"), 1501, 0.2) - 0.8) < 0.04
    assert make(grown, "facts", batch_rows=97).equals(large)


@pytest.mark.parametrize(
    ("facts", "how"),
    [("per cases, poisson(0.5)", "rows per"), ("per cases where status = 'closed', boolean(0.5)", "rows per")],
)
def test_every_closed_case_has_a_fact(schema, facts, how):
    rule = ("cases", "children('facts', min=1, max=3, when=\\\"status = 'closed'\\\")")
    resolved = resolve_text(schema, plan(rule, facts=facts))
    cases = make(resolved, "cases").to_pandas()
    facts_of = make(resolved, "facts").to_pandas().groupby("case_sk").size()
    closed = facts_of.reindex(cases.case_sk[cases.status == "closed"], fill_value=0)
    assert closed.between(1, 3).all()
    assert how in resolved.table("cases").promises.rules[0].how


def test_drawn_parents_are_dealt_out(schema):
    resolved = resolve_text(schema, plan(("cases", "children('facts', min=2, max=30)")))
    assert (
        make(resolved, "facts")
        .to_pandas()
        .groupby("case_sk")
        .size()
        .reindex(range(1, 501), fill_value=0)
        .between(2, 30)
        .all()
    )
    assert standing(resolved, "cases") == [Standing.BUILT_IN]


@pytest.mark.parametrize(
    ("table", "rule", "standings"),
    [
        ("facts", "unique('fact_sk')", Standing.BUILT_IN),
        ("facts", "unique(['case_sk', 'made_at'])", Standing.CHECKED),
        ("facts", "share('amount > 600', min=0.4, max=0.6)", Standing.CHECKED),
        ("facts", "increasing('amount', 'case_sk', 'made_at')", Standing.CHECKED),
        ("cases", "sum_of_children('facts', 'amount', at_most='budget')", Standing.CHECKED),
        ("facts", "depends(['case_sk', 'made_at'], 'amount')", Standing.CHECKED),
        ("facts", "depends('fact_sk', 'amount')", Standing.CHECKED),
        ("cases", "children('facts', min=1, when=\\\"status = 'closed'\\\")", Standing.CHECKED),
    ],
)
def test_what_cannot_be_built_in_is_checked(schema, table, rule, standings):
    assert standing(resolve_text(schema, plan((table, rule))), table) == [standings]


@pytest.mark.parametrize(
    ("table", "rule", "code", "said", "hint"),
    [
        ("fact", "row('amount > 0')", "unknown-table", 'names the table "fact"|about the table "fact"', "facts"),
        ("facts", "row('amont > 0')", "invalid-sql", "no column amont", "amount"),
        ("facts", "row('case_sk.statu = 1')", "unknown-column", '"case_sk.statu"', "status"),
        ("facts", "row('amount')", "invalid-sql", "true or false was expected", None),
        ("facts", "row('(select 1) = 1')", "invalid-sql", "subquery", None),
        ("facts", "depends('case_sk', 'persn_sk')", "unknown-column", '"persn_sk"', "person_sk"),
        ("facts", "concentration('amount', share=0.8, of=0.2)", "rule-without-key", "no foreign key", "case_sk"),
        ("people", "children('cases', min=1)", "rule-without-key", "no foreign key of cases leads to people", None),
        ("people", "sum_of_children('facts', 'amout', at_most=5)", "unknown-column", "facts does not have", "amount"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_its_sentence(schema, table, rule, code, said, hint):
    resolved, diagnostics = try_resolve(schema, plan((table, rule)))
    errors = [found for found in diagnostics if found.severity is Severity.ERROR]
    assert resolved is None
    assert {found.code for found in errors} == {code}
    assert any(part in errors[0].message for part in said.split("|"))
    assert 'the rule "rule 0"' in errors[0].message
    assert hint is None or hint in (errors[0].hint or "")
    assert errors[0].location.line


def test_a_rule_that_nothing_satisfies_is_named_with_its_acceptance(schema):
    resolved = resolve_text(schema, plan(("facts", "row('amount > 1201 and made_at >= case_sk.opened')")))
    with pytest.raises(GenerationError, match=r'the rule "rule 0" \(amount > 1201.*% satisfy it'):
        make(resolved, "facts")


def test_values_that_wait_for_the_rows_they_decide_are_a_circle(tmp_path):
    text = SCHEMA.replace("{name: budget,", "{name: total, data_type: bigint}\n      - {name: budget,")
    rules = plan(("facts", "row('case_sk.total < 30')"), facts="per cases, poisson(3)")
    resolved, diagnostics = try_resolve(
        schema_from(tmp_path, text), rules.replace("budget: u", "total: rollup('facts', 'count')\n      budget: u")
    )
    assert resolved is None
    assert [found.code for found in diagnostics if found.severity is Severity.ERROR] == ["circle"]


# --- any rules of these kinds, together ----------------------------------------------------------------------

COMPARED = ["amount", "case_sk.budget", "case_sk.budget * 0.5", "250", "900"]
ROWS = st.builds(
    lambda left, sign, right, more: f"{left} {sign} {right} or {more}",
    st.sampled_from(COMPARED),
    st.sampled_from(["<", ">="]),
    st.sampled_from(COMPARED),
    st.sampled_from(
        ["adjuster = 'ann'", "case_sk.status = 'open'", "person_sk.joined < made_at", "dayofweek(made_at) = 1"]
    ),
)
DEPENDS = st.sampled_from([["person_sk"], ["adjuster"], ["person_sk", "adjuster"]])
SHARES = st.tuples(st.floats(0.05, 0.4), st.floats(0.1, 0.6)).map(
    lambda pair: (round(pair[0] + pair[1] * 0.9, 3), round(pair[0], 3))
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(rows=st.lists(ROWS, max_size=2), depends=DEPENDS, shares=SHARES, driven=st.booleans())
def test_ten_thousand_rows_keep_any_rules(schema, rows, depends, shares, driven):
    share, of = shares
    # What a case decides is not drawn again, so that rules over rows must leave it alone.
    rows = [text for text in rows if not any(name in text for name in depends)]
    rules = [("facts", f'row(\\"{text}\\")') for text in rows]
    rules.append(("facts", f"depends('case_sk', {depends})"))
    concentrated = "case_sk" not in " ".join(rows)
    if concentrated:
        rules.append(("facts", f"concentration('case_sk', share={share}, of={of})"))
    facts = "per cases, poisson(20)" if driven and not rows else "10000"
    resolved = resolve_text(schema, plan(*rules, facts=facts))
    world = World(resolved)
    facts_made, cases, people = (make(resolved, name, world=world).to_pandas() for name in ("facts", "cases", "people"))
    assert len(facts_made) > 9_000
    assert (facts_made.groupby("case_sk")[depends].nunique() == 1).all().all()
    if concentrated:
        assert abs(top_share(facts_made.case_sk, 501, of) - share) < 0.03 + 0.05 * (share - of < 0.15)
    all_of_it = facts_made.merge(cases, on="case_sk").merge(people, on="person_sk")
    connection = duckdb.connect()
    connection.register("rows", pa.Table.from_pandas(all_of_it))
    for text in rows:
        plain = text.replace("case_sk.", "").replace("person_sk.", "")
        assert connection.execute(f"select count(*) from rows where not ({plain})").fetchone() == (0,)


LIVES = """
seeds:
  - name: claims
    columns: [{name: claim_id}, {name: status}, {name: opened, data_type: timestamp}]
  - name: payments
    columns:
      - {name: payment_id}
      - {name: claim_id}
      - {name: paid_on, data_type: date}
      - {name: amount, data_type: "numeric(12,2)"}
"""
LIVED = """
tables:
  claims:
    rows: {claims}
    lifecycle: {{initial: open, transitions: {{open: {{closed: 1}}}}, dwell: {{open: {{fixed: {life}}}}}}}
    columns: {{claim_id: sequence(), status: "lifecycle('claims', 'state')", opened: "lifecycle('claims', 'started')"}}
  payments:
    rows: per claims, {payments}
    columns:
      payment_id: sequence()
      claim_id: foreign_key('claims')
      paid_on: during('claims')
      amount: uniform(1, 100)
rules:
  - {{says: Nobody pays on weekends, table: payments, rule: row('{rule}')}}
  - {{says: Nobody pays little, table: payments, rule: row('amount > 20')}}
"""
WORKING_DAY = "isodow(paid_on) <= 5"


def lived(life, rule=WORKING_DAY, payments="poisson(2)", claims=3_000):
    return LIVED.format(life=life, rule=rule, payments=payments, claims=claims)


def days_of(payments):
    """By payment, days since 1970."""
    return dict(zip(payments["payment_id"].to_pylist(), payments["paid_on"].cast(pa.int32()).to_pylist(), strict=True))


def test_a_moment_during_a_life_is_drawn_again(tmp_path):
    schema, plan = schema_from(tmp_path, LIVES), lived("40d")
    found = make(resolve_text(schema, plan), "payments")
    free = make(resolve_text(schema, plan.partition("rules:")[0]), "payments")
    assert found.num_rows > 2_000
    before, after = days_of(free), days_of(found)
    assert {(day + 3) % 7 for day in after.values()} == set(range(5)), "1970-01-01 was a Thursday"
    # What did not break the rule stays as it was.
    assert sum(before.get(key) == day for key, day in after.items()) > 0.6 * len(after)


@pytest.mark.parametrize("life", ["30h", "1h"])
def test_a_life_without_a_working_day_has_no_payment(tmp_path, life):
    schema = schema_from(tmp_path, LIVES)
    resolved = resolve_text(schema, lived(life))
    found, free = make(resolved, "payments"), make(resolve_text(schema, lived(life, "paid_on is not null")), "payments")
    assert "left out" in resolved.table("payments").promises.rules[0].how
    assert all((day + 3) % 7 < 5 for day in days_of(found).values())
    claims = make(resolved, "claims").to_pandas().set_index("claim_id").opened
    lost = free.to_pandas().set_index("payment_id").drop(index=found["payment_id"].to_pylist())
    shares = np.linspace(0, 1, 500, endpoint=False)
    moments = claims[lost.claim_id].to_numpy()[:, None] + (shares * 3600 * int(life[:-1])).astype("timedelta64[s]")
    working = (moments.astype("datetime64[D]").astype(int) + 3) % 7 < 5
    assert len(lost) > 100
    # Minutes of a working day may be missed by all attempts.
    assert working.mean(axis=1).max() < 0.05
    assert len(lost) < 0.45 * free.num_rows


def test_rules_that_share_a_rare_moment_hold_together(tmp_path):
    schema = schema_from(tmp_path, LIVES)
    text = (
        lived("30h") + "  - {says: Much on Mondays, table: payments, rule: row('isodow(paid_on) > 1 or amount > 80')}\n"
    )
    rows = make(resolve_text(schema, text), "payments").to_pandas()
    day = np.array([date.isoweekday() for date in rows.paid_on])
    assert len(rows) > 4_000
    assert (day <= 5).all()
    assert ((day > 1) | (rows.amount.astype(float) > 80)).all()


def test_rows_that_are_left_out_are_so_in_every_run(tmp_path, elsewhere):
    schema, plan = schema_from(tmp_path, LIVES), lived("1h", claims=200)
    resolved = resolve_text(schema, plan)
    found = make(resolved, "payments")
    assert make(resolved, "payments", batch_rows=97, workers=elsewhere).equals(found)
    grown = make(resolve_text(schema, plan, scale=3), "payments")
    assert grown.slice(0, found.num_rows).equals(found)
    later = make(resolve_text(schema, plan, as_of=dt.date(2026, 3, 31)), "payments")
    assert later.slice(0, found.num_rows).equals(found)
    assert later.num_rows > found.num_rows


@pytest.mark.parametrize(
    ("life", "payments", "rule", "said"),
    [
        ("1h", "poisson(2, min=1)", WORKING_DAY, '"Nobody pays on weekends"'),
        ("40d", "poisson(2)", "isodow(paid_on) > 7", '"Nobody pays on weekends"'),
        ("1h", "poisson(2)", "isodow(paid_on) <= 5 and amount > 200", '"Nobody pays on weekends"'),
    ],
)
def test_rows_that_have_to_be_there_are_not_left_out(tmp_path, life, payments, rule, said):
    rules = {"business_rules.md": "# Rules\n\nOf payments:\n\n- Nobody pays on weekends\n- Nobody pays little\n"}
    schema = schema_from(tmp_path, LIVES, **rules)
    resolved = resolve_text(schema, lived(life, rule, payments, claims=200))
    with pytest.raises(GenerationError) as refused:
        make(resolved, "payments")
    (found,) = refused.value.diagnostics
    assert said in found.message
    assert "of business_rules.md:5" in found.message
    assert (found.code, str(found.location)) == ("rule-not-met", "seedbed.yml:19:5")


def test_rules_that_share_nothing_do_not_change_each_others_values(tmp_path):
    schema = schema_from(tmp_path, LIVES)
    both, one = (
        make(resolve_text(schema, lived("40d", rule)), "payments").to_pandas().set_index("payment_id")
        for rule in (WORKING_DAY, "paid_on is not null")
    )
    kept = both.index.intersection(one.index)
    assert len(kept) > 0.9 * len(both)
    assert both.amount[kept].equals(one.amount[kept])
    assert not both.paid_on[kept].equals(one.paid_on[kept])

"""Entries are tried out: what is left after the wrong ones are gone can always be carried out."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_plans import CASES, shop
from seedbed.authoring.llm.trial import MOST_ROWS, expected_rows, keep_what_holds, path_of, problems_of, put_in
from seedbed.errors import Diagnostic
from seedbed.plan.generators import parse_generator
from seedbed.plan.spec import Author, ColumnEntry, FixedRows, Plan, RowsPer, parse_rows

COLUMNS = [
    ("customers", "grp"),
    ("customers", "happiness"),
    ("orders", "outcome"),
    ("orders", "amount"),
    ("orders", "blurb"),
]
GENERATORS = """
choice(['won', 'lost'])
choice(['a', 'b'], null=0.2)
normal(5, 2, decimals=0, min=0, max=10)
integer(0, 99)
fake('word')
sql('amount * 2')
sql('length(blurb)')
sql('outcome || blurb')
sql('customer_id.happiness')
copy('customer_id.grp')
template('{blurb} {outcome}')
template('{grp}')
after('amount', median='2d')
choice_by('outcome', {'won': {'x': 1}})
choice_by('outcome', {'won': {1: 1}}, otherwise={2: 1})
rollup('orders', 'sum', 'amount')
rollup('orders', 'count')
constant(null)
boolean(0.5)
sql('nowhere')
""".strip().splitlines()
ROWS = {
    "customers": ["3", "900000", "per orders, poisson(2)", "per nothing, poisson(2)", "per customers"],
    "orders": ["7", "per customers, poisson(2)", "per customers, poisson(900)", "per customers where happiness > 3"],
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("shop"))


def entry(text):
    return ColumnEntry(generator=parse_generator(text), by=Author.LLM)


def proposals():
    columns = st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(GENERATORS).map(entry))
    counts = {(table, None): st.sampled_from(said).map(parse_rows) for table, said in ROWS.items()}
    rows = st.fixed_dictionaries({}, optional=counts)
    return st.builds(lambda one, other: {**one, **other}, columns, rows)


@given(proposals())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_can_be_carried_out(planned, entries):
    schema, plan = planned
    held, rejected = keep_what_holds(schema, plan, entries)
    assert set(held) | set(rejected) == set(entries)
    assert not set(held) & set(rejected)
    tried = put_in(plan, held)
    assert problems_of(schema, tried) == []
    assert max(expected_rows(tried).values()) <= MOST_ROWS
    whole = put_in(plan, entries)
    if max(expected_rows(whole).values()) <= MOST_ROWS and problems_of(schema, whole) == []:
        assert held == entries, "nothing is thrown away for nothing"


def test_one_wrong_entry_takes_no_other_with_it(planned):
    schema, plan = planned
    good = {place: entry(CASES["good"][place[0]]["columns"][place[1]]) for place in COLUMNS}
    for place in COLUMNS:
        _, rejected = keep_what_holds(schema, plan, {**good, place: entry("sql('nowhere')")})
        assert set(rejected) == {place}
        assert rejected[place].location.path == path_of(place)


@pytest.mark.parametrize("turn", range(len(COLUMNS)))
def test_an_entry_that_breaks_a_column_beside_it_is_found(planned, turn):
    """The message names the other column, which nobody proposed; wherever the culprit stands among the entries."""
    schema, plan = planned
    customers = plan.tables["customers"]
    columns = {
        **customers.columns,
        "grp": entry("choice(['small'])"),
        "email": entry("choice_by('grp', {'small': {'shop@example.com': 1}})"),
    }
    customers = customers.model_copy(update={"columns": columns})
    plan = plan.model_copy(update={"tables": {**plan.tables, "customers": customers}})
    order = COLUMNS[turn:] + COLUMNS[:turn]
    entries = {place: entry(CASES["good"][place[0]]["columns"][place[1]]) for place in order}
    held, rejected = keep_what_holds(schema, plan, entries)
    assert set(rejected) == {("customers", "grp")}
    assert rejected["customers", "grp"].code == "missing-case"
    assert set(held) == set(COLUMNS) - set(rejected)


def test_what_fails_when_rows_are_made_is_found(planned):
    """The proof says what is wrong with the whole, and no more."""
    schema, plan = planned
    entries = {place: entry(CASES["good"][place[0]]["columns"][place[1]]) for place in COLUMNS}

    def proof(resolved, tables):
        assert tables == {"customers", "orders"}
        found = resolved.table("orders").column("amount").generator.kind == "lognormal"
        return [Diagnostic("cannot-be-made", "it burst")] if found else []

    plan = put_in(plan, {("orders", "amount"): entry("normal(5, 1)")})
    held, rejected = keep_what_holds(schema, plan, entries, proof)
    assert set(rejected) == {("orders", "amount")}
    assert set(held) == set(COLUMNS) - set(rejected)


def test_entries_keep_what_they_vary_by(planned):
    _, plan = planned
    orders = plan.tables["orders"]
    varying = orders.columns["blurb"].model_copy(update={"varies_by": "customer_id"})
    orders = orders.model_copy(update={"columns": {**orders.columns, "blurb": varying}})
    plan = plan.model_copy(update={"tables": {**plan.tables, "orders": orders}})
    put = put_in(plan, {("orders", "blurb"): entry("fake('city')")}).tables["orders"]
    assert put.columns["blurb"].varies_by == "customer_id"
    assert (put.by, put.columns["blurb"].by, put.columns["amount"].by) == (Author.BASELINE, Author.LLM, None)


def test_a_table_whose_rows_an_llm_decides_still_tells_who_wrote_its_columns(planned):
    _, plan = planned
    put = put_in(plan, {("orders", None): FixedRows(count=5), ("orders", "blurb"): entry("fake('city')")})
    assert put.author("orders") is Author.LLM
    assert put.author("orders", "blurb") is Author.LLM
    assert put.author("orders", "amount") is Author.BASELINE


def test_expected_rows_follow_from_parents():
    rows = {
        "a": "10",
        "b": "per A, poisson(mean=3)",
        "c": "per b, choice({0: 1, 4: 1})",
        "d": "per d",
        "e": "per missing",
    }
    plan = Plan.model_validate(
        {"start": "2024-01-01", "as_of": "2025-01-01", "tables": {name: {"rows": said} for name, said in rows.items()}}
    )
    assert isinstance(plan.tables["b"].rows, RowsPer)
    assert expected_rows(plan) == {"a": 10, "b": 30, "c": 60, "d": 0, "e": 0}

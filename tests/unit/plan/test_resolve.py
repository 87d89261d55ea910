"""What a plan leaves open is settled; what cannot be is reported, with where and what to do."""

import datetime as dt

import pytest

from seedbed.errors import Severity
from seedbed.plan.resolved import Covering, Driving, Fixed, OneToOne, PerParent
from worlds import resolve_text, schema_from, seeds, try_resolve, values

SHOP = seeds(
    customers="id integer unique not_null, country varchar, email varchar unique",
    orders="id integer unique not_null, customer_id integer, status varchar, total decimal(10,2), placed_on date",
)
PLAN = """
tables:
  customers: {rows: 10, columns: {id: sequence(), country: "choice(['DE', 'SE'])", email: "fake('email', unique=true)"}}
  orders:
    rows: "ROWS"
    columns:
      id: sequence()
      customer_id: KEY
      status: STATUS
      total: TOTAL
      placed_on: PLACED
"""
GOOD = {
    "ROWS": "per customers, poisson(mean=2)",
    "KEY": "foreign_key('customers')",
    "STATUS": "choice(['open', 'paid'])",
    "TOTAL": "lognormal(100, 0.5)",
    "PLACED": "date('2024-01-01', '2025-12-31')",
}


def plan_with(**changes):
    text = PLAN
    for name, good in GOOD.items():
        text = text.replace(name, changes.get(name, good))
    return text


@pytest.fixture
def shop(tmp_path):
    return schema_from(tmp_path, SHOP)


def test_a_good_plan_has_no_problem(shop):
    resolved, diagnostics = try_resolve(shop, plan_with())
    assert not diagnostics
    rows = resolved.table("orders").rows
    assert isinstance(rows, PerParent)
    assert rows.dense
    assert isinstance(resolved.table("orders").reference("customer_id").finding, Driving)


@pytest.mark.parametrize(
    ("changes", "code", "speaks_of"),
    [
        ({"KEY": "foreign_key('customer')"}, "unknown-parent", ["customer", "did you mean customers?"]),
        ({"KEY": "foreign_key('customers', 'idd')"}, "unknown-column", ['no column "idd"', "did you mean id?"]),
        ({"ROWS": "per custmers"}, "unknown-parent", ["custmers", "did you mean customers?"]),
        ({"ROWS": "per orders"}, "rows-per-itself", ["give it a number"]),
        ({"TOTAL": "sql('totl + 1')"}, "invalid-sql", ["totl"]),
        ({"TOTAL": "sql('(select 1)')"}, "invalid-sql", ["subquer"]),
        ({"TOTAL": "after('plced_on', median='2d')"}, "unknown-column", ["plced_on", "placed_on"]),
        ({"TOTAL": "copy('customer_id.contry')"}, "unknown-column", ["contry", "country"]),
        ({"TOTAL": "fake('city')"}, "wrong-type", ["makes text"]),
        ({"PLACED": "after('placed_on', median='2d')"}, "circle", ["orders.placed_on needs orders.placed_on"]),
        ({"TOTAL": "sql('1', when=\"status\")"}, "invalid-sql", ["true or false"]),
        ({"ROWS": "per customers where contry = 'DE'"}, "invalid-sql", ["contry"]),
        ({"STATUS": "template('{custmer_id}')"}, "unknown-column", ["custmer_id"]),
    ],
)
def test_a_fault_is_reported_with_what_to_do(shop, changes, code, speaks_of):
    resolved, diagnostics = try_resolve(shop, plan_with(**changes))
    errors = [found for found in diagnostics if found.severity is Severity.ERROR]
    assert resolved is None
    assert {found.code for found in errors} == {code}
    assert all(part in str(errors[0]) for part in speaks_of), str(errors[0])
    assert errors[0].location.file == "seedbed.yml"
    assert errors[0].location.line


def test_all_faults_are_reported_together(shop):
    _, diagnostics = try_resolve(shop, plan_with(KEY="foreign_key('x')", PLACED="after('y', median='1d')"))
    assert len(diagnostics) >= 1
    _, diagnostics = try_resolve(shop, plan_with(TOTAL="sql('a')", STATUS="copy('customer_id.b')"))
    assert [found.code for found in diagnostics] == ["unknown-column", "invalid-sql"]


@pytest.mark.parametrize(
    ("properties", "columns", "code"),
    [
        ("id integer unique", "integer(1, 9)", "not-unique"),
        ("id integer not_null", "integer(1, 9, null=0.1)", "nulls-forbidden"),
        ("id integer not_null", "constant(null)", "nulls-forbidden"),
        ("id varchar(20) unique", "uuid()", "too-long"),
    ],
)
def test_what_cannot_be_promised_is_refused(tmp_path, properties, columns, code):
    schema = schema_from(tmp_path, seeds(t=properties))
    _, diagnostics = try_resolve(schema, f'tables: {{t: {{rows: 5, columns: {{id: "{columns}"}}}}}}')
    assert [found.code for found in diagnostics] == [code]


def test_accepted_values_and_ranges_are_held_against_the_plan(tmp_path):
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - name: t
            columns:
              - name: status
                data_tests: [{accepted_values: {arguments: {values: [open, closed]}}}]
              - name: share
                data_type: decimal(5,2)
                data_tests: [{dbt_utils.accepted_range: {arguments: {min_value: 0, max_value: 100}}}]
        """,
    )
    _, diagnostics = try_resolve(
        schema, "tables: {t: {rows: 5, columns: {status: \"choice(['open', 'shut'])\", share: 'normal(50, 40)'}}}"
    )
    assert {found.code for found in diagnostics} == {"not-accepted", "out-of-range"}
    assert "the plan makes shut" in "\n".join(map(str, diagnostics))


def test_a_table_or_column_without_a_plan_is_named(shop):
    _, diagnostics = try_resolve(shop, "tables: {customers: {rows: 3, columns: {id: sequence(), nam: sequence()}}}")
    text = "\n".join(map(str, diagnostics))
    assert 'the plan says nothing about the table "orders"' in text
    assert "customers.country" in text
    assert "unknown-column" in text


def test_rows_can_be_replaced_and_scaled_but_not_where_they_follow(shop):
    resolved = resolve_text(shop, plan_with(), rows={"customers": 25})
    assert resolved.table("customers").rows == Fixed(25, 10)
    assert resolve_text(shop, plan_with(), scale=2.5).table("customers").rows == Fixed(25, 10)
    _, diagnostics = try_resolve(shop, plan_with(), rows={"orders": 5})
    assert [found.code for found in diagnostics] == ["rows-follow"]
    assert "ask for rows of customers instead" in str(diagnostics[0])
    _, diagnostics = try_resolve(shop, plan_with(), rows={"custommers": 5})
    assert [found.code for found in diagnostics] == ["unknown-table"]


def test_an_earlier_as_of_date_is_refused(shop):
    _, diagnostics = try_resolve(shop, plan_with(), as_of=dt.date(2024, 6, 1))
    assert [found.code for found in diagnostics] == ["as-of-too-early"]


def test_selection_only_decides_what_is_written(shop):
    resolved = resolve_text(shop, plan_with(), select={"orders"})
    assert [(table.name, table.written) for table in resolved] == [("customers", False), ("orders", True)]


def test_declared_numbers_of_children_are_met_by_construction(tmp_path):
    schema = schema_from(
        tmp_path,
        seeds(a="id integer unique", b="id integer unique, a_id integer", c="id integer unique, a_id integer"),
        **{"model.mmd": "erDiagram\n  a ||--|{ b : a_id\n  a ||--o| c : a_id\n"},
    )
    plan = """
    tables:
      a: {rows: 10, columns: {id: sequence()}}
      b: {rows: 30, columns: {id: sequence(), a_id: foreign_key('a')}}
      c: {rows: 5, columns: {id: sequence(), a_id: foreign_key('a')}}
    """
    resolved = resolve_text(schema, plan)
    assert resolved.table("b").reference("a_id").finding == Covering(1, None)
    assert resolved.table("c").reference("a_id").finding == OneToOne()
    _, diagnostics = try_resolve(schema, plan.replace("rows: 30", 'rows: "per a, poisson(mean=2)"'))
    assert [found.code for found in diagnostics] == ["too-few-children"]
    _, diagnostics = try_resolve(schema, plan.replace("rows: 5", 'rows: "per a, integer(0, 2)"'))
    assert [found.code for found in diagnostics] == ["too-many-children"]


def test_keys_that_must_not_be_null_in_a_circle_are_warned_about(tmp_path):
    schema = schema_from(tmp_path, seeds(a="id integer unique, b_id integer", b="id integer unique, a_id integer"))
    plan = """
    tables:
      a: {rows: 10, columns: {id: sequence(), b_id: foreign_key('b')}}
      b: {rows: 10, columns: {id: sequence(), a_id: foreign_key('a')}}
    """
    resolved, diagnostics = try_resolve(schema, plan)
    assert resolved is not None
    assert [(found.code, found.severity) for found in diagnostics] == [("key-circle", Severity.WARNING)]


def test_a_documented_seed_keeps_the_case_of_its_name(tmp_path):
    """dbt finds a seed's properties by the name of its file, letter for letter."""
    schema = schema_from(
        tmp_path, seeds(Pupils="id"), **{"models/erd.mmd": "erDiagram\n  CLASS {\n    int id PK\n  }\n"}
    )
    resolved = resolve_text(
        schema, "tables: {Pupils: {rows: 2, columns: {id: sequence()}}, CLASS: {rows: 2, columns: {id: sequence()}}}"
    )
    assert [table.file for table in resolved] == ["Pupils", "class"]


def test_a_name_and_an_address_of_one_person_agree_however_columns_are_spelled(tmp_path):
    properties = """
        version: 2
        seeds:
          - name: employees
            columns: [{name: First Name}, {name: last_name}, {name: work_email}, {name: E-Mail}, {name: Guardian Email},
                      {name: employee_username}]
    """
    plan = """
        tables:
          employees:
            rows: 20
            columns:
              First Name: fake('first_name')
              last_name: fake('last_name')
              work_email: fake('email', unique=true)
              E-Mail: fake('email')
              Guardian Email: fake('email')
              employee_username: fake('username')
    """
    rows = values(resolve_text(schema_from(tmp_path, properties), plan), "employees")
    names = list(zip(rows["First Name"], rows["last_name"], strict=True))
    assert [mail.split("@")[0] for mail in rows["work_email"]] == [f"{a}.{b}".lower() for a, b in names]
    assert rows["employee_username"] == [f"{a}_{b}".lower() for a, b in names]
    assert not set(rows["Guardian Email"]) & set(rows["work_email"])


def test_a_date_table_goes_on_with_a_later_as_of_date(tmp_path):
    schema = schema_from(tmp_path, seeds(days="date_key integer unique, name varchar"))
    plan = """
    tables:
      days:
        rows: "dates('2024-01-01', '2025-12-31')"
        columns: {date_key: "calendar('key')", name: "calendar('day_name')"}
    """
    assert resolve_text(schema, plan).table("days").rows.count == 731
    assert resolve_text(schema, plan, as_of=dt.date(2026, 2, 1)).table("days").rows.count == 731 + 365
    past = plan.replace("2025-12-31", "2024-12-31")
    assert resolve_text(schema, past, as_of=dt.date(2026, 2, 1)).table("days").rows.count == 366

"""How rows find the rows that their foreign keys refer to."""

from collections import Counter

import pytest

from seedbed.engine.world import World
from seedbed.errors import GenerationError
from worlds import make, resolve_text, schema_from, seeds, try_resolve, values


@pytest.fixture
def shop(tmp_path):
    return schema_from(
        tmp_path,
        seeds(
            customers="id integer unique not_null, name varchar",
            orders="id integer unique not_null, customer_id integer, total decimal(10,2)",
            lines="id integer unique not_null, order_id integer, line_no integer, price decimal(10,2)",
        ),
    )


ORDERS = """
tables:
  customers: {rows: 200, columns: {id: sequence(), name: fake('full_name')}}
  orders:
    rows: "per customers, poisson(mean=3)"
    columns: {id: sequence(), customer_id: foreign_key('customers'), total: "rollup('lines', 'sum', 'price')"}
  lines:
    rows: "per orders, poisson(mean=2, min=1, max=5)"
    columns: {id: sequence(), order_id: foreign_key('orders'), line_no: ordinal(), price: "uniform(1, 100)"}
"""


def test_driven_rows_belong_to_their_parents_in_order(shop):
    resolved = resolve_text(shop, ORDERS)
    customers, orders, lines = (values(resolved, name) for name in ("customers", "orders", "lines"))
    assert customers["id"] == list(range(1, 201))
    assert orders["id"] == list(range(1, len(orders["id"]) + 1))
    assert orders["customer_id"] == sorted(orders["customer_id"])
    assert set(orders["customer_id"]) <= set(customers["id"])
    per_order = Counter(lines["order_id"])
    assert set(per_order) == set(orders["id"])
    assert max(per_order.values()) <= 5
    expected = [number for order in orders["id"] for number in range(1, per_order[order] + 1)]
    assert lines["line_no"] == expected


def test_a_rollup_is_the_sum_of_the_children(shop):
    resolved = resolve_text(shop, ORDERS)
    orders, lines = values(resolved, "orders"), values(resolved, "lines")
    sums = Counter()
    for order, price in zip(lines["order_id"], lines["price"], strict=True):
        sums[order] += price
    assert orders["total"] == [sums[order] for order in orders["id"]]


def test_rows_of_a_driven_table_can_be_picked_in_any_order(shop):
    resolved = resolve_text(shop, ORDERS)
    world = World(resolved)
    table = resolved.table("lines")
    whole = make(resolved, "lines").to_pydict()
    numbers = pytest.importorskip("numpy").array([500, 3, 0, 77, 500])
    picked = world.pick(table, numbers).batch().to_pydict()
    assert picked == {name: [column[i] for i in numbers] for name, column in whole.items()}


def test_minimum_and_maximum_children_hold_beside_another_driver(tmp_path):
    schema = schema_from(
        tmp_path,
        seeds(a="id integer unique", b="id integer unique", c="id integer unique, a_id integer, b_id integer"),
    )
    resolved = resolve_text(
        schema,
        """
        tables:
          a: {rows: 50, columns: {id: sequence()}}
          b: {rows: 40, columns: {id: sequence()}}
          c:
            rows: "per a, integer(1, 3)"
            columns: {id: sequence(), a_id: foreign_key('a'), b_id: "foreign_key('b', min=1, max=4)"}
        """,
    )
    per_b = Counter(values(resolved, "c")["b_id"])
    assert set(per_b) == set(range(1, 41))
    assert max(per_b.values()) <= 4
    too_few = resolve_text(
        schema,
        """
        tables:
          a: {rows: 5, columns: {id: sequence()}}
          b: {rows: 40, columns: {id: sequence()}}
          c: {rows: per a, columns: {id: sequence(), a_id: foreign_key('a'), b_id: "foreign_key('b', min=1, max=4)"}}
        """,
    )
    with pytest.raises(GenerationError, match="each row of b is to have 1 to 4 rows of c, but there are 5 for 40"):
        make(too_few, "c")


def test_pairs_of_a_bridge_are_unique(tmp_path):
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - name: students
            columns: [{name: id, data_type: integer, data_tests: [unique]}]
          - name: courses
            columns: [{name: id, data_type: integer, data_tests: [unique]}]
          - name: enrolments
            data_tests:
              - dbt_utils.unique_combination_of_columns:
                  arguments: {combination_of_columns: [student_id, course_id]}
            columns: [{name: student_id, data_type: integer}, {name: course_id, data_type: integer}]
        """,
    )
    plan = """
    tables:
      students: {rows: 300, columns: {id: sequence()}}
      courses: {rows: 12, columns: {id: "sequence(100, 10)"}}
      enrolments:
        rows: "per students, poisson(mean=4, max=12)"
        columns: {student_id: foreign_key('students'), course_id: "foreign_key('courses', distinct=true)"}
    """
    rows = values(resolve_text(schema, plan), "enrolments")
    pairs = list(zip(rows["student_id"], rows["course_id"], strict=True))
    assert len(pairs) == len(set(pairs)) > 1000
    assert set(rows["course_id"]) == set(range(100, 220, 10))
    _, diagnostics = try_resolve(schema, plan.replace(", distinct=true", ""))
    assert [found.code for found in diagnostics] == ["not-unique"]


def test_a_tree_has_roots_and_no_circle(tmp_path):
    schema = schema_from(tmp_path, seeds(staff="id integer unique, manager_id integer"))
    resolved = resolve_text(
        schema,
        "tables: {staff: {rows: 500, columns: {id: sequence(), manager_id: \"foreign_key('staff', roots=3)\"}}}",
    )
    rows = values(resolved, "staff")
    assert rows["manager_id"][:3] == [None] * 3
    assert all(manager < employee for employee, manager in list(zip(*rows.values(), strict=True))[3:])


def test_composite_keys_travel_together(tmp_path):
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - name: sites
            config: {meta: {seedbed: {primary_key: [country, site_no]}}}
            columns: [{name: country, data_type: varchar}, {name: site_no, data_type: integer}]
          - name: visits
            config:
              meta:
                seedbed:
                  foreign_keys: [{columns: [country, site_no], to: sites, to_columns: [country, site_no]}]
            columns:
              - {name: id, data_type: integer, data_tests: [unique]}
              - {name: country, data_type: varchar}
              - {name: site_no, data_type: integer}
        """,
    )
    resolved = resolve_text(
        schema,
        """
        tables:
          sites: {rows: 30, columns: {country: "choice(['DE', 'SE'])", site_no: sequence()}}
          visits:
            rows: 400
            columns:
              id: sequence()
              country: foreign_key('sites', 'country')
              site_no: foreign_key('sites', 'site_no')
        """,
    )
    sites, visits = values(resolved, "sites"), values(resolved, "visits")
    known = set(zip(sites["country"], sites["site_no"], strict=True))
    assert set(zip(visits["country"], visits["site_no"], strict=True)) <= known
    assert len(set(visits["site_no"])) > 25


def test_what_varies_by_an_entity_agrees_wherever_it_appears(tmp_path):
    schema = schema_from(
        tmp_path,
        seeds(
            cases="id integer unique, person_id integer",
            persons="id integer unique",
            events="id integer unique, case_id integer, person_id integer, channel varchar",
        ),
    )
    resolved = resolve_text(
        schema,
        """
        tables:
          persons: {rows: 40, columns: {id: sequence()}}
          cases: {rows: 100, columns: {id: sequence(), person_id: foreign_key('persons')}}
          events:
            rows: 2000
            columns:
              id: sequence()
              case_id: foreign_key('cases')
              person_id: {generator: foreign_key('persons'), varies_by: case_id}
              channel: {generator: "choice(['web', 'mail', 'desk'])", varies_by: case_id}
        """,
    )
    cases, events = values(resolved, "cases"), values(resolved, "events")
    person_of = dict(zip(cases["id"], cases["person_id"], strict=True))
    assert all(person_of[case] == person for case, person in zip(events["case_id"], events["person_id"], strict=True))
    channels = {}
    for case, channel in zip(events["case_id"], events["channel"], strict=True):
        assert channels.setdefault(case, channel) == channel
    assert len(set(channels.values())) == 3


def test_hand_written_seeds_are_referred_to(tmp_path):
    schema = schema_from(
        tmp_path,
        seeds(addresses="id integer unique, country_code varchar, country varchar"),
        **{"seeds/countries.csv": "code,name\nDE,Germany\nSE,Sweden\nNO,Norway\n"},
    )
    resolved = resolve_text(
        schema,
        """
        tables:
          addresses:
            rows: 60
            columns:
              id: sequence()
              country_code: foreign_key('countries', 'code')
              country: copy('country_code.name')
        """,
    )
    rows = values(resolved, "addresses")
    pairs = set(zip(rows["country_code"], rows["country"], strict=True))
    assert pairs == {("DE", "Germany"), ("SE", "Sweden"), ("NO", "Norway")}
    assert [table.name for table in resolved if table.written] == ["addresses"]

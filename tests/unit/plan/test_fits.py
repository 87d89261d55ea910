"""What a plan cannot mean is refused with what to do; whatever is not refused can be generated."""

import pytest

from seedbed.errors import GenerationError, Severity
from seedbed.plan.kinds import KINDS
from seedbed.schema import TypeKind, parse_data_type
from worlds import make, resolve_text, schema_from, seeds, try_resolve, values

TYPES = (
    "integer", "smallint", "bigint", "decimal(12,2)", "decimal(38,0)", "double", "boolean", "varchar", "date",
    "timestamp", "timestamptz", "time", "uuid", "json", "binary",
)  # fmt: skip
GENERATORS = (
    "constant(null)", "constant(1)", "constant(1.5)", "constant(true)", "constant('x')", "constant('12')",
    "constant('2024-01-31')", "constant('12:30:00')", "constant('{}')", "sequence()", "uuid()", "hash_key()",
    "pattern('K{n}')",
    "pattern('{yyyy}-{n}', of='at', when='n > 3')",
    "each([1, 2])", "each(['a', 'b'])", "choice([1, 2.5])", "choice(['1', '2'])", "choice([true])",
    "choice(['2024-01-01 10:00:00'])", "choice_by('word', {'a': {1: 1}, 'b': {2: 1}})",
    "choice_by('word', {'a': {'x': 1}, 'b': {2: 1}})", "integer(0, 9)", "uniform(0, 9)", "uniform(0, 9, decimals=0)",
    "normal(5, 1)", "lognormal(5, 1)", "exponential(5)", "poisson(3)", "zipf(1.2, 9)", "boolean(0.5)",
    "date('2024-01-01', '2024-12-31')", "timestamp('2024-01-01', '2024-12-31')", "time('08:00', '17:59:59')",
    "empirical([0, 1, 9])", "case_by('word', {'a': integer(0, 9), 'b': uniform(0, 9)})",
    "case_by('word', {'a': date('2024-01-01', '2024-12-31'), 'b': after('at', median='2h')})",
    "case_by('word', {'a': constant('12'), 'b': choice([1, 2])})",
    "case_by('word', {'a': boolean(0.5)}, otherwise=constant(null))",
    "fake('city')", "fake('latitude')",
    "template('{word}-{n}')", "sql('n + 1')", "sql('word')", "sql('day')", "sql('n / 3')", "sql('n > 3')", "sql('1')",
    "copy('case_id.n')", "copy('case_id.word')", "copy('case_id.state')", "copy('case_id.begun')",
    "after('day', median='2d')", "after('at', median='2h')", "calendar('key', of='day')", "calendar('year', of='at')",
    "calendar('is_weekend', of='day')", "calendar('month_name', of='at')", "calendar('date', of='at')",
    "calendar('text', of='day')", "ordinal()", "rollup('notes', 'count')", "rollup('notes', 'sum', 'size')",
    "rollup('notes', 'mean', 'size')", "rollup('notes', 'max', 'day')", "rollup('notes', 'sum', 'word')",
    "rollup('notes', 'min', 'fine')", "foreign_key('cases', 'id')", "foreign_key('cases', 'n')",
    "date_key('days', 'day')", "version('steps', 'at2')", "during('steps')", "lifecycle('steps', 'state')",
    "pool('remarks', by=['word'])", "pool('nothing')",
    "changed_at('at')", "loaded_at()", "deleted_at()", "is_deleted()",
)  # fmt: skip
PROPERTIES = seeds(
    days="day integer unique",
    cases="id integer unique, n integer, word varchar, state varchar, begun timestamp",
    steps="id integer unique, case_id integer, state varchar, since timestamp",
    facts="id bigint unique, case_id integer, n integer, word varchar, day date, at timestamp, at2 timestamp, x TYPE",
    notes="id bigint unique, fact_id bigint, size decimal(10,2), day date, word varchar, fine boolean",
)
POOL = {"seedbed/pools/remarks.jsonl": '{"stratum": {"word": "a"}, "text": "Case {n}"}\n{"text": "on {day}"}\n'}
PLAN = """
tables:
  days: {rows: "dates('2020-01-01', '2030-12-31')", columns: {day: calendar('key')}}
  cases:
    rows: 20
    columns:
      id: sequence()
      n: integer(1, 99)
      word: choice(['a', 'b'])
      state: lifecycle('steps', 'state')
      begun: lifecycle('steps', 'started')
  steps:
    history: {entity: case_id, state: state, valid_from: since, transitions: {new: {done: 1}}, initial: new}
    columns: {id: sequence(), case_id: foreign_key('cases')}
  facts:
    rows: per cases, constant(3)
    deletes: {share: 0.3, delay: 5d, of: at}
    columns:
      id: sequence()
      case_id: foreign_key('cases')
      n: integer(0, 9)
      word: choice(['a', 'b'])
      day: date('2024-01-01', '2025-12-31')
      at: timestamp('2024-01-01', '2025-12-31')
      at2: timestamp('2024-01-01', '2025-12-31')
      x: "GENERATOR"
  notes:
    rows: per facts, integer(0, 2)
    columns:
      id: sequence()
      fact_id: foreign_key('facts')
      size: uniform(1, 9)
      day: date('2024-01-01', '2025-12-31')
      word: choice(['a', 'b'])
      fine: boolean(0.5)
"""


def test_every_kind_and_every_type_is_tried():
    assert {text.partition("(")[0] for text in GENERATORS} == set(KINDS)
    assert {parse_data_type(text).kind for text in TYPES} == set(TypeKind)


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    return {
        kind: schema_from(tmp_path_factory.mktemp("p"), PROPERTIES.replace("x TYPE", f"x {kind}"), **POOL)
        for kind in TYPES
    }


@pytest.mark.parametrize("generator", GENERATORS)
def test_what_is_not_refused_can_be_generated(schemas, generator):
    """Each kind against each type: it is refused at `x`, with a hint, or every table can be made."""
    made = []
    for kind, schema in schemas.items():
        resolved, diagnostics = try_resolve(schema, PLAN.replace("GENERATOR", generator))
        if resolved is None:
            errors = [found for found in diagnostics if found.severity is Severity.ERROR]
            assert all(found.location.file == "seedbed.yml" for found in errors), errors
            assert all(".x " in found.message and found.hint for found in errors), errors
            continue
        assert make(resolved, "facts").num_rows > 0
        made.append(kind)
    nonsense = (
        "lifecycle('steps', 'state')", "rollup('notes', 'sum', 'word')", "rollup('notes', 'min', 'fine')",
        "pool('nothing')",
    )  # fmt: skip
    assert ("varchar" in made) == (generator not in nonsense)


LIFE = {
    "lifecycle": "{transitions: {new: {done: 1}}, initial: new}",
    "history": "{entity: case_id, state: state, valid_from: since, transitions: {new: {done: 1}}, initial: new}",
}


@pytest.mark.parametrize(
    ("generator", "code", "speaks_of"),
    [
        ("ordinal()", "no-siblings", ["use sequence()"]),
        ("calendar('year')", "no-date", ["name the column"]),
        ("during('cass')", "unknown-lifecycle", ['"cass"', "did you mean cases?"]),
        ("lifecycle('cases', 'state')", "not-the-entity", ["rows of cases"]),
        ("during('cases')", "no-entity", ["add a foreign key to cases"]),
        ("rollup('cases', 'count')", "not-its-children", ["rows: per t"]),
        ("rollup('csaes', 'count')", "unknown-table", ["did you mean cases?"]),
        ("rollup('cases', 'sum', 'stat')", "unknown-column", ["did you mean state?"]),
        ("version('cases', 'id')", "no-history", ["not a history"]),
        ("after('id', median='2d')", "no-moment", ["of type integer"]),
        ("choice_by('kind', {'a': {1: 1}})", "missing-case", ["no case for b"]),
        ("pattern('{yyyy}', of='kind')", "no-moment", ["of type varchar"]),
        ("case_by('kind', {'a': pattern('{yyyy}', of='id')}, otherwise=constant(1))", "no-moment", ["of type integer"]),
        ("case_by('kind', {'a': integer(1, 2)})", "missing-case", ["no case for b"]),
        ("case_by('kind', {'a': after('id', median='2d')}, otherwise=constant(1))", "no-moment", ["of type integer"]),
        ("case_by('kind', {'a': choice_by('kind', {'a': [1]})}, otherwise=constant(1))", "missing-case", ["for b"]),
        ("case_by('kind', {'a': integer(1, 2), 'b': fake('city')})", "wrong-type", ["case_by"]),
        ("case_by('kin', {'a': integer(1, 2)})", "unknown-column", ["did you mean kind?"]),
        ("foreign_key('t', via='x')", "circle", ["wait for each other"]),
        ("{generator: foreign_key('cases'), varies_by: x}", "circle", ["wait for each other"]),
        ("{generator: \"foreign_key('cases', min=1)\", varies_by: kind}", "varies-nothing", ["take out varies_by"]),
        ("{generator: sql('id'), varies_by: kind}", "varies-nothing", ["not drawn"]),
        ("foreign_key('cases', 'loose')", "null-key", ["null in some rows"]),
        ("foreign_key('cases', distinct=true)", "no-siblings", ["rows: per <table>"]),
    ],
)
def test_what_has_no_meaning_is_refused(tmp_path, generator, code, speaks_of):
    schema = schema_from(
        tmp_path,
        seeds(t="id integer unique, kind varchar, x integer", cases="id integer unique, state varchar, loose integer"),
    )
    text = generator if generator.startswith("{") else f'"{generator}"'
    plan = f"""
    tables:
      t: {{rows: 5, columns: {{id: sequence(), kind: "choice(['a', 'b'])", x: {text}}}}}
      cases:
        rows: 3
        lifecycle: {LIFE["lifecycle"]}
        columns: {{id: sequence(), state: "lifecycle('cases', 'state')", loose: "integer(1, 9, null=0.5)"}}
    """
    resolved, diagnostics = try_resolve(schema, plan)
    errors = [found for found in diagnostics if found.severity is Severity.ERROR]
    assert resolved is None
    assert code in {found.code for found in errors}
    said = "\n".join(map(str, errors))
    assert all(part in said for part in speaks_of), said
    assert all(found.location.line for found in errors)


@pytest.mark.parametrize(
    "counts",
    ["constant('x')", "constant(null)", "constant(-1)", "constant(2.5)", "choice(['a'])", "choice([0.5, 1])",
     "integer(-2, 3)", "boolean(0.5, null=0.5)", "poisson(2, when='n > 3')"],
)  # fmt: skip
def test_counts_that_are_none_are_refused(tmp_path, counts):
    schema = schema_from(tmp_path, seeds(a="id integer unique, n integer", b="id integer unique"))
    plan = f"""
    tables:
      a: {{rows: 5, columns: {{id: sequence(), n: "integer(1, 9)"}}}}
      b: {{rows: "per a, {counts}", columns: {{id: sequence()}}}}
    """
    resolved, diagnostics = try_resolve(schema, plan)
    assert resolved is None
    assert [found.code for found in diagnostics] == ["invalid-counts"]


def test_numbers_that_64_bits_cannot_hold_are_refused(tmp_path):
    columns = dict.fromkeys("abcdef", "id bigint unique, at timestamp")
    schema = schema_from(tmp_path, seeds(**columns))
    plan = "tables:\n  a: {rows: 100000000, lifecycle: {transitions: {new: {done: 1}}}, columns: COLUMNS}\n"
    for parent, child in zip("abcde", "bcdef", strict=True):
        plan += f'  {child}: {{rows: "per {parent}, zipf(1.5, 10000)", columns: COLUMNS}}\n'
    columns_ = "{id: sequence(), at: \"timestamp('2024-01-01', '2024-12-31')\"}"
    plan = plan.replace("COLUMNS", columns_).replace(columns_, "{id: sequence(), at: \"during('a')\"}", 2)
    plan = plan.replace("{id: sequence(), at: \"during('a')\"}", columns_, 1)
    resolved, diagnostics = try_resolve(schema, plan)
    assert resolved is None
    assert {found.code for found in diagnostics if found.severity is Severity.ERROR} == {"too-many-rows"}


@pytest.mark.parametrize(
    ("history", "rows", "code"),
    [
        ("{entity: case_id, state: state, valid_from: since, transitions: {a: {b: 1}}}", "per cases", "rows-follow"),
        ("{entity: case_id, state: state, valid_from: since, transitions: {a: {b: 1}}}", "50", "rows-follow"),
        ("{entity: [case_id, part], state: state, valid_from: since, transitions: {a: {b: 1}}}", None, "no-entity"),
        ("{entity: case_id, state: stat, valid_from: since, transitions: {a: {b: 1}}}", None, "unknown-column"),
    ],
)
def test_histories_that_cannot_be_are_refused(tmp_path, history, rows, code):
    schema = schema_from(
        tmp_path,
        seeds(cases="id integer unique", steps="case_id integer, part integer, state varchar, since date"),
    )
    case = "sequence()" if "[" in history else "foreign_key('cases')"
    rows = f'rows: "{rows}"' if rows else "by: user"
    plan = f"""
    tables:
      cases: {{rows: 5, columns: {{id: sequence()}}}}
      steps: {{{rows}, history: {history}, columns: {{case_id: "{case}", part: "integer(1, 9)", state: sequence()}}}}
    """
    resolved, diagnostics = try_resolve(schema, plan)
    assert resolved is None
    assert code in {found.code for found in diagnostics if found.severity is Severity.ERROR}


def test_names_are_compared_without_case(tmp_path):
    schema = schema_from(tmp_path, seeds(
        Cases="Id integer unique, Total decimal(10,2), Opened date",
        Steps="Case_Id integer, State varchar, Since date",
        Facts="Id bigint unique, Case_Id integer, Price decimal(10,2), Seen timestamp, Due timestamp",
    ))  # fmt: skip
    plan = """
    tables:
      cases:
        rows: 5
        columns: {id: sequence(), total: "rollup('facts', 'sum', 'PRICE')", opened: "lifecycle('steps', 'started')"}
      steps:
        history: {entity: case_id, state: state, valid_from: since, transitions: {new: {done: 1}}, initial: new}
        columns: {case_id: foreign_key('cases')}
      facts:
        rows: per cases, constant(2)
        columns:
          id: sequence()
          case_id: foreign_key('cases')
          price: uniform(1, 9)
          seen: during('STEPS')
          due: after('SEEN', median='2d')
    """
    resolved = resolve_text(schema, plan)
    cases, facts = values(resolved, "Cases"), values(resolved, "Facts")
    assert sum(cases["Total"]) == sum(facts["Price"])
    assert all(due > seen for due, seen in zip(facts["Due"], facts["Seen"], strict=True))


def test_keys_that_only_look_unique_are_refused(tmp_path):
    """The key of a parent that is not unique there, values in turn in a driven table, what varies by another row."""
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - name: a
            columns: [{name: id, data_type: integer, data_tests: [unique]}, {name: n, data_type: integer}]
          - name: b
            data_tests:
              - dbt_utils.unique_combination_of_columns: {arguments: {combination_of_columns: [n, place]}}
            columns: [{name: n}, {name: place, data_type: integer}]
          - name: c
            columns: [{name: code, data_type: varchar, data_tests: [unique]}]
          - name: d
            columns: [{name: a_id}, {name: token, data_type: varchar, data_tests: [unique]}]
        """,
    )
    plan = """
    tables:
      a: {rows: 9, columns: {id: sequence(), n: "integer(1, 3)"}}
      b: {rows: "per a, constant(2)", columns: {n: "foreign_key('a', 'n')", place: ordinal()}}
      c: {rows: "per a, constant(2)", columns: {code: "each(['x', 'y'])"}}
      d: {rows: 9, columns: {a_id: foreign_key('a'), token: {generator: uuid(), varies_by: a_id}}}
    """
    _, diagnostics = try_resolve(schema, plan)
    assert [found.code for found in diagnostics] == ["not-unique"] * 3


def test_a_rule_over_numbers_of_children_that_cannot_be_counted_is_refused(tmp_path):
    schema = schema_from(
        tmp_path,
        seeds(
            people="id integer unique", cases="id integer unique",
            facts="id bigint unique, case_id integer, person_id integer, at timestamp",
        ),
        **{"model.mmd": "erDiagram\n  people ||--|{ facts : person_id\n"},
    )  # fmt: skip
    plan = """
    tables:
      people: {rows: 5, columns: {id: sequence()}}
      cases: {rows: 5, lifecycle: {transitions: {new: {done: 1}}}, columns: {id: sequence()}}
      facts:
        rows: per cases, constant(2)
        columns:
          id: sequence()
          case_id: foreign_key('cases')
          person_id: foreign_key('people')
          at: during('cases')
    """
    resolved, diagnostics = try_resolve(schema, plan)
    assert resolved is None
    (error,) = [found for found in diagnostics if found.severity is Severity.ERROR]
    assert error.code == "numbered-with-gaps"
    assert "}o" in str(error.hint)


def test_a_key_of_an_empty_table_says_what_to_do(tmp_path):
    schema = schema_from(tmp_path, seeds(a="id integer unique", b="id integer unique, a_id integer"))
    plan = """
    tables:
      a: {rows: 0, columns: {id: sequence()}}
      b: {rows: ROWS, columns: {id: sequence(), a_id: foreign_key('a')}}
    """
    assert values(resolve_text(schema, plan.replace("ROWS", "0")), "b") == {"id": [], "a_id": []}
    with pytest.raises(GenerationError, match="b refers to a, which has no rows; ask for at least one row of it"):
        values(resolve_text(schema, plan.replace("ROWS", "3")), "b")


@pytest.mark.parametrize(
    ("column", "allowed"),
    [
        ("copy('a_id.n')", True),
        ("copy('b_id.n')", False),
        ("copy('a_id.m')", False),
        ("after('b_id.day', median='2d')", False),
        ("after('a_id.day', median='2d')", True),
        ("template('{a_id}-{b_id}')", False),
        ("calendar('year', of='a_id.day')", True),
        ("rollup('c', 'max', 'n')", False),
        ("rollup('c', 'sum', 'n')", True),
        ("constant(null)", False),
        ("foreign_key('a', via='b_id')", False),
    ],
)
def test_a_column_that_must_not_be_null_does_not_follow_from_one_that_may(tmp_path, column, allowed):
    kind = "date" if "after" in column else "varchar" if "template" in column else "integer"
    schema = schema_from(
        tmp_path,
        seeds(
            a="id integer unique, n integer, m integer, day date",
            b="id integer unique, a_id integer, n integer, day date",
            t=f"id integer unique, a_id integer, b_id integer, x {kind} not_null",
            c="t_id integer, n integer",
        ),
    )
    plan = f"""
    tables:
      a:
        rows: 5
        columns: {{id: sequence(), n: "integer(1, 9)", m: "integer(1, 9, null=0.5)", day: "DAY"}}
      b:
        rows: 5
        columns: {{id: sequence(), a_id: foreign_key('a'), n: "integer(1, 9)", day: "DAY"}}
      t:
        rows: 50
        columns: {{id: sequence(), a_id: foreign_key('a'), b_id: "foreign_key('b', null=0.5)", x: "{column}"}}
      c: {{rows: "per t, integer(0, 2)", columns: {{t_id: foreign_key('t'), n: "integer(1, 9)"}}}}
    """.replace("DAY", "date('2024-01-01', '2025-01-01')")
    resolved, diagnostics = try_resolve(schema, plan)
    codes = [found.code for found in diagnostics if found.severity is Severity.ERROR]
    assert codes == ([] if allowed else ["nulls-forbidden"])
    if allowed:
        assert None not in values(resolved, "t")["x"]


@pytest.mark.parametrize(
    ("total", "rows"),
    [
        ("rollup('b', 'count')", "per a where total > 1, constant(2)"),
        ("rollup('b', 'sum', 'n')", "per a, constant(2)"),
    ],
)
def test_rows_and_values_do_not_wait_for_each_other(tmp_path, total, rows):
    schema = schema_from(tmp_path, seeds(a="id integer unique, total integer", b="a_id integer, n integer"))
    plan = f"""
    tables:
      a: {{rows: 5, columns: {{id: sequence(), total: "{total}"}}}}
      b: {{rows: "{rows}", columns: {{a_id: foreign_key('a'), n: copy('a_id.total')}}}}
    """
    resolved, diagnostics = try_resolve(schema, plan)
    assert resolved is None
    assert [found.code for found in diagnostics] == ["circle"]


def test_only_numbers_can_be_multiplied(tmp_path):
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - name: goods
            columns: [{name: id}, {name: label, data_type: varchar}, {name: price, data_type: "decimal(8,2)"},
              {name: cost, data_type: "decimal(8,2)", data_tests: [not_null]}]
        """,
    )
    plan = """
        tables:
          goods:
            rows: 9
            columns:
              id: sequence()
              label: fake('word')
              price: lognormal(20, 0.5, null=0.1)
              cost: uniform(0.5, 0.7, times='{of}')
        """
    found = [str(problem) for problem in try_resolve(schema, plan.replace("{of}", "label"))[1]]
    assert any("goods.cost is a multiple of label, which is of type varchar" in problem for problem in found)
    found = [problem.code for problem in try_resolve(schema, plan.replace("{of}", "Price"))[1]]
    assert "nulls-forbidden" in found, "the multiple of nothing is nothing"
    resolved, found = try_resolve(schema, plan.replace("{of}", "Price").replace(", null=0.1", ""))
    assert resolved is not None, found
    assert resolved.table("goods").column("cost").needs == ("price",)

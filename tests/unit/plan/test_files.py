"""The plan's file: what is written reads back, and what is wrong is named at its line."""

import datetime as dt
import stat

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.errors import PlanError, SinkError
from seedbed.plan.files import read_plan, write_plan
from seedbed.plan.plan_text import render_plan, scalar
from seedbed.plan.spec import Author, ColumnEntry, Dwell, History, Lifecycle, Plan, TableEntry

START, AS_OF = dt.date(2024, 7, 1), dt.date(2026, 6, 30)

FULL = Plan(
    random_seed=20_260_101,
    start=START,
    as_of=AS_OF,
    locale="nl_NL",
    tables={
        "raw.orders": TableEntry(
            by=Author.BASELINE,
            rows="per customers where tier = 'gold', poisson(mean=2, max=9)",
            columns={
                "id": "sequence()",
                "status": "choice({'new': 70, \"it's\": 30}, null=0.1)",
                "no": {"generator": "foreign_key('customers')", "varies_by": "id", "by": "user"},
                "code": "pattern('A-{n:06}')",
                "tricky": 'choice(["{{ ref(1) }}", "{% x %}", "a: b # c", "\\u2028", "12:30:00"])',
            },
        ),
        "days": TableEntry(rows="dates('2024-01-01', '2026-12-31')", columns={"date_key": "calendar('key')"}),
        "case_status_dim": TableEntry(
            by=Author.LLM,
            history=History(
                entity=("case_sk", "part"),
                state="case_status",
                valid_from="start_date",
                valid_to="end_date",
                open_end="9999-12-31",
                initial={"open": 0.75, "in review": 0.25},
                transitions={"open": {"in review": 1}, "in review": {"closed": 0.5, "open": 0.5}},
                dwell={"open": "3d", "default": Dwell(distribution="lognormal", median="90061.5s", sigma=1.25)},
                revisit=False,
            ),
        ),
        "case_dim": TableEntry(
            by=Author.BASELINE,
            rows=40,
            lifecycle=Lifecycle(
                states=("a", "b"), matrix=[[0, 1], [0, 0]], dwell="uniform(min='36h', max='5d')", max_versions=9
            ),
        ),
    },
    rules=(
        {"says": 'No order: on a # Sunday, "ever"', "table": "raw.orders", "rule": "row('dayofweek(at) <> 0')"},
        {"says": "{{ one }}", "table": "days", "rule": "depends('no', ['code', 'id'])", "by": "llm"},
        {"table": "days", "rule": "unique('no')"},
        {"says": "It is approved", "rule": "cannot('nobody says by whom')", "by": "baseline"},
    ),
    rule_fingerprints=("12345678", "1e345678", "abcdef01"),
    fingerprints={"days": {"*": "12345678.87654321", "date_key": "1e345678.abcdef01", "no": "abcdef01.00000000"}},
)


def write(tmp_path, text):
    path = tmp_path / "seedbed.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plan_reads_back_as_it_was_written(tmp_path):
    path = tmp_path / "seedbed.yml"
    write_plan(FULL, path)
    plan, document = read_plan(path, tmp_path)
    assert plan == FULL
    assert document.location("tables", "days", "columns", "date_key").line
    assert plan.tables["case_status_dim"].history.dwell["default"].median == 90_061.5


def test_other_readers_of_yaml_see_the_same_texts():
    """An editor, a linter and dbt read YAML 1.1: nothing in a plan may mean something else to them."""
    read = yaml.safe_load(render_plan(FULL))
    columns = read["tables"]["raw.orders"]["columns"]
    assert columns["id"] == "sequence()"
    assert columns["no"]["by"] == "user"
    assert all(isinstance(key, str) for key in columns)
    assert read["fingerprints"]["days"] == FULL.fingerprints["days"]


def test_jinja_finds_nothing_to_render():
    text = render_plan(FULL)
    assert not any(mark in text for mark in ("{{", "{%", "{#"))


def test_a_column_is_one_line():
    text = render_plan(FULL)
    assert "\n      id: sequence()\n" in text
    assert "\n    rows: per customers where tier = 'gold', poisson(2, max=9)\n" in text
    assert "\n      code: \"pattern('A-{n:06}')\"\n" in text
    assert '\n  days: {"*": "12345678.87654321", date_key: "1e345678.abcdef01", "no": abcdef01.00000000}\n' in text


@given(st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_survives_in_both_dialects(text):
    for flow in (False, True):
        written = scalar(text, flow=flow)
        line = f"key: [{written}]" if flow else f"key: {written}"
        expected = [text] if flow else text
        assert yaml.safe_load(line) == {"key": expected}
        assert "\n" not in line


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=12),
        st.dictionaries(
            st.text(min_size=1, max_size=12),
            st.lists(st.text(max_size=10), min_size=1, max_size=4, unique=True),
            max_size=3,
        ),
        max_size=3,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_plan_reads_back(tmp_path_factory, names):
    folded = [name.casefold() for name in names]
    columns = [[name.casefold() for name in table] for table in names.values()]
    if len(set(folded)) < len(folded) or any(len(set(group)) < len(group) for group in columns):
        return
    tables = {
        name: TableEntry(rows=1, columns={column: f"choice({values!r})" for column, values in table.items()})
        for name, table in names.items()
    }
    folder = tmp_path_factory.mktemp("plan")
    plan = Plan(start=START, as_of=AS_OF, tables=tables)
    write_plan(plan, folder / "seedbed.yml")
    assert read_plan(folder / "seedbed.yml", folder)[0] == plan


def test_comments_stay_with_their_entries(tmp_path):
    path = tmp_path / "seedbed.yml"
    write_plan(FULL, path)
    text = path.read_text(encoding="utf-8")
    text = text.replace("  days:\n", "  # every day\n  # of two years\n  days:  # as the report has it\n", 1)
    text = text.replace("      id: sequence()\n", "      id: sequence()  # never reused # at all\n")
    path.write_text(text + "# the end\n", encoding="utf-8")
    plan, _ = read_plan(path, tmp_path)
    write_plan(plan, path)
    again = path.read_text(encoding="utf-8")
    assert again == text + "# the end\n"
    tables = dict(reversed(plan.tables.items()))
    write_plan(plan.model_copy(update={"tables": tables}), path)
    assert "  # every day\n  # of two years\n  days:  # as the report has it\n" in path.read_text(encoding="utf-8")


PROBLEMS = [
    ("models: []", "1", "dbt-key", "models"),
    ("llm: {base_url: x}", "1", "endpoint-in-plan", "OPENAI_API_KEY"),
    ("openai_api_key: sk-1", "1", "endpoint-in-plan", "sent wherever"),
    ("tabels: {}", "1", "unknown-key", "did you mean tables?"),
    ("tables: {t: {row: 3}}", "1", "unknown-key", "did you mean rows?"),
    ("tables:\n  t:\n    rows: 3\n    columns:\n      a: {generater: 'uuid()'}", "5", "unknown-key", "generator"),
    ("tables:\n  t:\n    lifecycle: {intial: a}", "3", "unknown-key", "initial"),
    ("tables:\n  t:\n    history: {entity: a, state: b}", "3", "missing-key", "valid_from"),
    ("tables:\n  t:\n    columns:\n      a: sequense()", "4", "invalid-plan", "sequence"),
    ("tables:\n  t:\n    columns:\n      a: {generator: 'integer(5, 1)'}", "4", "invalid-plan", "above"),
    ("tables:\n  t:\n    columns:\n      a: [1]", "4", "invalid-plan", "a list"),
    ("tables:\n  t:\n    rows: many", "3", "invalid-plan", "does not say how many rows"),
    ("tables:\n  t:\n    rows: [1]", "3", "invalid-plan", "a list"),
    ("tables:\n  t: 3", "2", "invalid-plan", "3 stands here"),
    ("tables:\n  t: {by: robot}", "2", "invalid-plan", "'robot' stands here"),
    ("random_seed: many", "1", "invalid-plan", "'many'"),
    ("random_seed: -1", "1", "invalid-plan", "-1"),
    ("tables:\n  Orders: {}\n  orders: {}", "3", "duplicate-key", "differ only in case"),
    ("tables:\n  t: {}\n  t: {}", "3", "duplicate-key", "twice"),
    ("tables: &a {}", "1", None, None),
    ("tables:\n  t: &a {}\n  u: *a", None, "yaml-alias", "write the value out"),
    ("a: [", None, "yaml-syntax", "YAML"),
    ("- 1", "1", "invalid-plan", "a list"),
]


@pytest.mark.parametrize(("text", "line", "code", "said"), PROBLEMS, ids=[case[0][:40] for case in PROBLEMS])
def test_a_problem_is_named_at_its_line(tmp_path, text, line, code, said):
    head = "start: 2024-07-01\nas_of: 2026-06-30\n"
    path = write(tmp_path, text if text[0] in "-" else text + "\n" + head)
    if code is None:
        read_plan(path, tmp_path)
        return
    with pytest.raises(PlanError) as caught:
        read_plan(path, tmp_path)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert said in f"{found.message} {found.hint}"
    assert found.location.file == "seedbed.yml"
    assert line is None or str(found.location.line) == line


def test_all_problems_are_told_at_once(tmp_path):
    path = write(tmp_path, "tables:\n  t: {rows: x, colums: {}}\n  u: {columns: {a: 'nope()', b: 'uuid(1)'}}\n")
    with pytest.raises(PlanError) as caught:
        read_plan(path, tmp_path)
    found = sorted((item.code, item.location.path or "") for item in caught.value.diagnostics)
    assert found == [
        ("invalid-plan", "tables.t.rows"),
        ("invalid-plan", "tables.u.columns.a"),
        ("invalid-plan", "tables.u.columns.b"),
        ("missing-key", ""),
        ("missing-key", ""),
        ("unknown-key", "tables.t.colums"),
    ]


def test_a_country_stays_a_country(tmp_path):
    path = write(
        tmp_path, "start: 2024-07-01\nas_of: 2026-06-30\ntables: {NO: {rows: 1, columns: {on: 'constant(1)'}}}\n"
    )
    plan, _ = read_plan(path, tmp_path)
    assert list(plan.tables["NO"].columns) == ["on"]


def test_a_missing_plan_says_what_to_do(tmp_path):
    with pytest.raises(PlanError, match="seedbed plan"):
        read_plan(tmp_path / "seedbed.yml", tmp_path)


def test_bytes_that_are_no_text_are_a_problem_of_the_plan(tmp_path):
    path = tmp_path / "seedbed.yml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match="unreadable-plan"):
        read_plan(path, tmp_path)


def test_a_plan_that_cannot_be_written_leaves_the_old_one(tmp_path):
    folder = tmp_path / "gone"
    with pytest.raises(SinkError, match="cannot be written"):
        write_plan(FULL, folder / "seedbed.yml")
    path = tmp_path / "seedbed.yml"
    path.mkdir()
    with pytest.raises(SinkError):
        write_plan(FULL, path)
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_keeps_its_permissions(tmp_path):
    path = write(tmp_path, "x")
    path.chmod(0o640)
    write_plan(FULL, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_plain_entry_says_only_its_generator():
    plan = FULL.model_copy(update={"tables": {"t": TableEntry(columns={"a": ColumnEntry(generator="uuid()")})}})
    assert "      a: uuid()\n" in render_plan(plan)

"""The pages: what they count is what the tables hold, and nothing from outside becomes markup."""

import datetime as dt
import html.parser
import itertools
import re
from dataclasses import replace

import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner

from clinic import PLAN, PROPERTIES, WARDS, resolve_clinic
from seedbed import api
from seedbed.check import Finding, Status
from seedbed.cli import main
from seedbed.report import Made, render_comparison, render_report
from seedbed.report.graph import draw
from seedbed.report.profile import profile
from worlds import HEAD, resolve_text, schema_from, seeds, write_project

VOID = {"meta", "br", "path", "rect", "input"}


class Page(html.parser.HTMLParser):
    """The tags of a page, which must be closed in their order, and its text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.text = [], [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("href", "src", "style") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def made(resolved, name="seedbed.yml"):
    return Made(name, resolved, *api.make_and_check(resolved, keep=10_000))


@pytest.fixture
def clinic(tmp_path):
    return resolve_clinic(tmp_path / "clinic")


def run(folder, *arguments):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(folder)], catch_exceptions=False)


# --- profiles ------------------------------------------------------------------------------------------------


def test_few_values_are_counted():
    found = profile(pa.chunked_array([["a", "b", "a", None, "a"]]))
    assert (found.rows, found.nulls, found.distinct, found.top_share) == (5, 1, 2, 0.75)
    assert [(bar.label, bar.count) for bar in found.bars] == [("a", 3), ("b", 1)]
    assert not found.ordered
    assert not found.unique


def test_the_rest_is_one_bar():
    found = profile(pa.chunked_array([[f"v{n}" for n in range(10) for _ in range(20 - n)]]))
    assert [bar.label for bar in found.bars] == ["v0", "v1", "v2", "v3", "v4", "v5", "4 others"]
    assert sum(bar.count for bar in found.bars) == found.rows


DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(31)]
NUMBERS, MONTH = ("0", "50", "100"), ("2026-01-01", "2026-01-16", "2026-01-31")


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        (pa.array(range(101)), NUMBERS),
        (pa.array(range(101)).cast(pa.decimal128(22, 2)), NUMBERS),
        (pa.array(DAYS), MONTH),
        (pa.array([dt.datetime(day.year, day.month, day.day, 9) for day in DAYS], pa.timestamp("s")), MONTH),
    ],
)
def test_numbers_and_moments_have_a_histogram(values, ends):
    found = profile(pa.chunked_array([values]))
    assert found.ordered
    assert (found.low, found.middle, found.high) == ends
    assert sum(bar.count for bar in found.bars) == len(values)
    assert max(bar.height for bar in found.bars) == 1


@pytest.mark.parametrize("values", [pa.array([], pa.int64()), pa.nulls(3, pa.int64()), pa.nulls(3, pa.string())])
def test_columns_without_a_value_have_a_profile(values):
    found = profile(pa.chunked_array([values]))
    assert (found.distinct, found.top_share, found.bars) == (0, 0.0, ())


def test_keys_are_shown_and_not_drawn():
    found = profile(pa.chunked_array([list(range(100))]), key=True)
    assert found.unique
    assert (found.bars, found.examples) == ((), ("0", "1", "2"))


# --- states --------------------------------------------------------------------------------------------------


def test_moves_are_counted_as_the_rows_have_them(clinic):
    rows = api.generate_tables(clinic)["stays"]
    drawing = draw(clinic.lifecycles[0], rows, clinic.table("stays").promises.history)
    by_patient = {}
    for row in sorted(rows.to_pylist(), key=lambda row: (row["patient_id"], row["valid_from"])):
        by_patient.setdefault(row["patient_id"], []).append(row["status"])
    assert drawing.counted == len(by_patient)
    for arrow in drawing.arrows:
        move = arrow.move
        steps = [pair for walk in by_patient.values() for pair in itertools.pairwise(walk)]
        assert move.count == steps.count((move.source, move.target))
        assert move.observed == pytest.approx(move.count / sum(source == move.source for source, _ in steps))
    declared = {(arrow.move.source, arrow.move.target): arrow.move.spoken for arrow in drawing.arrows}
    assert declared == {
        ("admitted", "treated"): "90%", ("admitted", "left"): "10%",
        ("treated", "admitted"): "30%", ("treated", "left"): "70%",
    }  # fmt: skip
    assert sum(node.share for node in drawing.nodes) == pytest.approx(1)


def test_states_stand_in_the_order_of_the_process(clinic):
    drawing = draw(clinic.lifecycles[0], None, None)
    across = {node.name: node.x for node in drawing.nodes}
    assert across["admitted"] < across["treated"] < across["left"]
    assert {node.name: (node.first, node.last) for node in drawing.nodes} == {
        "admitted": (True, False), "treated": (False, False), "left": (False, True),
    }  # fmt: skip
    assert {arrow.move.observed for arrow in drawing.arrows} == {None}


# --- pages ---------------------------------------------------------------------------------------------------


def test_a_report_shows_every_column_and_needs_no_network(clinic):
    text = render_report(made(clinic))
    page = Page(text)
    for table in clinic:
        for column in table.written_columns if table.written else ():
            assert column.name in page.text
            assert str(column.decided_by) in page.text
    assert "300 rows" in page.text
    assert not [link for link in page.links if not link.startswith(("#", "width:", "stroke-width:"))]
    assert "script" not in page.tags
    assert "//" not in re.sub(r"\s", "", text.replace("<!doctype html>", "")).replace("https://", "//")


def test_what_comes_from_outside_is_text(tmp_path):
    hostile = "<script>alert('x')</script>&\"'{{ 7 * 7 }}"
    raw = "{% raw %}" + hostile + "{% endraw %}"
    accepted = {"accepted_values": {"arguments": {"values": [raw, "b"]}}}
    columns = [{"name": f"c {hostile}", "description": raw, "data_tests": [accepted]}]
    table = {"name": "t", "description": raw, "columns": columns}
    project = write_project(tmp_path / "shop", {"seeds/_seeds.yml": yaml.safe_dump({"seeds": [table]})})
    assert run(project, "report", "--output", str(tmp_path / "r.html")).exit_code == 0
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert "<script>alert('x')</script>" in page.text


def test_broken_promises_are_shown(clinic):
    broken = Finding("steps are positive", "patients", ("steps",), 300, 7, Status.FAILED)
    whole = made(clinic)
    page = Page(render_report(replace(whole, findings=[*whole.findings, broken])))
    assert "steps are positive" in page.text
    assert "7 broken" in page.text
    assert "are broken" in page.text
    assert "are broken" not in Page(render_report(whole)).text


def test_two_plans_side_by_side_mark_what_differs(tmp_path):
    schema = schema_from(tmp_path, seeds(orders="id integer unique, note varchar, amount decimal(10,2)"))
    plan = """
        tables:
          orders:
            rows: 40
            columns:
              id: sequence()
              note: NOTE
              amount: uniform(1, 9)
        """
    one = made(resolve_text(schema, plan.replace("NOTE", "fake('sentence')")), "before")
    other = made(resolve_text(schema, plan.replace("NOTE", "choice(['paid', 'late'])")), "after")
    text = render_comparison(one, other)
    page = Page(text)
    assert "fake('sentence')" in page.text
    assert "choice(['paid', 'late'])" in page.text
    assert re.findall(r'class="marked">([^<]*)<', text) == ["note", "note"]
    assert text.count('class="tag filler"') == 1
    assert "0 ✓" in page.text
    same = render_comparison(one, one)
    assert "the same in both" in Page(same).text
    assert 'class="marked"' not in same


def test_rules_are_shown_with_the_plans_that_hold_them(tmp_path):
    schema = schema_from(tmp_path, seeds(orders="id integer unique, amount decimal(10,2)"))
    plan = "tables:\n  orders: {rows: 40, columns: {id: sequence(), amount: 'uniform(1, 9)'}}\nrules:\n"
    small = "  - {says: Orders are small., table: orders, rule: \"row('amount < 8')\"}\n"
    large = "  - {says: Orders are large., table: orders, rule: \"row('amount > 2')\"}\n"
    before = made(resolve_text(schema, plan + small), "before")
    after = made(resolve_text(schema, plan + small + large), "after")
    text = Page(render_comparison(before, after)).text
    assert text.count("in both") == 2  # the rule, and the table, which arises as before
    assert text.count("only in after") == 1
    assert text.index("Orders are large.") < text.index("only in after")
    text = Page(render_report(before)).text
    assert "row('amount < 8')" in text
    assert "Orders are large." not in text


def test_a_table_that_only_one_plan_makes_is_shown(tmp_path):
    schema = schema_from(tmp_path, seeds(a="id integer", b="id integer"))
    plan = "tables:\n  a: {rows: 3, columns: {id: sequence()}}\n  b: {rows: 3, columns: {id: sequence()}}\n"
    both, only = (made(resolve_text(schema, plan, select=select)) for select in (None, ["a"]))
    assert "has no such table" in Page(render_comparison(both, only)).text
    assert "has no such table" in Page(render_comparison(only, both)).text


def test_the_commands_write_one_page_and_nothing_else(tmp_path):
    files = {"seeds/_seeds.yml": PROPERTIES, "seeds/wards.csv": WARDS, "seedbed.yml": HEAD + PLAN}
    project = write_project(tmp_path / "clinic", files)
    before = sorted(project.rglob("*"))
    assert run(project, "report").exit_code == 0
    assert run(project, "compare").exit_code == 0
    written = {path.relative_to(project).as_posix() for path in set(project.rglob("*")) - set(before)}
    assert written == {"target", "target/seedbed", "target/seedbed/report.html", "target/seedbed/compare.html"}
    page = Page((project / "target/seedbed/compare.html").read_text(encoding="utf-8"))
    assert "pattern('P-{n:06}')" in page.text
    (project / "other.yml").write_text((HEAD + PLAN).replace("rows: 300", "rows: 7"))
    assert run(project, "compare", str(project / "other.yml"), "-o", str(tmp_path / "c.html")).exit_code == 0
    assert "other.yml" in Page((tmp_path / "c.html").read_text(encoding="utf-8")).text


def test_without_a_plan_there_is_nothing_to_compare(tmp_path):
    done = run(write_project(tmp_path / "shop", {"seeds/_seeds.yml": seeds(a="id integer")}), "compare")
    assert done.exit_code == 1
    assert "`seedbed plan` writes it" in done.output

"""Re-planning: each rule about what is touched, and what never is."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from seedbed.errors import Location
from seedbed.plan.files import merge_plans, read_plan, write_plan
from seedbed.plan.spec import Author, ColumnEntry, Plan, RuleEntry, TableEntry
from seedbed.schema import Column, Fact, Project, Resource, Schema, Sentence, Table

PLACE = Location("models/schema.yml", 3)


def schema_of(**tables):
    """Tables given as name={column: description}."""
    made = [
        Table(
            name,
            Resource.MODEL,
            columns=tuple(Column(c, PLACE, description=Fact(d, PLACE)) for c, d in columns.items()),
        )
        for name, columns in tables.items()
    ]
    return Schema(Project(Path("/"), "demo"), tuple(made))


def plan_of(by=Author.BASELINE, rows=5, **tables):
    entries = {name: TableEntry(by=by, rows=rows, columns=columns) for name, columns in tables.items()}
    return Plan(start=dt.date(2024, 7, 1), as_of=dt.date(2026, 6, 30), tables=entries)


SCHEMA = schema_of(orders={"id": "key", "status": "state"}, lines={"id": "key"})
FIRST = plan_of(orders={"id": "sequence()", "status": "choice(['a', 'b'])"}, lines={"id": "sequence()"})


@pytest.fixture
def planned():
    return merge_plans(None, FIRST, SCHEMA)[0]


def edit(plan, table, column, **changes):
    entry = plan.tables[table]
    columns = {**entry.columns, column: entry.columns[column].model_copy(update=changes)}
    return plan.model_copy(update={"tables": {**plan.tables, table: entry.model_copy(update={"columns": columns})}})


def generators(plan, table="orders"):
    return {name: str(column.generator) for name, column in plan.tables[table].columns.items()}


def parsed(text):
    return ColumnEntry(generator=text).generator


def test_a_new_plan_adds_every_table_once():
    plan, changes = merge_plans(None, FIRST, SCHEMA)
    assert [str(change) for change in changes.all] == [
        "added orders (new, with 2 columns)",
        "added lines (new, with 1 column)",
    ]
    assert changes.any
    assert set(plan.fingerprints["orders"]) == {"*", "id", "status"}
    assert plan.tables == FIRST.tables


def test_planning_again_changes_nothing(planned):
    again, changes = merge_plans(planned, FIRST, SCHEMA)
    assert (again, changes.any, changes.kept) == (planned, False, ())


def test_a_better_author_alone_changes_nothing(planned):
    """Another version of Seedbed proposes something else; the project is as it was."""
    better = plan_of(rows=9, orders={"id": "uuid()", "status": "choice(['x'])"}, lines={"id": "uuid()"})
    again, changes = merge_plans(planned, better, SCHEMA)
    assert again == planned
    assert not changes.any


def test_a_column_of_which_the_project_says_something_else_is_planned_again(planned):
    schema = schema_of(orders={"id": "key", "status": "x or y"}, lines={"id": "key"})
    proposal = plan_of(orders={"id": "uuid()", "status": "choice(['x', 'y'])"}, lines={"id": "uuid()"})
    again, changes = merge_plans(planned, proposal, schema)
    assert generators(again) == {"id": "sequence()", "status": "choice(['x', 'y'])"}
    assert [str(change) for change in changes.all] == [
        "changed orders.status: choice(['a', 'b']) -> choice(['x', 'y']) (what the project says about it changed)"
    ]
    assert not merge_plans(again, proposal, schema)[1].any


def test_a_moved_line_changes_nothing(planned):
    tables = [
        dataclasses.replace(
            table,
            columns=tuple(
                dataclasses.replace(c, description=Fact(c.description.value, Location("other.yml", 99)))
                for c in table.columns
            ),
        )
        for table in SCHEMA
    ]
    other = plan_of(orders={"id": "uuid()", "status": "uuid()"}, lines={"id": "uuid()"})
    assert not merge_plans(planned, other, Schema(SCHEMA.project, tuple(tables)))[1].any


def test_a_user_entry_stays_whatever_the_project_says(planned):
    planned = edit(planned, "orders", "status", generator=parsed("constant('mine')"), by=Author.USER)
    schema = schema_of(orders={"id": "key", "status": "x or y"}, lines={"id": "key"})
    again, changes = merge_plans(planned, FIRST, schema, fresh=True)
    assert generators(again)["status"] == "constant('mine')"
    assert again.tables["orders"].columns["status"].by is Author.USER
    assert [change.reason for change in changes.kept] == ["a person wrote it"]


def test_an_edited_entry_stays_though_it_says_another_author(planned):
    planned = edit(planned, "orders", "status", generator=parsed("constant('mine')"))
    schema = schema_of(orders={"id": "key", "status": "x or y"}, lines={"id": "key"})
    for fresh in (False, True):
        again, changes = merge_plans(planned, FIRST, schema, fresh=fresh)
        assert generators(again)["status"] == "constant('mine')"
        assert [change.reason for change in changes.kept] == ["a person edited it"]
    assert generators(merge_plans(again, FIRST, schema)[0])["status"] == "constant('mine')"


def test_edited_rows_stay(planned):
    orders = planned.tables["orders"].model_copy(update={"rows": TableEntry(rows=77).rows})
    planned = planned.model_copy(update={"tables": {**planned.tables, "orders": orders}})
    schema = schema_of(orders={"id": "key", "status": "state", "extra": "new"}, lines={"id": "key"})
    proposal = plan_of(rows=9, orders={"id": "uuid()", "status": "uuid()", "extra": "uuid()"}, lines={"id": "uuid()"})
    again, changes = merge_plans(planned, proposal, schema)
    assert str(again.tables["orders"].rows) == "77"
    assert [str(change) for change in changes.all] == ["added orders.extra: uuid() (new)"]


def test_entries_without_a_fingerprint_are_a_persons():
    by_hand = plan_of(orders={"id": "sequence(7)"})
    schema = schema_of(orders={"id": "key", "status": "state"})
    again, changes = merge_plans(by_hand, plan_of(orders={"id": "uuid()", "status": "uuid()"}), schema)
    assert generators(again) == {"id": "sequence(7)", "status": "uuid()"}
    assert [change.column for change in changes.all] == ["status"]


def test_new_columns_of_a_users_table_say_who_wrote_them():
    mine = plan_of(by=Author.USER, orders={"id": "sequence(7)"})
    schema = schema_of(orders={"id": "key", "status": "state"})
    again, _ = merge_plans(mine, plan_of(orders={"id": "uuid()", "status": "uuid()"}), schema)
    assert again.author("orders") is Author.USER
    assert again.author("orders", "status") is Author.BASELINE
    assert again.author("orders", "id") is Author.USER


def test_what_the_project_dropped_leaves(planned):
    schema = schema_of(orders={"id": "key"})
    again, changes = merge_plans(planned, plan_of(orders={"id": "sequence()"}), schema)
    assert list(again.tables) == ["orders"]
    assert list(again.fingerprints) == ["orders"]
    assert generators(again) == {"id": "sequence()"}
    assert {str(change) for change in changes.all} == {
        "removed orders.status (the project no longer documents it)",
        "removed lines (the project no longer documents it)",
    }


def test_a_table_that_the_project_builds_now_leaves(planned):
    built = dataclasses.replace(SCHEMA.tables[1], built=True)
    schema = Schema(SCHEMA.project, (SCHEMA.tables[0], built))
    proposal = plan_of(orders={"id": "sequence()", "status": "choice(['a', 'b'])"})
    _, changes = merge_plans(planned, proposal, schema)
    assert [str(change) for change in changes.all] == ["removed lines (the project makes its rows now)"]


def test_a_users_typo_is_kept_for_resolve_to_name():
    mine = plan_of(by=Author.USER, orders={"idd": "sequence(7)"}, ordres={"id": "uuid()"})
    again, changes = merge_plans(mine, plan_of(orders={"id": "uuid()"}), schema_of(orders={"id": "key"}))
    assert set(again.tables["orders"].columns) == {"id", "idd"}
    assert "ordres" in again.tables
    assert [change.column for change in changes.all] == ["id"]


def test_an_entry_that_speaks_of_a_table_that_is_gone_is_planned_again():
    schema = schema_of(orders={"customer_id": "who"}, customers={"id": "key"})
    first = plan_of(orders={"customer_id": "foreign_key('customers')"}, customers={"id": "uuid()"})
    planned, _ = merge_plans(None, first, schema)
    proposal = plan_of(orders={"customer_id": "integer(1, 9)"})
    again, changes = merge_plans(planned, proposal, schema_of(orders={"customer_id": "who"}))
    assert generators(again) == {"customer_id": "integer(1, 9)"}
    assert [change.reason for change in changes.all if change.column] == ["customers is no longer there"]


def test_a_column_that_an_annotation_settles_leaves_the_plan(planned):
    proposal = plan_of(orders={"id": "sequence()"}, lines={"id": "sequence()"})
    again, changes = merge_plans(planned, proposal, SCHEMA)
    assert generators(again) == {"id": "sequence()"}
    assert [change.reason for change in changes.all] == ["the project itself settles it now"]


def test_fresh_plans_everything_again_but_the_first_lines(planned):
    planned = planned.model_copy(update={"random_seed": 42})
    better = plan_of(rows=9, orders={"id": "uuid()", "status": "choice(['x'])"}, lines={"id": "uuid()"})
    again, changes = merge_plans(planned, better, SCHEMA, fresh=True)
    assert again.tables == better.tables
    assert again.random_seed == 42
    assert {change.reason for change in changes.all} == {"planned afresh"}


def test_names_are_compared_without_case(planned):
    schema = schema_of(ORDERS={"ID": "key", "Status": "state"}, lines={"id": "key"})
    proposal = plan_of(ORDERS={"ID": "uuid()", "Status": "uuid()"}, lines={"id": "sequence()"})
    again, changes = merge_plans(planned, proposal, schema)
    assert generators(again, "ORDERS") == {"ID": "sequence()", "Status": "choice(['a', 'b'])"}
    assert not [change for change in changes.all if change.column]


def test_fingerprints_survive_the_file(planned, tmp_path):
    write_plan(planned, tmp_path / "seedbed.yml")
    read, _ = read_plan(tmp_path / "seedbed.yml", tmp_path)
    assert merge_plans(read, FIRST, SCHEMA)[1].any is False
    assert all(len(text) == 17 and text[8] == "." for prints in read.fingerprints.values() for text in prints.values())


# --- business rules ------------------------------------------------------------------------------------------


def rule(says, text, by):
    return RuleEntry(says=says, table="orders", rule=text, by=by)


def saying(*sentences):
    return dataclasses.replace(SCHEMA, rules=tuple(Sentence(text) for text in sentences))


def replanned(old, rules, *sentences, fresh=False):
    """The rules after re-planning, as texts, and what changed."""
    merged, changes = merge_plans(old, FIRST.model_copy(update={"rules": rules}), saying(*sentences), fresh=fresh)
    return merged, [str(entry.rule) for entry in merged.rules], [str(change) for change in changes.all]


BASE = rule("One a day", "unique('id')", Author.BASELINE)
LLM = (rule("One a day", "unique(['id', 'status'])", Author.LLM), rule("One a day", "row('id > 0')", Author.LLM))


def test_an_authors_rules_come_with_their_sentence_and_go_with_it(planned):
    merged, texts, changes = replanned(planned, (BASE,), "One a day.")
    assert texts == ["unique('id')"]
    assert changes == ["added orders: unique('id') (the project says: One a day)"]
    assert replanned(merged, (BASE,), "one  a day")[1:] == (["unique('id')"], [])
    assert replanned(merged, (), "Two a day")[1:] == (
        [],
        ["removed orders: unique('id') (the project no longer says so)"],
    )


def test_an_llm_replaces_the_baseline_and_not_the_other_way_round(planned):
    merged = replanned(planned, (BASE,), "One a day")[0]
    merged, texts, changes = replanned(merged, LLM, "One a day")
    assert texts == ["unique(['id', 'status'])", "row('id > 0')"]
    assert changes[0] == "removed orders: unique('id') (another rule says it now)"
    assert replanned(merged, (BASE,), "One a day")[1:] == (texts, [])
    assert replanned(merged, (BASE,), "One a day", fresh=True)[1] == ["unique('id')"]


def test_a_persons_rules_and_edited_ones_are_never_touched(planned):
    merged = replanned(planned, LLM, "One a day")[0]
    own = rule("Said by nobody", "row('id < 9')", Author.USER)
    edited = LLM[0].model_copy(update={"rule": RuleEntry(table="t", rule="unique('status')").rule})
    merged = merged.model_copy(update={"rules": (own, edited, LLM[1])})
    for sentences in (("One a day",), ()):
        texts = replanned(merged, (BASE,), *sentences, fresh=True)[1]
        assert texts[:2] == ["row('id < 9')", "unique('status')"]
    assert texts == ["row('id < 9')", "unique('status')"]


def test_the_comment_of_a_rule_stays_with_it(tmp_path, planned):
    merged = replanned(planned, LLM, "One a day")[0]
    path = tmp_path / "seedbed.yml"
    write_plan(merged, path)
    text = path.read_text(encoding="utf-8")
    second = text.rindex("  - says: One a day")
    path.write_text(f"{text[:second]}  # positive\n{text[second:]}", encoding="utf-8")
    plan, _ = read_plan(path, tmp_path)
    write_plan(plan.model_copy(update={"rules": (plan.rules[1], plan.rules[0])}), path)
    lines = path.read_text(encoding="utf-8").splitlines()
    at = lines.index("  # positive")
    assert lines[at + 1 : at + 4] == ["  - says: One a day", "    table: orders", "    rule: row('id > 0')"]


def test_a_typo_in_what_an_author_wrote_is_kept_too():
    schema, proposal = schema_of(orders={"id": "key"}), plan_of(orders={"id": "uuid()"})
    written, _ = merge_plans(None, proposal, schema)
    entry = written.tables["orders"]
    mistyped = entry.model_copy(update={"columns": {"idd": entry.columns["id"]}})
    for tables in ({"orderz": entry}, {"orders": mistyped}):
        again, _ = merge_plans(written.model_copy(update={"tables": tables}), proposal, schema)
        assert set(again.tables) | set(again.tables["orders"].columns) >= {"orders", "id"}
        assert "orderz" in again.tables or "idd" in again.tables["orders"].columns

"""Rows that an LLM writes outright: which tables it is asked for, and what of its answers is taken."""

import pytest

from listings import BRANCH, BRANCHES_FILE, COLUMNS, COUNTRIES_FILE, COUNTRY, PROPERTIES, changed, rows
from llm_plans import baseline, run
from llm_server import LlmServer
from seedbed.authoring.client.ledger import estimate_prompt
from seedbed.authoring.client.replies import CachedReplies
from seedbed.authoring.llm.author import expected_requests
from seedbed.authoring.llm.prompts import read_templates
from seedbed.authoring.llm.trial import problems_of
from seedbed.plan.spec import Author, FileRows, FixedRows
from worlds import schema_from


@pytest.fixture
def shop(tmp_path):
    schema = schema_from(tmp_path, PROPERTIES)
    return schema, baseline(schema)


def test_rows_are_asked_for_after_columns_and_nothing_twice(shop):
    schema, plan = shop
    with LlmServer({"say": COLUMNS}, rows(COUNTRY, BRANCH)) as server:
        authored, summary = run(server, schema, plan)
    columns, listing = (received.body["messages"][1]["content"] for received in server.requests)
    assert '"sale": ["remark"]' in columns
    assert '"branch": [' not in columns
    assert '"country": ["code", "name"]' in listing
    assert '"branch": ["name", "country_code", "tier", "opened_on"]' in listing
    assert "one of 'gold', 'silver'" in listing
    assert summary.files == {
        COUNTRIES_FILE: "code,name\nDE,Germany\nSE,Sweden\n",
        BRANCHES_FILE: "name,country_code,tier,opened_on\nKöln,DE,gold,1998-05-01\nMalmö,SE,silver,\n",
    }
    branch = authored.tables["branch"]
    assert branch.rows == FileRows(file=BRANCHES_FILE)
    assert branch.by is Author.LLM
    assert set(branch.columns) == {"branch_id", "country_code"}
    assert authored.author("branch", "branch_id") is Author.BASELINE
    assert summary.decided == summary.asked == 4
    assert problems_of(schema, authored, files=summary.files) == []


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (changed(BRANCH, name="Ulm", country_code="XX"), "which has no 'XX'"),
        (changed(BRANCH, name="Ulm", tier="bronze"), "accepts only gold, silver"),
        (changed(BRANCH), "'Köln' stands in lines 2, 4"),
        (changed(BRANCH, name="Ulm", opened_on="1.5.1998"), "a date was expected"),
        (changed(BRANCH, name=None), "must not be null"),
        (changed(BRANCH, name="=1+1"), "begins like a formula"),
        (changed(BRANCH, name="{{ x }}"), "dbt would render"),
        (changed(BRANCH, name="a name that is far too long"), "at most 20 fit"),
        ({**BRANCH, "rows": []}, "1 to 200 were expected"),
        ({**BRANCH, "rows": [["Köln", "DE"]]}, "row 1 of branch has 2 values for 4 columns"),
        ({**BRANCH, "columns": ["name", "country_code", "tier", "size"]}, "size"),
        ({**BRANCH, "rows": [[f"b{n}", "DE", "gold", None] for n in range(201)]}, "201 rows"),
    ],
)
def test_what_is_wrong_goes_back_and_is_repaired(shop, bad, told):
    with LlmServer({"say": COLUMNS}, rows(COUNTRY, bad), rows(COUNTRY, BRANCH)) as server:
        authored, summary = run(server, *shop)
    assert told in server.requests[-1].body["messages"][-1]["content"]
    assert set(summary.files) == {COUNTRIES_FILE, BRANCHES_FILE}
    assert problems_of(shop[0], authored, files=summary.files) == []


def test_a_table_that_stays_wrong_keeps_its_generators_and_the_others_are_taken(shop):
    schema, plan = shop
    bad = rows(COUNTRY, changed(BRANCH, name="Ulm", tier="bronze"))
    with LlmServer({"say": COLUMNS}, bad, bad, bad) as server:
        authored, summary = run(server, schema, plan)
    assert set(summary.files) == {COUNTRIES_FILE}
    assert authored.tables["branch"] == plan.tables["branch"]
    assert summary.decided == summary.asked - 1
    assert any("the rows of branch keep their baseline" in found.message for found in summary.kept)
    assert problems_of(schema, authored, files=summary.files) == []


def test_a_second_run_makes_no_call(shop, tmp_path):
    replies = CachedReplies(tmp_path / "replies")
    with LlmServer({"say": COLUMNS}, rows(COUNTRY, changed(BRANCH)), rows(COUNTRY, BRANCH)) as server:
        first = run(server, *shop, replies=replies)
        again = run(server, *shop, replies=replies)
        assert len(server.requests) == 3
    assert first[0] == again[0]
    assert first[1].files == again[1].files
    assert (again[1].total.calls, again[1].total.recorded) == (0, 2)


def test_the_estimate_is_what_is_asked(shop):
    schema, plan = shop
    expected = expected_requests(schema, plan, read_templates(schema.project.root))
    with LlmServer({"say": COLUMNS}, rows(COUNTRY, BRANCH)) as server:
        _, summary = run(server, schema, plan)
    sent = [received.body["messages"] for received in server.requests]
    assert [request.prompt() for request in expected] == sent
    assert summary.total.calls == len(expected) == 2
    assert all(estimate_prompt(request) < 3_000 for request in expected)


def test_a_file_of_a_person_is_left_alone(shop):
    schema, plan = shop
    path = schema.project.root / BRANCHES_FILE
    path.parent.mkdir(parents=True)
    path.write_text("name\nMine\n", encoding="utf-8")
    requests = expected_requests(schema, plan, read_templates(schema.project.root))
    assert '"branch": ["name"' not in requests[-1].messages[1].content
    assert '"branch"' in requests[0].messages[1].content


def test_what_a_person_decided_is_not_asked_for(shop):
    schema, plan = shop
    branch = plan.tables["branch"]
    columns = {**branch.columns, "tier": branch.columns["tier"].model_copy(update={"by": Author.USER})}
    mine = plan.model_copy(update={"tables": {**plan.tables, "branch": branch.model_copy(update={"columns": columns})}})
    requests = expected_requests(schema, mine, read_templates(schema.project.root))
    assert '"branch": ["name", "country_code", "opened_on"]' in requests[-1].messages[1].content
    fixed = branch.model_copy(update={"rows": FixedRows(count=3), "by": Author.USER})
    mine = plan.model_copy(update={"tables": {**plan.tables, "branch": fixed}})
    requests = expected_requests(schema, mine, read_templates(schema.project.root))
    assert '"branch": [' not in requests[-1].messages[1].content

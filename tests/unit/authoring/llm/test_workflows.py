"""Processes read from words: what a page says becomes a matrix, with the words that each number came from."""

import json
from pathlib import Path

import pytest
import yaml

from llm_plans import baseline, run
from llm_server import LlmServer
from seedbed.authoring.client.replies import CachedReplies
from seedbed.authoring.llm.trial import problems_of
from seedbed.authoring.llm.workflows import NOT_SAID, open_processes
from seedbed.errors import Severity
from seedbed.parsers import read_schema
from seedbed.plan.files import read_plan, write_plan
from seedbed.plan.merge import merge_plans
from seedbed.plan.resolve import resolve
from seedbed.plan.spec import Author
from worlds import make, schema_from, write_project

CASES = yaml.safe_load(Path(__file__).parents[3].joinpath("cases/llm_chain/workflows.yml").read_text(encoding="utf-8"))


def properties(table=None, column=None):
    accepted = {"accepted_values": {"arguments": {"values": CASES["states"]}}}
    columns = [
        {"name": "claim_id", "data_type": "integer", "data_tests": ["unique", "not_null"]},
        {"name": "status", "data_type": "varchar(20)", "data_tests": ["not_null", accepted], **(column or {})},
        {"name": "opened_at", "data_type": "timestamp"},
        {"name": "closed_at", "data_type": "timestamp"},
    ]
    return yaml.safe_dump({"seeds": [{"name": "claims", "columns": columns, **(table or {})}]}, sort_keys=False)


def claims(folder, page=CASES["page"], **parts):
    schema = schema_from(folder, properties(**parts), **{"workflows/claims.md": page})
    return schema, baseline(schema)


def answer(changes):
    if "say" in changes or "events" in changes:
        return changes
    parts = {}
    for part in ("initial", "moves", "stays"):
        rows = {key: dict(row) for key, row in CASES["good"][part].items()}
        for key, row in changes.get(part, {}).items():
            rows[key] = None if row is None else {"share": "1", "quote": "", **rows.get(key, {}), **row}
        parts[part] = [
            {"state": state, "next": after, **row, **({"quote": ""} if changes.get("quotes") is False else {})}
            for key, row in rows.items()
            if row is not None
            for state, _, after in [key.partition(" -> ")]
        ]
        parts[part] += [row for row in parts[part] if f"{row['state']} -> {row['next']}" == changes.get("twice")]
    return {"say": json.dumps({"states": changes.get("states", CASES["good"]["states"]), **parts})}


def script(*changes):
    """The answers to the process in turn, and for columns the refusal that keeps the baseline's."""
    waiting = [answer(change) for change in changes]

    def respond(received):
        if "# Transition matrix to write" not in received.body["messages"][1]["content"]:
            return {"events": [{"choices": [{"delta": {"refusal": "No."}, "finish_reason": "stop"}]}]}
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return respond


def about_processes(server):
    return [got for got in server.requests if "# Transition matrix to write" in got.body["messages"][1]["content"]]


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"].replace(" ", "-"))
def test_answers(case, tmp_path):
    schema, plan = claims(tmp_path)
    with LlmServer(script(*case["answers"])) as server:
        authored, summary = run(server, schema, plan)
    assert problems_of(schema, authored) == []
    asked = about_processes(server)
    assert len(asked) == case.get("calls", len(asked))
    if "told" in case:
        assert case["told"] in asked[-1].body["messages"][-1]["content"].replace('\\"', '"')
    process = authored.tables["claims"].lifecycle
    if "kept" in case:
        assert process == plan.tables["claims"].lifecycle
        assert any(case["kept"] in found.message for found in summary.kept), summary.kept
        return
    assert process.by is Author.LLM
    assert process.transitions == {
        "received": {"info_requested": 0.34, "withdrawn": 0.1, "rejected": 0.06, "approved": 0.5},
        "info_requested": {"approved": 0.8, "withdrawn": 0.2},
        "approved": {"paid": 1.0},
        **case.get("moves", {}),
    }
    assert process.because["received -> withdrawn"] == "every tenth is withdrawn"
    assert process.because["approved -> paid"] == NOT_SAID
    assert process.because["dwell approved"] == "Approved claims are paid after 2 to 5 days."
    assert len(process.because) == 1 + len(process.dwell) + sum(map(len, process.transitions.values()))


@pytest.mark.parametrize("case", CASES["asked"], ids=lambda case: case["name"].replace(" ", "-"))
def test_only_what_nobody_declared_is_asked(case, tmp_path):
    files = {"seeds/_seeds.yml": properties(case.get("table"), case.get("column")), **case.get("files", {})}
    schema, diagnostics = read_schema(write_project(tmp_path, files))
    assert not [found for found in diagnostics if found.severity is Severity.ERROR], diagnostics
    plan = baseline(schema)
    assert problems_of(schema, plan) == [], "the baseline's plan can be carried out without a person or an LLM"
    assert bool(open_processes(schema, plan)) is case["asked"]


def test_what_was_read_is_written_and_made(tmp_path):
    schema, plan = claims(tmp_path)
    with LlmServer(script({})) as server:
        authored, _ = run(server, schema, plan)
    merged, _ = merge_plans(plan, authored, schema)
    write_plan(merged, tmp_path / "seedbed.yml")
    read, document = read_plan(tmp_path / "seedbed.yml", tmp_path)
    assert read.tables["claims"].lifecycle == authored.tables["claims"].lifecycle
    resolved, _ = resolve(schema, read, document)
    states = set(make(resolved, "claims")["status"].to_pylist())
    assert states <= set(CASES["states"])
    assert "paid" in states


def test_a_process_stays_through_planning_again_until_its_page_changes(tmp_path):
    schema, plan = claims(tmp_path)
    with LlmServer(script({})) as server:
        merged, _ = merge_plans(plan, run(server, schema, plan)[0], schema)
    again, changes = merge_plans(merged, plan, schema)
    assert (again, changes.any) == (merged, False)
    assert open_processes(schema, again) == []
    changed = schema_from(tmp_path, properties(), **{"workflows/claims.md": "Half of the received claims get paid."})
    later, _ = merge_plans(merged, baseline(changed), changed)
    assert later.tables["claims"].lifecycle.by is None
    assert len(open_processes(changed, later)) == 1


def test_a_process_that_a_person_edited_is_not_asked_for(tmp_path):
    schema, plan = claims(tmp_path)
    entry = plan.tables["claims"]
    edited = entry.lifecycle.model_copy(update={"initial": "approved"})
    tables = {"claims": entry.model_copy(update={"lifecycle": edited})}
    assert open_processes(schema, plan.model_copy(update={"tables": tables})) == []


def test_rows_are_still_asked_for_once_the_process_is_read(tmp_path):
    schema, plan = claims(tmp_path)
    with LlmServer(script({})) as server:
        run(server, schema, plan)
    assert '"claims": "100"' in server.requests[-1].body["messages"][1]["content"]


def test_a_warm_cache_reads_nothing_again(tmp_path):
    schema, plan = claims(tmp_path / "project")
    replies = CachedReplies(tmp_path / "cache")
    with LlmServer(script({"states": ["?"]}, {})) as server:
        first, _ = run(server, schema, plan, replies)
        before = len(about_processes(server))
        again, _ = run(server, schema, plan, replies)
    assert (before, len(about_processes(server))) == (2, 2)
    assert again == first


def test_a_budget_that_ends_after_the_process_keeps_it(tmp_path):
    schema, plan = claims(tmp_path)
    with LlmServer(script({})) as server:
        authored, summary = run(server, schema, plan, max_tokens=1_950)
    assert "--max-tokens" in summary.stopped
    assert authored.tables["claims"].lifecycle.by is Author.LLM


def test_moves_as_drawn_keep_their_numbers(tmp_path):
    drawing = (
        "```mermaid\n---\ntitle: claims status\n---\nstateDiagram-v2\n  [*] --> received\n"
        "  received --> approved : 0.9\n  received --> rejected\n  received --> withdrawn\n  approved --> paid\n```\n"
    )
    schema, plan = claims(tmp_path, page="Of ten received claims, one in twenty is withdrawn.\n" + drawing)
    (item,) = open_processes(schema, plan)
    good = {"received -> approved": "0.9", "received -> rejected": "0.05", "received -> withdrawn": "0.05",
            "approved -> paid": "1"}  # fmt: skip

    def say(moves):
        rows = [{"state": key.split(" -> ")[0], "next": key.split(" -> ")[1], "share": share,
                 "quote": "one in twenty is withdrawn"} for key, share in moves.items()]  # fmt: skip
        return {"say": json.dumps({"states": [], "initial": [], "moves": rows, "stays": []})}

    answers = [say({**good, "received -> approved": "0.8", "received -> rejected": "0.15"}),
               say({**good, "paid -> received": "1"}), say(good)]  # fmt: skip
    with LlmServer(lambda got: answers.pop(0) if answers else {"status": 400}) as server:
        authored, _ = run(server, schema, plan)
    told = [got.body["messages"][-1]["content"] for got in about_processes(server)[1:]]
    assert "share-as-drawn" in told[0]
    assert "move-not-drawn" in told[1]
    process = authored.tables["claims"].lifecycle
    assert process.workflow == item.drawn.name
    assert process.transitions["received"] == {"approved": 0.9, "rejected": 0.05, "withdrawn": 0.05}

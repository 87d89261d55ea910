"""A good answer spoilt in many ways: each is caught before it comes into the plan, and said back to be mended."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from llm_plans import baseline, run
from llm_server import LlmServer
from seedbed.authoring.llm.undecided import undecided
from seedbed.plan.spec import Author
from seedbed.proving import try_out
from worlds import schema_from

CASES = yaml.safe_load(Path(__file__).parents[3].joinpath("cases/llm_chain/sabotage.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    properties = yaml.safe_dump(CASES["project"], sort_keys=False)
    schema = schema_from(tmp_path_factory.mktemp("shop"), properties, **CASES["files"])
    return schema, baseline(schema)


def columns_answer(case):
    """The tables of the good answer, spoilt."""
    wanted = {**CASES["good"]["columns"], **case.get("set", {})}
    wanted = {path: text for path, text in wanted.items() if path != case.get("drop")}
    rows = {**CASES["good"]["rows"], **case.get("rows", {})}
    if "table" in case:
        rows[case["table"]] = "5"
    tables = {table: {"table": table, "rows": text, "columns": []} for table, text in rows.items()}
    renamed = dict([case["rename"]]) if "rename" in case else {}
    for path, text in wanted.items():
        table, _, column = path.partition(".")
        entry = {"column": renamed.get(path, column), "generator": text}
        tables[table]["columns"] += [entry] * (2 if path == case.get("twice") else 1)
    return {"tables": list(tables.values())}


def process_answer(case):
    good = copy.deepcopy(CASES["good"]["process"])
    changed = case.get("moves", {})
    moves = (
        {}
        if changed is None
        else {**good["moves"], **{key: row and {"quote": "", **row} for key, row in changed.items()}}
    )

    def listed(rows):
        pairs = ((key.partition(" -> "), row) for key, row in rows.items() if row is not None)
        return [{"state": state, "next": after, **row} for (state, _, after), row in pairs]

    return {
        "states": good["states"],
        "initial": listed(good["initial"]),
        "moves": listed(moves),
        "stays": listed(good["stays"]),
    }


def kind_of(received):
    text = received.body["messages"][1]["content"]
    headings = {
        "# Transition matrix to write": "workflow",
        "# Business rules to type": "rules",
        "# Data to generate": "columns",
    }
    return next(kind for heading, kind in headings.items() if heading in text)


def answered(case):
    """A server's script: the spoilt answer first, and the good one to every repair."""
    rules = {"rules": [{"number": 1, "table": table, "rule": rule} for table, rule in CASES["good"]["rules"]]}

    def script(received):
        part = case if len(received.body["messages"]) == 2 else {}
        kind = kind_of(received)
        value = {"workflow": process_answer, "columns": columns_answer}.get(kind, lambda _: rules)(part)
        return {"say": json.dumps(value)}

    return script


def test_the_good_answer_is_good(shop):
    schema, plan = shop
    with LlmServer(answered({})) as server:
        authored, summary = run(server, schema, plan, proof=try_out)
    assert summary.kept == ()
    assert [kind_of(got) for got in server.requests] == ["workflow", "columns", "rules"]
    assert summary.decided == summary.asked
    assert authored.tables["order"].lifecycle.by is Author.LLM
    open_columns = {f"{table.table}.{name}" for table in undecided(schema, plan) for name in table.columns}
    assert open_columns == set(CASES["good"]["columns"])


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"].replace(" ", "-"))
def test_what_spoils_an_answer_is_caught(case, shop):
    schema, plan = shop
    with LlmServer(answered(case)) as server:
        _, summary = run(server, schema, plan, proof=try_out)
    repairs = [got.body["messages"] for got in server.requests if len(got.body["messages"]) > 2]
    assert len(repairs) == 1, "the spoilt answer was taken"
    told = repairs[0][-1]["content"]
    assert f'"{case["caught"]}"' in told if case["caught"] else '"error"' in told
    assert case.get("says", "") in told
    assert summary.kept == (), "the problem was said so that the good answer could follow"

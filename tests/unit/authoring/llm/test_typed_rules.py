"""Rules in words become typed rules: every sentence is answered, and what is typed holds and says something."""

import json
from pathlib import Path

import pytest
import yaml

from llm_plans import baseline, run
from llm_server import LlmServer
from seedbed.authoring.client.replies import CachedReplies
from seedbed.authoring.llm.rules import RULES_AT_ONCE, open_sentences
from seedbed.authoring.llm.trial import problems_of
from seedbed.plan.files import read_plan, write_plan
from seedbed.plan.merge import merge_plans
from seedbed.plan.rules import Cannot
from seedbed.plan.spec import Author
from seedbed.proving import hold_to_rules, try_out
from worlds import schema_from

CASES = yaml.safe_load(Path(__file__).parents[3].joinpath("cases/llm_chain/rules.yml").read_text(encoding="utf-8"))
REFUSAL = {"events": [{"choices": [{"delta": {"refusal": "No."}, "finish_reason": "stop"}]}]}


def shop(folder, sentences=CASES["sentences"]):
    lines = "".join(f"- {sentence}\n" for sentence in sentences)
    schema = schema_from(folder, yaml.safe_dump(CASES["project"], sort_keys=False), **{"business_rules.md": lines})
    return schema, baseline(schema)


def answer(changes, numbers=None):
    if "say" in changes or "events" in changes:
        return changes
    wanted = {**CASES["good"], **changes}
    rows = [
        {"number": number, "table": table, "rule": rule}
        for number, rules in wanted.items()
        if rules is not None and (numbers is None or number in numbers)
        for table, rule in rules
    ]
    return {"say": json.dumps({"rules": rows})}


def script(*changes):
    """The answers about rules in turn, and for columns the refusal that keeps the baseline's."""
    waiting = [answer(change) for change in changes]

    def respond(received):
        if "# Business rules to type" not in received.body["messages"][1]["content"]:
            return REFUSAL
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return respond


def about_rules(server):
    return [got for got in server.requests if "# Business rules to type" in got.body["messages"][1]["content"]]


def check(case, tmp_path, **options):
    schema, plan = shop(tmp_path)
    with LlmServer(script(*case["answers"])) as server:
        authored, summary = run(server, schema, plan, **options)
    assert problems_of(schema, authored) == []
    asked = about_rules(server)
    assert len(asked) == case.get("calls", len(asked))
    if "told" in case:
        assert case["told"] in asked[-1].body["messages"][-1]["content"].replace('\\"', '"')
    numbers = {sentence: number for number, sentence in enumerate(CASES["sentences"], 1)}
    typed = {numbers[entry.says] for entry in authored.rules if not isinstance(entry.rule, Cannot)}
    reasons = {numbers[entry.says]: entry.rule.reason for entry in authored.rules if isinstance(entry.rule, Cannot)}
    assert typed == set(case.get("typed", [1, 2, 3]))
    assert all(entry.by is Author.LLM for entry in authored.rules)
    if "open" in case:
        assert not authored.rules
        assert len([found for found in summary.kept if found.code == "rule-in-words"]) == len(CASES["sentences"])
        assert all(case["open"] in found.message for found in summary.kept if found.code == "rule-in-words")
        return
    assert reasons.keys() == {*case.get("cannot", {}), 4}
    assert all(text in reasons[number] for number, text in case.get("cannot", {}).items())
    told = [found for found in summary.kept if found.code == "rule-not-possible"]
    assert {found.location.file for found in told} == {"business_rules.md"}
    assert len(told) == len(reasons), "what nothing enforces is never dropped in silence"


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"].replace(" ", "-"))
def test_answers(case, tmp_path):
    check(case, tmp_path)


@pytest.mark.parametrize("case", CASES["on_rows"], ids=lambda case: case["name"].replace(" ", "-"))
def test_answers_are_held_against_rows(case, tmp_path):
    check(case, tmp_path, proof=try_out, rule_proof=hold_to_rules)


def test_a_good_answer_holds_in_the_rows(tmp_path):
    check({"answers": [{}], "calls": 1}, tmp_path, proof=try_out, rule_proof=hold_to_rules)


def test_what_was_typed_is_written_and_not_asked_for_again(tmp_path):
    schema, plan = shop(tmp_path)
    with LlmServer(script({})) as server:
        merged, changes = merge_plans(plan, run(server, schema, plan)[0], schema)
    assert changes.any
    write_plan(merged, tmp_path / "seedbed.yml")
    read, _ = read_plan(tmp_path / "seedbed.yml", tmp_path)
    assert read.rules == merged.rules
    assert len(read.rules) == 4
    assert open_sentences(schema, read) == []
    again, changes = merge_plans(read, plan, schema)
    assert (again.rules, changes.any) == (read.rules, False)


def test_only_the_sentences_without_a_rule_are_asked_for(tmp_path):
    sentences = [*CASES["sentences"][:2], "row('amount >= 0')"]
    schema, plan = shop(tmp_path, sentences)
    assert [sentence.text for sentence in open_sentences(schema, plan)] == CASES["sentences"][:2]


def test_a_warm_cache_types_nothing_again(tmp_path):
    schema, plan = shop(tmp_path / "shop")
    replies = CachedReplies(tmp_path / "cache")
    with LlmServer(script({1: None}, {})) as server:
        first, _ = run(server, schema, plan, replies)
        before = len(about_rules(server))
        again, _ = run(server, schema, plan, replies)
    assert (before, len(about_rules(server))) == (2, 2)
    assert again.rules == first.rules


def test_many_sentences_are_asked_for_twenty_at_a_time(tmp_path):
    sentences = [f"The amount is at most {10**6 + number}." for number in range(RULES_AT_ONCE + 3)]
    schema, plan = shop(tmp_path, sentences)

    def respond(received):
        text = received.body["messages"][1]["content"]
        if "# Business rules to type" not in text:
            return REFUSAL
        count = sum(line.partition(". ")[2].startswith("The amount is at most") for line in text.splitlines())
        if count < RULES_AT_ONCE:
            return {"say": "no"}
        rows = [{"number": n, "table": "orders", "rule": f"row('amount <= {10**6 + n}')"} for n in range(1, count + 1)]
        return {"say": json.dumps({"rules": rows})}

    with LlmServer(respond) as server:
        authored, summary = run(server, schema, plan)
    assert len(authored.rules) == RULES_AT_ONCE, "one call that fails leaves the other's rules"
    assert len([found for found in summary.kept if found.code == "rule-in-words"]) == 3
    assert len(about_rules(server)) == 4


def test_a_budget_that_ends_in_a_repair_keeps_what_held(tmp_path):
    schema, plan = shop(tmp_path)
    usage = {"prompt_tokens": 4_500, "completion_tokens": 1_000}

    def respond(received):
        if "# Business rules to type" not in received.body["messages"][1]["content"]:
            return REFUSAL
        said = answer({1: [["orders", "row('rebate <= 1')"]]})["say"]
        events = [{"choices": [{"delta": {"content": said}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
        return {"events": events}

    with LlmServer(respond) as server:
        authored, summary = run(server, schema, plan, max_tokens=6_000)
    assert "--max-tokens" in summary.stopped
    assert len(about_rules(server)) == 1
    kept = {CASES["sentences"].index(entry.says) + 1 for entry in authored.rules}
    assert kept == {2, 3, 4}, "the first sentence is left to the next run, not said to be impossible"

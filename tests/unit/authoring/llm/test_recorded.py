"""What a strong LLM answered to our prompts, put into plans, and held to the rules that the projects state."""

import json
import shutil
from collections import Counter

import pytest

from recorded import REPLIES, TEXTS, Answered, answered
from seedbed import api
from seedbed.authoring.client.ledger import estimate, estimate_tokens
from seedbed.authoring.llm.trial import problems_of
from seedbed.check import Status
from seedbed.documents import Document
from seedbed.plan.resolve import resolve
from seedbed.plan.resolved import Fixed
from seedbed.plan.rules import Cannot

# In every table that no other one drives: those below them have more.
MANY_ROWS = 10_000
# Sentences that no data can be held to.
BEYOND_DATA = {"claims": 2, "hotel": 1}


@pytest.fixture(scope="module", params=TEXTS)
def result(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copytree(REPLIES, folder / "replies", ignore=shutil.ignore_patterns("missing"))
    found = answered(request.param, folder / "project", folder / "replies")
    for path, text in found.summary.files.items():
        (folder / "project" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "project" / path).write_text(text, encoding="utf-8")
    return request.param, found, {path.name for path in (folder / "replies" / "missing").glob("*.json")}


def test_every_prompt_is_answered(result):
    *_, missing = result
    assert not missing, "the prompts changed: run python tests/recorded.py, and see tests/replies/README.md"


def test_answers_give_a_plan_that_can_be_carried_out(result):
    _, found, _ = result
    assert problems_of(found.schema, found.plan) == []
    assert not found.summary.stopped


def test_most_entries_are_valid_at_the_first_answer(result, tmp_path):
    name, found, _ = result
    shutil.copytree(REPLIES, tmp_path / "replies", ignore=shutil.ignore_patterns("missing"))
    first = answered(name, tmp_path / "project", tmp_path / "replies", repairs=False)
    assert first.summary.decided >= 0.9 * first.summary.asked, first.summary.kept
    assert found.summary.decided >= first.summary.decided


def test_every_sentence_is_enforced_or_refused_by_name(result):
    name, found, _ = result
    said = {fact.text for fact in found.schema.rules}
    told = Counter(rule.says for rule in found.plan.rules)
    assert said <= set(told)
    refused = {rule.says for rule in found.plan.rules if isinstance(rule.rule, Cannot)}
    assert len(refused) <= BEYOND_DATA.get(name, 0) + len(said) // 10, refused


def test_no_rule_is_broken_in_many_rows(result):
    _, found, _ = result
    resolved, problems = _resolve(found)
    assert resolved is not None, problems
    rows = {table.name: MANY_ROWS for table in resolved if isinstance(table.rows, Fixed)}
    resolved, problems = _resolve(found, rows)
    assert resolved is not None, problems
    api.write(resolved, api.csv_sink(resolved), workers=2)
    findings = api.check_seeds(resolved)
    assert len(findings) > 20
    broken = [f"{item.table}: {item.promise}, {item.violations}" for item in findings if item.status is Status.FAILED]
    assert not broken


def _resolve(found: Answered, rows: dict[str, int] | None = None):
    return resolve(found.schema, found.plan, Document({}, "seedbed.yml"), rows=rows)


def test_fifty_tables_are_planned_for_few_tokens(tmp_path):
    shutil.copytree(REPLIES, tmp_path / "replies", ignore=shutil.ignore_patterns("missing"))
    found = answered("fifty", tmp_path / "project", tmp_path / "replies")
    assert len(found.plan.tables) == 50
    assert estimate(found.asked).prompt <= 25_000
    recorded = (json.loads(path.read_text()) for path in REPLIES.glob("*/*.json") if path.stem in found.used)
    answers = [reply["content"] for reply in recorded]
    texts = [answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False) for answer in answers]
    assert sum(estimate_tokens(text, json=True) for text in texts) <= 20_000

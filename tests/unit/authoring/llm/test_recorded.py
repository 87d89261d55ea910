"""What a strong LLM answered to our prompts, put into plans; and that no prompt changed unnoticed."""

import shutil

import pytest

from recorded import PROJECTS, REPLIES, answered
from seedbed.authoring.llm.trial import problems_of


@pytest.fixture(params=PROJECTS)
def result(request, tmp_path):
    replies = tmp_path / "replies"
    shutil.copytree(REPLIES, replies, ignore=shutil.ignore_patterns("missing"))
    schema, plan, summary = answered(request.param, tmp_path / "project", replies)
    return schema, plan, summary, {path.name for path in (replies / "missing").glob("*.json")}


def test_every_prompt_is_answered_or_waits_for_it(result):
    *_, missing = result
    waiting = {path.name for path in (REPLIES / "missing").glob("*.json")}
    assert missing <= waiting, "the prompts changed: run python tests/recorded.py, and see tests/replies/README.md"


def test_answers_give_a_plan_that_can_be_carried_out(result):
    schema, plan, summary, missing = result
    assert problems_of(schema, plan) == []
    if missing:
        pytest.skip(f"{len(missing)} prompts have no answer yet")
    assert summary.decided >= 0.9 * summary.asked

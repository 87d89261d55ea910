"""Reading an LLM's answer: what stands around the object is forgiven, the object itself is not."""

import contextlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.authoring.client.answers import MAX_CHARACTERS, MAX_DEPTH, read_answer
from seedbed.authoring.client.outcomes import Invalid

CASES = yaml.safe_load((Path(__file__).parents[3] / "cases" / "llm" / "answers.yml").read_text(encoding="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:40].strip())
def test_answers(case):
    if "value" in case:
        assert read_answer(case["text"]) == case["value"]
        return
    with pytest.raises(Invalid) as caught:
        read_answer(case["text"])
    (problem,) = caught.value.diagnostics
    assert problem.code == case["code"]
    assert len(str(problem)) < 300, "it goes back to the LLM"


def test_a_broken_place_is_named():
    with pytest.raises(Invalid) as caught:
        read_answer('{\n "a": 1,\n "b": oops\n}')
    (problem,) = caught.value.diagnostics
    assert (problem.location.line, problem.location.column) == (3, 7)
    assert "oops" in problem.message


def test_the_key_that_stands_twice_is_named():
    with pytest.raises(Invalid, match='"total_amount" stands twice'):
        read_answer('{"rows": [{"total_amount": 1, "total_amount": 2}]}')


@pytest.mark.parametrize("depth", [MAX_DEPTH, 100_000])
def test_deep_nesting_is_refused(depth):
    with pytest.raises(Invalid) as caught:
        read_answer('{"a": ' + "[" * depth + "]" * depth + "}")
    assert caught.value.diagnostics[0].code == "answer-too-deep"


def test_the_deepest_that_is_allowed():
    assert read_answer('{"a": ' + "[" * (MAX_DEPTH - 2) + "1" + "]" * (MAX_DEPTH - 2) + "}")


def test_a_long_answer_is_not_searched():
    with pytest.raises(Invalid) as caught:
        read_answer("{" * (MAX_CHARACTERS + 1))
    assert caught.value.diagnostics[0].code == "answer-too-long"


@pytest.mark.parametrize("text", ["{" * 500_000, "<think>" * 100_000, '{"a' * 300_000, "{ " * 500_000, "[" * 999_999])
def test_hostile_text_is_read_in_no_time(text):
    with pytest.raises(Invalid):
        read_answer(text)


@given(
    st.dictionaries(st.text(), JSON, max_size=4),
    st.sampled_from(["", "\ufeff", "Here:\n", "```json\n", "<think>a</think>"]),
)
@settings(max_examples=200, deadline=None)
def test_every_object_reads_back(value, before):
    assert read_answer(before + json.dumps(value)) == value


@given(st.text(alphabet='{}[]",:`<>/think \n\\u0d8a1e9-.', max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_an_object_or_invalid(text):
    with contextlib.suppress(Invalid):
        assert isinstance(read_answer(text), dict)

"""Question, answer, repair: through the real client and server."""

import json

import pytest

from llm_server import LlmServer
from seedbed.authoring.client.calls import Limits, Message, Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.conversation import converse
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.ledger import Ledger
from seedbed.authoring.client.outcomes import Truncated, Unavailable
from seedbed.authoring.client.replies import CachedReplies, NoReplies, RecordedReplies
from seedbed.errors import AttemptsExhausted, Diagnostic, Location

SCHEMA = {"type": "object"}
REQUEST = Request("columns", (Message("system", "You design data."), Message("user", "How many?")), SCHEMA)


def client(server, replies=None, ledger=None):
    url = server.url if server else "http://127.0.0.1:9/v1"
    return Client(Endpoint(url, "m"), replies or NoReplies(), ledger or Ledger(), Limits(backoff=0.01, retries=0))


def many(value):
    """Valid are more than ten."""
    count = value.get("count")
    if isinstance(count, int) and count > 10:
        return count
    return [Diagnostic("too-few", f"{count} rows are too few", Location(path="count"), hint="more than 10")]


def say(value):
    return {"say": value if isinstance(value, str) else json.dumps(value)}


def test_a_good_answer_needs_one_call():
    with LlmServer(say({"count": 11})) as server, client(server) as llm:
        assert converse(llm, REQUEST, many) == 11
    assert len(server.requests) == 1


def test_what_is_wrong_goes_back():
    with LlmServer(say({"count": 1}), say({"count": 2}), say({"count": 12})) as server, client(server) as llm:
        assert converse(llm, REQUEST, many) == 12
    first, _, third = (request.body["messages"] for request in server.requests)
    assert third[: len(first)] == first, "the question stays the same"
    assert [message["role"] for message in third] == ["system", "user", "assistant", "user"], "only the last answer"
    assert third[2]["content"] == '{"count": 2}'
    assert '{"severity": "error", "code": "too-few", "message": "2 rows are too few"' in third[3]["content"]
    assert "more than 10" in third[3]["content"]


@pytest.mark.parametrize("bad", ["no JSON", '{"count": 1, "count": 11}', " "])
def test_what_is_no_json_goes_back_too(bad):
    with LlmServer(say(bad), say({"count": 11})) as server, client(server) as llm:
        assert converse(llm, REQUEST, many) == 11
    assert '"code": "answer-' in server.requests[1].body["messages"][-1]["content"]


def test_attempts_end():
    script = [say({"count": count}) for count in (1, 2, 3)]
    with (
        LlmServer(*script) as server,
        client(server) as llm,
        pytest.raises(AttemptsExhausted, match="3 rows") as error,
    ):
        converse(llm, REQUEST, many)
    assert [problem.code for problem in error.value.diagnostics] == ["too-few"]
    assert len(server.requests) == 3


def test_no_repairs():
    with LlmServer(say({"count": 1})) as server, client(server) as llm, pytest.raises(AttemptsExhausted):
        converse(llm, REQUEST, many, repairs=0)
    assert len(server.requests) == 1


def test_a_flood_of_problems_is_cut():
    flood = [Diagnostic("wrong", f"number {number}") for number in range(50)]
    with LlmServer(say({})) as server, client(server) as llm, pytest.raises(AttemptsExhausted):
        converse(llm, REQUEST, lambda value: flood, repairs=1)
    said = server.requests[1].body["messages"][-1]["content"]
    assert said.count('"wrong"') == 20
    assert "and 30 more" in said


def test_a_truncated_answer_is_the_callers_to_split():
    cut = {"events": [{"choices": [{"delta": {"content": "{"}, "finish_reason": "length"}]}]}
    with LlmServer(cut) as server, client(server) as llm, pytest.raises(Truncated):
        converse(llm, REQUEST, many)
    assert len(server.requests) == 1


def test_a_list_can_be_a_result():
    with LlmServer(say({"items": ["a"]})) as server, client(server) as llm:
        assert converse(llm, REQUEST, lambda value: value["items"]) == ["a"]
    with LlmServer(say({"items": []})) as server, client(server) as llm:
        assert converse(llm, REQUEST, lambda value: value["items"]) == []


def test_a_warm_cache_makes_no_call_even_after_repairs(tmp_path):
    script = [say({"count": 1}), say({"count": 12})]
    with LlmServer(*script) as server:
        with client(server, CachedReplies(tmp_path)) as llm:
            assert converse(llm, REQUEST, many) == 12
        ledger = Ledger()
        with client(server, CachedReplies(tmp_path), ledger) as llm:
            assert converse(llm, REQUEST, many) == 12
        assert len(server.requests) == 2
    assert (ledger.total.calls, ledger.total.recorded, ledger.total.prompt) == (0, 1, 0)


def test_an_invalid_answer_is_not_kept(tmp_path):
    replies = CachedReplies(tmp_path)
    with LlmServer(say({"count": 1})) as server, client(server, replies) as llm, pytest.raises(AttemptsExhausted):
        converse(llm, REQUEST, many)
    assert list(tmp_path.rglob("*.json")) == []


def test_a_kept_answer_that_is_no_longer_valid_is_asked_for_anew(tmp_path):
    with LlmServer(say({"count": 11}), say({"count": 101})) as server, client(server, CachedReplies(tmp_path)) as llm:
        assert converse(llm, REQUEST, many) == 11
        stricter = lambda value: value["count"] if value["count"] > 100 else [Diagnostic("few", "too few")]  # noqa: E731
        assert converse(llm, REQUEST, stricter) == 101
        assert server.requests[1].body["messages"] == server.requests[0].body["messages"]
        assert converse(llm, REQUEST, stricter) == 101
    assert len(server.requests) == 2


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    questions = [Request("columns", REQUEST.messages, SCHEMA, batch=batch) for batch in range(3)]
    failing = [say({"count": 11}), {"status": 401}, say({"count": 12})]
    with LlmServer(*failing) as server:
        with client(server, CachedReplies(tmp_path)) as llm:
            assert converse(llm, questions[0], many) == 11
            with pytest.raises(Unavailable):
                converse(llm, questions[1], many)
        with client(server, CachedReplies(tmp_path)) as llm:
            assert [converse(llm, question, many) for question in questions] == [11, 12, 12]
        assert len(server.requests) == 4, "the first was answered before"


def test_a_recorded_conversation_needs_no_server(tmp_path):
    replies = RecordedReplies(tmp_path)
    with client(None, replies) as llm:
        for answer in ({"count": 1}, {"count": 11}):
            with pytest.raises(Unavailable, match="no recorded reply"):
                converse(llm, REQUEST, many)
            (missing,) = (tmp_path / "missing").iterdir()
            question = json.loads(missing.read_text(encoding="utf-8"))
            path = tmp_path / question["key"][:2] / missing.name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({**question, "content": answer}), encoding="utf-8")
            missing.unlink()
        assert converse(llm, REQUEST, many) == 11
    assert llm.ledger.total.calls == 0

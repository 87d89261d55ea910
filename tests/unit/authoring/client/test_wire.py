"""Whatever bytes a server sends, they are read into an answer, and the same answer however they were cut."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_server import said
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.outcomes import Complaint, explain
from seedbed.authoring.client.wire import has_ended, read_body, read_error

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 700) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["choices", "delta", "message", "content", "text", "finish_reason", "refusal", "tool_calls", "function",
             "arguments", "index", "usage", "prompt_tokens", "completion_tokens", "prompt_tokens_details",
             "cached_tokens", "error", "code", "status", "param", "type", "detail"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


def stream(events, end="data: [DONE]\n\n"):
    return ("".join(f"data: {json.dumps(event)}\n\n" for event in events) + end).encode()


@given(st.lists(VALUES, max_size=4), st.booleans())
@settings(max_examples=400, deadline=None)
def test_no_type_of_value_surprises(payloads, whole):
    body = json.dumps(payloads[0] if payloads else None).encode() if whole else stream(payloads)
    answer = read_body(body, "application/json" if whole else "text/event-stream")
    assert answer.complaint is not None or answer.finish is not None
    answer.text.encode("utf-8")


@given(st.binary(max_size=200), st.sampled_from(["text/event-stream", "application/json", "", "text/html; charset=x"]))
@settings(max_examples=300, deadline=None)
def test_any_bytes(body, kind):
    answer = read_body(body, kind)
    assert answer.complaint is not None or answer.finish is not None


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_any_error(body):
    text, code, param, status = read_error(body)
    assert len(text) <= 300
    assert text.isprintable()
    assert code is None or isinstance(code, str)
    assert param is None or isinstance(param, str)
    assert status is None or 400 <= status < 600
    assert str(explain(Complaint(text, status, code, param), Endpoint("https://llm.test/v1", "m")))


@given(st.text(min_size=1, max_size=40), st.integers(0, 2_000))
@settings(max_examples=200, deadline=None)
def test_a_cut_stream_is_never_taken_for_a_whole_one(text, cut):
    text = text.encode("utf-8", "replace").decode()
    body = stream(said(text, finish=None, usage=False))
    answer = read_body(body, "text/event-stream")
    assert (answer.text, answer.finish) == (text, "stop")
    cut = min(cut, len(body) - len("[DONE]\n\n") - 1)
    part = read_body(body[:cut], "text/event-stream")
    assert part.finish is None
    assert part.complaint is not None
    assert text.startswith(part.text)


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(line):
    body = stream(said('{"a": "x\\ny"}')).replace(b"\n", line.encode())
    assert read_body(body, "text/event-stream; charset=utf-8").text == '{"a": "x\\ny"}'


def test_the_standard_of_events():
    """Fields without a space, comments, names of events, data in several lines."""
    body = b': hi\r\n\r\nevent: message\r\ndata:{"choices": [{"delta":\n'
    body += b'data: {"content": "a"}, "finish_reason": "stop"}]}\n\n'
    assert read_body(body, "text/event-stream").text == "a"


def test_other_choices_are_not_mixed_in():
    choices = [{"index": 1, "message": {"content": "no"}}, {"index": 0, "message": {"content": "yes"}}]
    assert read_body(json.dumps({"choices": choices}).encode(), "application/json").text == "yes"


def test_the_end_is_seen_wherever_the_bytes_are_cut():
    body = stream(said("data: [DONE] is what I say"))
    end = body.index(b"\ndata: [DONE]") + len("\ndata: [DONE]")
    for cut in range(1, len(body)):
        assert has_ended(body[:cut], 1) is (end <= cut < end + 16)
    assert has_ended(body, len(body))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "m", "code": "c", "param": "p"}}, ("m", "c", "p", None)),
        ({"error": {"message": "m", "code": 502}}, ("m", None, None, 502)),
        ({"error": {"message": "m", "type": "overloaded_error"}}, ("m", "overloaded_error", None, None)),
        ({"error": "words"}, ("words", None, None, None)),
        ({"detail": "Not Found"}, ("Not Found", None, None, None)),
        ("plain\x1b[31m\n text", ("plain [31m text", None, None, None)),
        (None, ("", None, None, None)),
    ],
)
def test_errors_as_servers_write_them(body, expected):
    assert read_error(body) == expected

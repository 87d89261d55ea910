"""Replies are kept whole, found only under their own question, and stand in for the LLM in tests."""

import dataclasses
import json
import stat
import threading

import pytest

from seedbed.authoring.client.calls import Message, Request
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.outcomes import Unavailable
from seedbed.authoring.client.replies import CachedReplies, NoReplies, RecordedReplies, open_replies
from seedbed.errors import AuthoringError

ENDPOINT = Endpoint("https://llm.test/v1", "some-model", "key")
REQUEST = Request("columns", (Message("user", "Which?"),), {"type": "object"})
TEXT = '{"städte": "Łódź \ud800"}'


def file_of(folder, request=REQUEST):
    key = request.key(ENDPOINT)
    return folder / key[:2] / f"{key}.json"


def test_what_is_kept_is_found(tmp_path):
    replies = CachedReplies(tmp_path / "llm")
    assert replies.find(REQUEST, ENDPOINT) is None
    replies.keep(REQUEST, ENDPOINT, TEXT)
    assert CachedReplies(tmp_path / "llm").find(REQUEST, ENDPOINT) == TEXT
    assert replies.find(REQUEST, ENDPOINT, fresh=True) is None


def test_nobody_else_can_read_it(tmp_path):
    replies = CachedReplies(tmp_path / "deep" / "llm")
    replies.keep(REQUEST, ENDPOINT, TEXT)
    path = file_of(tmp_path / "deep" / "llm")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "key" not in json.loads(path.read_text())["content"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "rows"},
        {"batch": 1},
        {"attempt": 1},
        {"max_tokens": 5},
        {"schema": {"type": "object", "required": []}},
        {"schema": {"title": "t", "type": "object"}},
        {"messages": (Message("user", "Which? "),)},
        {"messages": (Message("assistant", "Which?"),)},
    ],
    ids=str,
)
def test_another_question_has_another_key(change):
    assert dataclasses.replace(REQUEST, **change).key(ENDPOINT) != REQUEST.key(ENDPOINT)


@pytest.mark.parametrize(
    "change", [{"model": "other"}, {"base_url": "https://other.test/v1"}, {"temperature": 0.0}], ids=str
)
def test_another_llm_has_another_key(change):
    assert REQUEST.key(dataclasses.replace(ENDPOINT, **change)) != REQUEST.key(ENDPOINT)


def test_the_order_of_properties_is_in_the_key():
    """An LLM writes properties in the order in which it reads them."""
    one = dataclasses.replace(REQUEST, schema={"properties": {"a": {}, "b": {}}})
    other = dataclasses.replace(REQUEST, schema={"properties": {"b": {}, "a": {}}})
    assert one.key(ENDPOINT) != other.key(ENDPOINT)


def test_what_the_answer_does_not_depend_on_is_not_in_the_key():
    assert REQUEST.key(dataclasses.replace(ENDPOINT, api_key="other")) == REQUEST.key(ENDPOINT)
    assert dataclasses.replace(REQUEST, answer_tokens=7).key(ENDPOINT) == REQUEST.key(ENDPOINT)


def test_the_key_stays_the_same_for_ever():
    """A change here throws away every reply that anybody has paid for: raise the version with it, knowingly."""
    assert REQUEST.key(ENDPOINT) == "aa99bd5f195dde355c14a19a1663f492e6e9b4e7fef5f55f9ac54be93f6ac519"


@pytest.mark.parametrize(
    "damage",
    [
        lambda reply: "",
        lambda reply: "{",
        lambda reply: "[]",
        lambda reply: "[" * 100_000,
        lambda reply: json.dumps({**reply, "content": "other"}),
        lambda reply: json.dumps({**reply, "content": {"a": 1}}),
        lambda reply: json.dumps({**reply, "sha256": None}),
        lambda reply: json.dumps({**reply, "key": "0" * 64}),
        lambda reply: json.dumps({name: value for name, value in reply.items() if name != "content"}),
    ],
)
def test_what_is_damaged_is_not_found(tmp_path, damage):
    replies = CachedReplies(tmp_path)
    replies.keep(REQUEST, ENDPOINT, TEXT)
    path = file_of(tmp_path)
    path.write_text(damage(json.loads(path.read_text())), encoding="utf-8")
    assert replies.find(REQUEST, ENDPOINT) is None
    replies.keep(REQUEST, ENDPOINT, TEXT)
    assert replies.find(REQUEST, ENDPOINT) == TEXT


def test_a_reply_under_another_name_is_not_found(tmp_path):
    CachedReplies(tmp_path).keep(REQUEST, ENDPOINT, TEXT)
    other = dataclasses.replace(REQUEST, batch=1)
    file_of(tmp_path, other).parent.mkdir(exist_ok=True)
    file_of(tmp_path).rename(file_of(tmp_path, other))
    assert CachedReplies(tmp_path).find(other, ENDPOINT) is None


def test_refreshing_reads_nothing_and_replaces(tmp_path):
    CachedReplies(tmp_path).keep(REQUEST, ENDPOINT, "old")
    refreshing = CachedReplies(tmp_path, refresh=True)
    assert refreshing.find(REQUEST, ENDPOINT) is None
    refreshing.keep(REQUEST, ENDPOINT, "new")
    assert CachedReplies(tmp_path).find(REQUEST, ENDPOINT) == "new"


def test_a_folder_that_cannot_be_written_loses_no_answer(tmp_path):
    (tmp_path / "llm").write_text("a file", encoding="utf-8")
    replies = CachedReplies(tmp_path / "llm")
    replies.keep(REQUEST, ENDPOINT, TEXT)
    assert replies.find(REQUEST, ENDPOINT) is None


def test_many_writers_leave_one_whole_reply(tmp_path):
    texts = [str(number) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=CachedReplies(tmp_path).keep, args=(REQUEST, ENDPOINT, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert CachedReplies(tmp_path).find(REQUEST, ENDPOINT) in texts
    assert [path.name for path in file_of(tmp_path).parent.iterdir()] == [file_of(tmp_path).name]


# In place of the LLM


def test_a_question_without_a_recording_is_left_to_be_answered(tmp_path):
    replies = RecordedReplies(tmp_path)
    with pytest.raises(Unavailable, match="no recorded reply to columns") as caught:
        replies.find(REQUEST, ENDPOINT)
    (missing,) = (tmp_path / "missing").iterdir()
    assert str(missing) in str(caught.value)
    question = json.loads(missing.read_text(encoding="utf-8"))
    assert question["messages"][-1] == {"role": "user", "content": "Which?"}
    question["content"] = {"b": 1, "a": "x"}
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_text(json.dumps(question), encoding="utf-8")
    assert replies.find(REQUEST, ENDPOINT) == '{"a":"x","b":1}'
    assert replies.find(REQUEST, ENDPOINT, fresh=True) == '{"a":"x","b":1}'


def test_a_kept_reply_is_a_recording(tmp_path):
    CachedReplies(tmp_path).keep(REQUEST, ENDPOINT, TEXT)
    assert RecordedReplies(tmp_path).find(REQUEST, ENDPOINT) == TEXT


def test_a_recording_under_a_wrong_hash_is_none(tmp_path):
    CachedReplies(tmp_path).keep(REQUEST, ENDPOINT, TEXT)
    path = file_of(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "content": "other"}), encoding="utf-8")
    with pytest.raises(Unavailable):
        RecordedReplies(tmp_path).find(REQUEST, ENDPOINT)


def test_which_replies_are_opened(tmp_path):
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    open_replies(environ).keep(REQUEST, ENDPOINT, TEXT)
    assert CachedReplies(tmp_path / "seedbed" / "llm").find(REQUEST, ENDPOINT) == TEXT
    assert open_replies(environ).find(REQUEST, ENDPOINT) == TEXT
    assert open_replies(environ, refresh=True).find(REQUEST, ENDPOINT) is None
    assert isinstance(open_replies(environ, cache=False), NoReplies)
    assert isinstance(open_replies({"SEEDBED_LLM_REPLAY": str(tmp_path)}, cache=False), RecordedReplies)
    with pytest.raises(AuthoringError, match="no folder"):
        open_replies({"SEEDBED_LLM_REPLAY": str(tmp_path / "nowhere")})

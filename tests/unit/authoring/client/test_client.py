"""Calls through the real SDK to a real server that misbehaves: each ends in an answer or in one clear outcome."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest
import yaml

from llm_server import LlmServer, said
from seedbed.authoring.client.calls import Limits, Message, Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.ledger import Ledger
from seedbed.authoring.client.outcomes import BudgetExceeded, Invalid, Refused, Truncated, Unavailable
from seedbed.authoring.client.replies import NoReplies

FAULTS = yaml.safe_load((Path(__file__).parents[3] / "cases" / "llm" / "faults.yml").read_text(encoding="utf-8"))
OUTCOMES = {"unavailable": Unavailable, "refused": Refused, "truncated": Truncated, "invalid": Invalid}
QUICK = {"timeout": 2.0, "deadline": 5.0, "retries": 2, "backoff": 0.01, "patience": 2.0}
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
REQUEST = Request("columns", (Message("system", "You design data."), Message("user", "Say ok.")), SCHEMA)
GOOD = {"say": '{"ok": true}'}


def client(server, *, ledger=None, replies=None, key="secret", temperature=None, **limits):
    url = server if isinstance(server, str) else server.url
    endpoint = Endpoint(url, "some-model", key, temperature)
    return Client(endpoint, replies or NoReplies(), ledger or Ledger(), Limits(**{**QUICK, **limits}))


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case["name"])
def test_every_fault_ends_in_one_outcome(case):
    ledger = Ledger()
    with LlmServer(*case["replies"]) as server, client(server, ledger=ledger, **case.get("limits", {})) as llm:
        began = time.monotonic()
        if case["outcome"] == "answer":
            text = llm.complete(REQUEST).text
            assert text.replace(" ", "").startswith('{"ok":true')
            assert text.isprintable()
            assert text.encode("utf-8")
            if "measured" in case:
                assert ledger.total.measured is case["measured"]
        else:
            with pytest.raises(OUTCOMES[case["outcome"]]) as caught:
                llm.complete(REQUEST)
            for part in case.get("says", []):
                assert part in str(caught.value)
        took = time.monotonic() - began
    assert len(server.requests) == case.get("requests", len(server.requests))
    assert case.get("at_least", 0) <= took <= case.get("at_most", 5)


def test_every_outcome_is_among_the_faults():
    assert {case["outcome"] for case in FAULTS} == {"answer", *OUTCOMES}
    assert len({case["name"] for case in FAULTS}) == len(FAULTS) >= 34


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        client(f"http://127.0.0.1:{port}/v1") as llm,
        pytest.raises(Unavailable, match="Is the server running") as caught,
    ):
        llm.complete(REQUEST)
    assert caught.value.__cause__ is not None


def test_an_unknown_host(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with client("https://nowhere.invalid/v1") as llm, pytest.raises(Unavailable, match=r"nowhere\.invalid"):
        llm.complete(REQUEST)


def test_a_server_without_tls_behind_https():
    with LlmServer(GOOD) as server:
        url = server.url.replace("http://", "https://")
        with client(url, retries=0) as llm, pytest.raises(Unavailable):
            llm.complete(REQUEST)


# What is sent


def test_the_schema_is_a_parameter_and_in_the_prompt():
    with LlmServer(GOOD) as server, client(server) as llm:
        llm.complete(REQUEST)
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    body = request.body
    assert body["response_format"]["json_schema"] == {"name": "columns", "schema": SCHEMA, "strict": True}
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["max_completion_tokens"] == 16_000
    assert "temperature" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"].startswith("You design data.")
    assert '"additionalProperties":false' in body["messages"][0]["content"]


def test_a_temperature_is_sent_when_set():
    with LlmServer(GOOD) as server, client(server, temperature=0.2) as llm:
        llm.complete(REQUEST)
    assert server.requests[0].body["temperature"] == 0.2


def test_nothing_of_the_environment_leaves(monkeypatch):
    for name, value in {
        "OPENAI_API_KEY": "sk-of-openai",
        "OPENAI_ADMIN_KEY": "sk-of-an-admin",
        "OPENAI_ORG_ID": "org-1",
        "OPENAI_PROJECT_ID": "proj-1",
        "OPENAI_BASE_URL": "https://elsewhere.test/v1",
        "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer stolen\nX-Extra: extra",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with LlmServer(GOOD) as server, client(server) as llm:
        llm.complete(REQUEST)
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer secret"
    allowed = {"host", "connection", "accept", "accept-encoding", "content-type", "content-length", "user-agent"}
    assert set(headers) == {*allowed, "authorization"}
    assert not any(word in str(headers) for word in ("sk-of", "org-1", "proj-1", "stolen", "extra"))


def test_without_a_key_none_is_sent(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    with LlmServer(GOOD) as server, client(server, key=None) as llm:
        llm.complete(REQUEST)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "OPENAI_CUSTOM_HEADERS", "SSL_CERT_FILE"])
def test_settings_that_cannot_be_used_are_named(monkeypatch, variable):
    monkeypatch.setenv(variable, {"SSL_CERT_FILE": "/nowhere/ca.pem"}.get(variable, "::no setting::"))
    with client("https://nowhere.invalid/v1", retries=0) as llm, pytest.raises(Unavailable) as caught:
        llm.complete(REQUEST)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_neither_key_nor_prompt_follow_a_redirect(status):
    with LlmServer(GOOD) as other:
        redirect = {"status": status, "headers": {"location": f"{other.url}/chat/completions"}}
        with LlmServer(redirect) as server, client(server) as llm, pytest.raises(Unavailable, match="redirects"):
            llm.complete(REQUEST)
    assert other.requests == []


def test_a_proxy_is_used_for_other_machines(monkeypatch):
    with LlmServer({"status": 407}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        # Over http, so that the test needs no certificate: `read_endpoint` would refuse it.
        with client("http://llm.invalid/v1") as llm, pytest.raises(Unavailable, match="407"):
            llm.complete(REQUEST)
    assert len(proxy.requests) == 1


# What a server understands


def declines(*words, text="Unsupported parameter: '{}'"):
    """A server that knows everything but these parameters."""

    def reply(received):
        body = received.body
        form = body.get("response_format", {}).get("type")
        for word in words:
            if word in body or word == form:
                name = "response_format" if word == form else word
                return {"status": 400, "json": {"error": {"message": text.format(word), "param": name}}}
        return GOOD

    return reply


@pytest.mark.parametrize(
    ("words", "left", "requests"),
    [
        (["json_schema"], {"format": "json_object", "limit": "max_completion_tokens"}, 2),
        (["json_schema", "json_object"], {"format": None, "limit": "max_completion_tokens"}, 3),
        (["max_completion_tokens"], {"format": "json_schema", "limit": "max_tokens"}, 2),
        (["max_completion_tokens", "max_tokens"], {"format": "json_schema", "limit": None}, 3),
        (["stream_options"], {"format": "json_schema", "limit": "max_completion_tokens"}, 2),
        (["temperature"], {"format": "json_schema", "limit": "max_completion_tokens"}, 2),
        (["json_schema", "json_object", "temperature", "stream_options"], {"format": None}, 5),
    ],
)
def test_what_is_declined_is_left_out_and_remembered(words, left, requests):
    with LlmServer(declines(*words)) as server, client(server, temperature=0.5) as llm:
        llm.complete(REQUEST)
        assert len(server.requests) == requests
        llm.complete(REQUEST)
    assert len(server.requests) == requests + 1, "the second call sends only what is understood"
    body = server.requests[-1].body
    assert body.get("response_format", {}).get("type") == left["format"]
    limits = [name for name in ("max_completion_tokens", "max_tokens") if name in body]
    assert limits == [name for name in [left.get("limit", "max_completion_tokens")] if name]
    assert ("temperature" in body) is ("temperature" not in words)
    assert "additionalProperties" in body["messages"][0]["content"]


def test_a_complaint_without_names_walks_down_the_formats_first():
    with LlmServer(declines("json_schema", "json_object", text="bad request")) as server, client(server) as llm:
        assert llm.complete(REQUEST).text == GOOD["say"]
    assert "max_completion_tokens" in server.requests[-1].body


def test_a_request_that_fails_for_another_reason_changes_nothing():
    script = [{"status": 400, "json": {"error": {"message": "nope"}}}] * 6 + [GOOD]
    with LlmServer(*script) as server, client(server) as llm:
        with pytest.raises(Unavailable):
            llm.complete(REQUEST)
        llm.complete(REQUEST)
    assert server.requests[-1].body["response_format"]["type"] == "json_schema"


# Many calls


class RateLimited:
    """At most so many answers in each window of time."""

    def __init__(self, answers, window):
        self.answers, self.window = answers, window
        self.lock, self.given, self.refused = threading.Lock(), [], 0

    def __call__(self, received):
        with self.lock:
            now = time.monotonic()
            self.given = [moment for moment in self.given if now - moment < self.window]
            if len(self.given) < self.answers:
                self.given.append(now)
                return GOOD
            self.refused += 1
            wait = self.window - (now - self.given[0])
            return {"status": 429, "headers": {"retry-after-ms": f"{wait * 1000:.0f}"}}


def in_threads(count, work):
    failures, done = [], []

    def run(number):
        try:
            done.append(work(number))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return done, failures


def test_rate_limits_lose_no_call():
    limit = RateLimited(4, 0.25)
    ledger = Ledger()
    with LlmServer(limit) as server, client(server, ledger=ledger, calls_at_once=8, patience=20, retries=0) as llm:
        done, failures = in_threads(8, lambda number: [llm.complete(REQUEST) for _ in range(3)])
    assert failures == []
    assert sum(map(len, done)) == 24 == ledger.total.calls
    assert 0 < limit.refused <= 24, "one refusal pauses all calls"


def test_no_more_calls_at_once_than_allowed():
    running, most, lock = 0, 0, threading.Lock()

    def reply(received):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return GOOD

    with LlmServer(reply) as server, client(server, calls_at_once=2) as llm:
        done, failures = in_threads(6, lambda number: llm.complete(REQUEST))
    assert (len(done), failures, most) == (6, [], 2)


# What it costs


def test_every_answer_is_written_down():
    ledger = Ledger()
    with LlmServer({"status": 500}, GOOD) as server, client(server, ledger=ledger) as llm:
        completion = llm.complete(REQUEST)
    (entry,) = ledger.entries
    assert (entry.name, entry.usage.prompt, entry.usage.completion, entry.usage.cached) == ("columns", 100, 20, 40)
    assert entry.usage == completion.usage
    assert 0 < entry.seconds < 5


def test_answers_that_broke_off_are_paid_for():
    ledger = Ledger()
    broken = {"say": '{"ok": true, "more": "words"}', "break": 260}
    with LlmServer(broken, GOOD) as server, client(server, ledger=ledger) as llm:
        llm.complete(REQUEST)
    first, second = ledger.entries
    assert not first.usage.measured
    assert first.usage.prompt > 10
    assert second.usage.measured


def test_the_budget_stops_before_a_call():
    ledger = Ledger(max_tokens=1_300)
    request = Request("columns", REQUEST.messages, SCHEMA, answer_tokens=1_150, max_tokens=2_000)
    with LlmServer(GOOD) as server, client(server, ledger=ledger) as llm:
        llm.complete(request)  # costs 120
        with pytest.raises(BudgetExceeded, match="1,180 are left"):
            llm.complete(request)
        assert len(server.requests) == 1
        llm.complete(Request("rows", REQUEST.messages, SCHEMA, answer_tokens=10))
    sent = [request.body["max_completion_tokens"] for request in server.requests]
    assert 1_150 < sent[0] < 1_300, "the answer may be no longer than what is left"
    assert sent[1] < 1_180


def test_an_answer_that_the_budget_cut_is_not_asked_for_again_in_halves():
    cut = {"events": said('{"ok"', finish="length")}
    ledger = Ledger(max_tokens=1_500)
    with LlmServer(cut) as server, client(server, ledger=ledger) as llm, pytest.raises(BudgetExceeded, match="cut at"):
        llm.complete(REQUEST)
    assert ledger.total.completion == 20, "what was paid is written down"
    assert len(server.requests) == 1


def test_calls_at_once_do_not_pass_the_budget_together():
    ledger = Ledger(max_tokens=2_000)
    request = Request("columns", REQUEST.messages, SCHEMA, answer_tokens=450, max_tokens=1_500)
    usage = {"prompt_tokens": 40, "completion_tokens": 400}
    slow = {"events": [*said('{"ok": true}', usage=False), {"choices": [], "usage": usage}], "silent": 0.03}
    with LlmServer(slow) as server, client(server, ledger=ledger, calls_at_once=8) as llm:
        done, failures = in_threads(8, lambda number: llm.complete(request))
    assert ledger.total.prompt + ledger.total.completion <= 2_000
    assert len(done) == 4, "what a call did not use is there for the next"
    assert [type(failure) for failure in failures] == [BudgetExceeded] * 4


def test_the_key_is_nowhere_to_be_seen(caplog):
    caplog.set_level("DEBUG")
    with LlmServer({"status": 401, "json": {"error": {"message": "bad key"}}}) as server, client(server) as llm:
        with pytest.raises(Unavailable) as caught:
            llm.complete(REQUEST)
        assert "secret" not in repr(llm.endpoint)
    assert "secret" not in str(caught.value) + caplog.text
    assert os.environ.get("OPENAI_API_KEY") != "secret"

"""The chat completions protocol as servers speak it: the bytes of a response, read into one answer.

A stream of server-sent events and a whole JSON body are the same to the reader, whichever was asked for. Nothing
is taken for granted about a value's type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from seedbed.authoring.client.calls import Usage
from seedbed.authoring.client.outcomes import Complaint, may_pass

_LINE = re.compile(r"\r\n|\n|\r")
_LAST = re.compile(rb"^data: ?\[DONE\]", re.M)
_LOOK_BACK = 16
_QUOTED = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to: text, how it ended, and what it cost; or a complaint, perhaps with a part of the text.

    `finish` is the protocol's finish reason (`stop`, `length`, `content_filter`, ...); None where the answer broke off.
    """

    text: str = ""
    finish: str | None = None
    refusal: str = ""
    usage: Usage | None = None
    complaint: Complaint | None = None


def has_ended(body: bytes | bytearray, new: int) -> bool:
    """Whether the stream's last event is in; some servers keep the connection open after it.

    Args:
        body: all bytes so far.
        new: how many of them the caller has not asked about before.
    """
    return bool(_LAST.search(bytes(body[-(new + _LOOK_BACK) :])))


def read_body(body: bytes, content_type: str) -> Answer:
    """The answer in a response with status 200, whole or as much of it as has arrived."""
    text = body.decode("utf-8-sig", "replace")
    kind = content_type.partition(";")[0].strip().lower()
    if re.match(r"\s*(data|event|id|retry)?:", text) or (kind == "text/event-stream" and not text.strip()):
        events, ended = _events(text)
        return _collect(events, ended)
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        return Answer(complaint=_not_the_protocol(text, kind))
    if not isinstance(payload, dict) or not ("choices" in payload or payload.get("error")):
        return Answer(complaint=_not_the_protocol(text, kind))
    return _collect([payload], ended=True)


def read_error(body: object) -> tuple[str, str | None, str | None, int | None]:
    """Text, code, parameter and status of an error as servers send it.

    They write `{"error": {"message", "code", "param"}}`, `{"error": "text"}`, `{"detail": ...}` or plain text.
    """
    error = body
    for name in ("error", "detail"):
        if isinstance(error, dict) and error.get(name):
            error = error[name]
    if not isinstance(error, dict):
        return _short(error), None, None, None
    code = error.get("code")
    status = _status(code) or _status(error.get("status"))
    kind = code if isinstance(code, str) and code and status is None else error.get("type")
    param = error.get("param")
    text = error.get("message") or error.get("msg") or error
    return _short(text), _string(kind) or None, _string(param) or None, status


def _events(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The payloads of a stream and whether all of it arrived; an event that cannot be read is one that was cut."""
    payloads: list[dict[str, Any]] = []
    for data in _data(text):
        if data.startswith("[DONE]"):
            return payloads, True
        try:
            payload = json.loads(data)
        except (ValueError, RecursionError):
            return payloads, False
        if isinstance(payload, dict):
            payloads.append(payload)
    return payloads, False


def _data(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in [*_LINE.split(text), ""]:
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif not line and lines:
            yield "\n".join(lines)
            lines = []


def _collect(payloads: Iterable[dict[str, Any]], ended: bool) -> Answer:
    text: list[str] = []
    arguments: list[str] = []
    refusal: list[str] = []
    finish: str | None = None
    usage: Usage | None = None
    for payload in payloads:
        if payload.get("error"):
            said, code, param, status = read_error(payload)
            transient = may_pass(status, code) if status else code is None or "server" in code or "overload" in code
            partial = _mended("".join(text))
            return Answer(partial, usage=usage, complaint=Complaint(said, status, code, param, transient=transient))
        usage = _usage(payload.get("usage")) or usage
        for choice in _list(payload.get("choices")):
            if not isinstance(choice, dict) or choice.get("index") not in (0, None):
                continue
            part = choice.get("delta") or choice.get("message")
            part = part if isinstance(part, dict) else {}
            text.append(_content(part.get("content")))
            refusal.append(_string(part.get("refusal")))
            arguments.append(_first_arguments(part.get("tool_calls")))
            finish = _string(choice.get("finish_reason")) or finish
    whole = _mended("".join(text) or "".join(arguments))
    if finish is None and not ended:
        complaint = Complaint("the answer broke off before its end", transient=True, cut=bool(whole))
        return Answer(whole, None, "".join(refusal), usage, complaint)
    return Answer(whole, finish or "stop", "".join(refusal), usage)


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    details = value.get("prompt_tokens_details")
    prompt, completion = _count(value.get("prompt_tokens")), _count(value.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    return Usage(prompt, completion, _count(details.get("cached_tokens") if isinstance(details, dict) else 0) or 0)


def _content(value: object) -> str:
    """Content is text, or a list of parts some of which are."""
    if isinstance(value, list):
        return "".join(_string(part.get("text")) for part in value if isinstance(part, dict))
    return _string(value)


def _first_arguments(value: object) -> str:
    """What the first call of a tool says: some models answer so, although no tool was offered."""
    for call in _list(value):
        if isinstance(call, dict) and call.get("index") in (0, None) and isinstance(call.get("function"), dict):
            return _string(call["function"].get("arguments"))
    return ""


def _mended(text: str) -> str:
    """Pairs of surrogates that were sent in two events, put together; what has no partner becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _not_the_protocol(text: str, kind: str) -> Complaint:
    if not text.strip():
        return Complaint("the response is empty", transient=True)
    if "html" in kind or re.match(r"\s*<(!doctype|html)", text, re.I):
        said = "a web page was answered. Is the base URL right? It usually ends in /v1. A login page of the network?"
        return Complaint(said)
    return Complaint(f"the answer is not that of an OpenAI-compatible server: {_short(text)}")


def _status(value: object) -> int | None:
    return int(str(value)) if re.fullmatch(r"[45][0-9]{2}", str(value)) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _short(value: object) -> str:
    """The value on one line, short, without what could steer a terminal."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 3]}..."

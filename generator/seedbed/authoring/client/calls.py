"""What a call to the LLM is made of: the request, the answer, what it cost, and the limits it keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from seedbed.authoring.client.endpoint import Endpoint
from seedbed.errors import Diagnostic

_KEY_VERSION = 1
_ANSWER_FORMAT = "Answer with one JSON object, without prose or code fence. It follows this JSON Schema:\n"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the LLM, whose answer is a JSON object.

    `name` is the kind of call, such as `columns`, and `batch` its place among the calls of that kind: both are part
    of a reply's key, so that two batches with the same words still get two answers. `attempt` counts repairs.
    `answer_tokens` is about how long the answer will be and `max_tokens` how long it may be.
    """

    name: str
    messages: tuple[Message, ...]
    schema: Mapping[str, object]
    batch: int = 0
    attempt: int = 0
    answer_tokens: int = 1_000
    max_tokens: int = 16_000

    def prompt(self) -> list[dict[str, str]]:
        """The messages as they are sent, with the schema in them.

        A server that takes the schema as a parameter only masks tokens with it, and may as well ignore it: the LLM
        must read it too. It stands in the one leading system message, which is the same for all calls of a kind.
        """
        schema = _ANSWER_FORMAT + json.dumps(self.schema, ensure_ascii=False, separators=(",", ":"))
        first = self.messages[0] if self.messages else None
        if first is None or first.role != "system":
            return [{"role": "system", "content": schema}, *_spelled(self.messages)]
        return [{"role": "system", "content": f"{first.content}\n\n{schema}"}, *_spelled(self.messages[1:])]

    def key(self, endpoint: Endpoint) -> str:
        """The name of this request's answer: a hash of all that the answer depends on."""
        content = {
            "v": _KEY_VERSION,
            "host": endpoint.host,
            "model": endpoint.model,
            "messages": self.prompt(),
            "schema": self.schema,
            "name": self.name,
            "batch": self.batch,
            "attempt": self.attempt,
            "temperature": endpoint.temperature,
            "max_tokens": self.max_tokens,
        }
        return hashlib.sha256(canonical_json(content).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Rejection:
    """An answer that could not be used, and why."""

    request: Request
    problems: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; `cached` are those of the prompt that the provider had seen before.

    `measured` is False where the server did not say, and the numbers are estimates.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    measured: bool = True

    @property
    def total(self) -> int:
        """What counts against the budget."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Completion:
    """The text that the LLM answered, not yet read. `recorded` says that no call was made for it."""

    text: str
    usage: Usage = Usage()
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take and how often it is tried. Times are seconds.

    Attributes:
        timeout: the longest silence of the server.
        deadline: of one attempt, from the request to the last byte, looked at with each part of the body that
            arrives; a server that drips never falls silent.
        max_bytes: of one response.
        retries: after a broken connection or a server error; rate limits do not count.
        backoff: before the first retry; doubles with each, up to 16 times as long.
        patience: how long one call waits for rate limits in all.
        calls_at_once: requests under way at the same time.
    """

    timeout: float = 120.0
    deadline: float = 600.0
    max_bytes: int = 32_000_000
    retries: int = 4
    backoff: float = 0.5
    patience: float = 300.0
    calls_at_once: int = 4


def canonical_json(value: object) -> str:
    """The one spelling of a JSON value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _spelled(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]

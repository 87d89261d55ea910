"""What a server understands of the protocol, found out by asking for all of it and leaving out what it declines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.outcomes import Complaint, is_about_content

_FORMATS = ("json_schema", "json_object", None)
_TOKEN_LIMITS = ("max_completion_tokens", "max_tokens", None)
_ABOUT_FORMAT = ("response_format", "json_schema", "json_object", "grammar")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Which parameters are sent: at first all, then what is left after the server's complaints.

    `response_format` is `json_schema`, `json_object` or None (the prompt alone says what to answer); `token_limit`
    is the parameter's name; `usage` asks for the token counts of a stream.
    """

    response_format: str | None = "json_schema"
    token_limit: str | None = "max_completion_tokens"
    usage: bool = True
    temperature: bool = True

    def payload(self, request: Request, model: str, temperature: float | None, max_tokens: int) -> dict[str, Any]:
        """The parameters of one chat completion."""
        payload: dict[str, Any] = {"model": model, "messages": request.prompt(), "stream": True}
        if self.response_format == "json_schema":
            named = {"name": request.name, "schema": request.schema, "strict": True}
            payload["response_format"] = {"type": "json_schema", "json_schema": named}
        elif self.response_format:
            payload["response_format"] = {"type": self.response_format}
        if self.token_limit:
            payload[self.token_limit] = max_tokens
        if self.usage:
            payload["stream_options"] = {"include_usage": True}
        if self.temperature and temperature is not None:
            payload["temperature"] = temperature
        return payload

    def without(self, complaint: Complaint) -> Capabilities | None:
        """What to send after this complaint; None if it is not about a parameter, or nothing is left to leave out."""
        if complaint.status is None or is_about_content(complaint):
            return None
        said = f"{complaint.param} {complaint.text}".lower()
        if complaint.status not in (400, 422):  # a router without such a server, or one that cannot build a grammar
            named = self.response_format and any(word in said for word in _ABOUT_FORMAT)
            return replace(self, response_format=_next(_FORMATS, self.response_format or "")) if named else None
        if "temperature" in said and self.temperature:
            return replace(self, temperature=False)
        if "stream_options" in said and self.usage:
            return replace(self, usage=False)
        if self.token_limit and self.token_limit in said:
            return replace(self, token_limit=_next(_TOKEN_LIMITS, self.token_limit))
        if self.response_format:
            return replace(self, response_format=_next(_FORMATS, self.response_format))
        # Nothing that is sent was named, and the answer's format was not it.
        if self.token_limit:
            return replace(self, token_limit=_next(_TOKEN_LIMITS, self.token_limit))
        return replace(self, usage=False) if self.usage else None


def _next(ladder: tuple[str | None, ...], step: str) -> str | None:
    return ladder[ladder.index(step) + 1]

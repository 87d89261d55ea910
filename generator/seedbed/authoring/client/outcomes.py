"""How a call to the LLM can end other than with an answer, and what the person can do about it.

AuthoringError
├─ ProviderError
│  ├─ Unavailable      nothing was answered: go on without the LLM, or stop
│  ├─ Refused          the LLM or its provider declined: asking again is of no use
│  ├─ Truncated        the answer is not whole: ask for less at once
│  └─ Invalid          the answer is no JSON object: ask for it again
└─ BudgetExceeded      the limit on tokens is reached; what was answered so far is kept
"""

from __future__ import annotations

from dataclasses import dataclass

from seedbed.authoring.client.endpoint import Endpoint
from seedbed.errors import AuthoringError, ProviderError


class Unavailable(ProviderError):
    """Nothing was answered: no connection, no access, or no OpenAI-compatible server."""


class Refused(ProviderError):
    """The LLM declined to answer, or its provider's filter did."""


class Truncated(ProviderError):
    """The answer is not whole; a smaller question may be answered in full."""


class Invalid(ProviderError):
    """The answer is empty or no JSON object; `diagnostics` say what is wrong with it."""


class BudgetExceeded(AuthoringError):
    """The next call would pass the limit on tokens."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What went wrong with one request, as the server or the network put it.

    `status` is the HTTP status, also where it stands inside a response; `retry_after` are seconds that the server
    asks for. `transient` problems may be gone at the next try. `cut` means that the answer had begun.
    """

    text: str
    status: int | None = None
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    transient: bool = False
    cut: bool = False
    cause: BaseException | None = None

    @property
    def is_rate_limit(self) -> bool:
        """Whether all calls should wait: 429, or an overloaded server that says for how long (503, 529)."""
        return self.transient and (self.status == 429 or (self.retry_after is not None and (self.status or 0) >= 500))


_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance")
_TRANSIENT = (408, 409, 425, 429)
_TOO_LONG = ("context_length", "context length", "context window", "prompt is too long", "string_above_max_length")
_FILTER = ("content_filter", "content_policy", "responsibleai", "content management policy")


def may_pass(status: int | None, code: str | None) -> bool:
    """Whether a request that ended in this status is worth sending again."""
    return code not in _NO_CREDIT and status is not None and (status in _TRANSIENT or 500 <= status < 600)


def is_about_content(complaint: Complaint) -> bool:
    """Whether the request was understood, and declined for what it says, its length or the model it names."""
    said = f"{complaint.code} {complaint.text}".lower()
    return any(mark in said for mark in (*_TOO_LONG, *_FILTER, *_NO_CREDIT, "model_not_found"))


def explain(complaint: Complaint, endpoint: Endpoint) -> ProviderError:
    """The complaint as the error that the caller is to see: what happened, then what to do."""
    said = f"{complaint.code} {complaint.text}".lower()
    status, host = complaint.status, endpoint.host
    quoted = f" It says: {complaint.text}" if complaint.text else ""
    if any(mark in said for mark in _FILTER):
        return Refused(f"The content filter of {host} declined the prompt.{quoted}")
    if any(mark in said for mark in _TOO_LONG) or status == 413:
        return Truncated(f"The prompt is longer than {endpoint.model} takes.{quoted}")
    if complaint.code in _NO_CREDIT or status == 402:
        return Unavailable(f"The account at {host} has no credit left.{quoted} Add credit, or use another key.")
    if status == 401:
        return Unavailable(f"{host} does not accept the API key.{quoted} Check SEEDBED_LLM_API_KEY.")
    if status == 403:
        return Unavailable(
            f"The API key has no access to {endpoint.model} at {host}.{quoted} Use another key or model."
        )
    if status == 404 or complaint.code == "model_not_found":
        return Unavailable(
            f'{host} has no model "{endpoint.model}", or no chat completions at {endpoint.base_url}.{quoted} '
            "Check SEEDBED_LLM_MODEL, and that the base URL is right: it usually ends in /v1."
        )
    if status == 429:
        wait = f" for {complaint.retry_after:,.0f} s" if complaint.retry_after else ""
        return Unavailable(f"{host} asks to wait{wait} (rate limit).{quoted} Try again later; finished calls are kept.")
    if status and 300 <= status < 400:
        return Unavailable(
            f"{host} redirects to {complaint.text or 'another address'}, which is not followed: the prompt would go "
            "there. Set SEEDBED_LLM_BASE_URL to the address you trust."
        )
    if status and status >= 500:
        return Unavailable(f"{host} cannot answer at the moment (HTTP {status}).{quoted} Try again later.")
    if status:
        return Unavailable(f"{host} does not accept the request (HTTP {status}).{quoted}")
    return Unavailable(f"{host}: {complaint.text}")

"""Asks an LLM: recorded replies first, then the endpoint, within the budget and in spite of what goes wrong there."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from seedbed.authoring.client.calls import Completion, Limits, Rejection, Request, Usage
from seedbed.authoring.client.capabilities import Capabilities
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.gate import Gate
from seedbed.authoring.client.ledger import Entry, Ledger, Reservation, estimate_prompt, estimate_tokens
from seedbed.authoring.client.openai import Connection
from seedbed.authoring.client.outcomes import BudgetExceeded, Complaint, Invalid, Refused, Truncated, explain
from seedbed.authoring.client.replies import Replies
from seedbed.authoring.client.wire import Answer
from seedbed.errors import Diagnostic, ProviderError


class Client:
    """The calls of one run to one endpoint; threads may share it. Close it, or use it in a `with` statement."""

    def __init__(self, endpoint: Endpoint, replies: Replies, ledger: Ledger, limits: Limits | None = None) -> None:
        """Opens no connection before the first call that needs one."""
        self.endpoint, self.ledger = endpoint, ledger
        self.rejections: list[Rejection] = []
        self._replies, self._limits = replies, limits or Limits()
        self._gate = Gate(self._limits.calls_at_once, self._limits.backoff)
        self._capabilities = Capabilities()
        self._connection: Connection | None = None
        self._opening = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def complete(self, request: Request, *, fresh: bool = False) -> Completion:
        """The text that answers the request, recorded or new. It is not kept before `keep` says that it is valid.

        Args:
            request: what to ask.
            fresh: ask even if a reply is cached, because it turned out to be of no use.

        Raises:
            AuthoringError: the `openai` package is not installed.
            ProviderError: one of `Unavailable`, `Refused`, `Truncated` and `Invalid`.
            BudgetExceeded: the call would pass the limit on tokens; it was not made, or its answer was cut by it.
        """
        recorded = self._replies.find(request, self.endpoint, fresh=fresh)
        if recorded is not None:
            self.ledger.add(Entry(request.name, request.batch, request.attempt, Usage(), recorded=True))
            return Completion(recorded, recorded=True)
        return self._ask(request)

    def keep(self, request: Request, completion: Completion) -> None:
        """Keeps a reply that turned out to be valid, as the answer to this request."""
        if not completion.recorded:
            self._replies.keep(request, self.endpoint, completion.text)

    def reject(self, request: Request, problems: Sequence[Diagnostic]) -> None:
        """Notes that the answer to this request cannot be used."""
        self.rejections.append(Rejection(request, tuple(problems)))

    def _ask(self, request: Request) -> Completion:
        """Sends the request until it is answered, or there is no point in sending it again."""
        limits, capabilities = self._limits, self._capabilities
        failures, gives_up_at = 0, float("inf")
        while True:
            with self.ledger.reserve(request) as reservation, self._gate.admitted() as admitted:
                endpoint = self.endpoint
                payload = capabilities.payload(request, endpoint.model, endpoint.temperature, reservation.max_tokens)
                answer = self._connect().send(payload)
                self._write_down(request, reservation, answer, time.monotonic() - admitted)
                complaint = answer.complaint
                if complaint is None:
                    self._gate.answered()
                    self._capabilities = capabilities
                    return _judge(answer, request, reservation.max_tokens)
                if complaint.is_rate_limit:
                    now = time.monotonic()
                    gives_up_at = min(gives_up_at, now + limits.patience)
                    if now + (complaint.retry_after or 0.0) >= gives_up_at:
                        raise self._final(complaint, answer)
                    self._gate.pause(complaint.retry_after, admitted)
                    continue
            simpler = capabilities.without(complaint)
            if simpler is not None:
                capabilities = simpler
                continue
            failures += 1
            if not complaint.transient or failures > limits.retries:
                raise self._final(complaint, answer)
            time.sleep(limits.backoff * 2 ** min(failures - 1, 4))

    def _connect(self) -> Connection:
        with self._opening:
            if self._connection is None:
                self._connection = Connection(self.endpoint, self._limits)
            return self._connection

    def _write_down(self, request: Request, reservation: Reservation, answer: Answer, seconds: float) -> None:
        """Answers are paid for, whole or not; a refusal to answer is not."""
        usage = answer.usage
        if usage is None:
            if answer.complaint is not None and not answer.text:
                return
            usage = Usage(estimate_prompt(request), estimate_tokens(answer.text, json=True), measured=False)
        self.ledger.add(Entry(request.name, request.batch, request.attempt, usage, seconds), reservation)

    def _final(self, complaint: Complaint, answer: Answer) -> ProviderError:
        if complaint.cut and answer.text:
            error: ProviderError = Truncated(f"The answer of {self.endpoint.host} is not whole: {complaint.text}.")
        else:
            error = explain(complaint, self.endpoint)
        error.__cause__ = complaint.cause
        return error


def _judge(answer: Answer, request: Request, max_tokens: int) -> Completion:
    """The completion, if the LLM came to an end of its own."""
    if answer.refusal or answer.finish == "content_filter":
        raise Refused(f"The LLM declined to answer: {answer.refusal or 'a content filter stopped it'}")
    if answer.finish in ("length", "max_tokens"):
        if max_tokens < request.max_tokens:
            raise BudgetExceeded(
                f"The answer to {request.name} was cut at {max_tokens:,} tokens, all that were left of "
                "the budget. What was answered so far is kept; go on with a higher --max-tokens."
            )
        raise Truncated(f"The answer to {request.name} was cut at its limit of {request.max_tokens:,} tokens.")
    if not answer.text.strip():
        said = Diagnostic("answer-empty", "the answer is empty; expected was one JSON object")
        raise Invalid("The answer cannot be read.", [said])
    return Completion(answer.text, answer.usage or Usage(measured=False))

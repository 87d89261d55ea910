"""Question, answer, validation, and what is wrong with the answer said back: until it is right, or tried enough."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar, cast

from seedbed.authoring.client.answers import read_answer
from seedbed.authoring.client.calls import Completion, Message, Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.outcomes import Invalid
from seedbed.errors import SHOWN_AT_MOST, AttemptsExhausted, Diagnostic

REPAIRS = 2
"""So many more answers are asked for when one cannot be used."""
_QUOTED_AT_MOST = 20_000
_WHOLE = "Answer again with the whole corrected JSON object."
_ALONE = "Answer again with a JSON object of the same form that holds the corrected entries alone; the others stay."

Result = TypeVar("Result")


def converse(
    client: Client,
    request: Request,
    validate: Callable[[object], Result | list[Diagnostic]],
    repairs: int = REPAIRS,
) -> Result:
    """The validated answer to a request.

    An answer that is rejected goes back together with what is wrong with it; earlier ones do not, to keep the prompt
    short. The accepted answer is kept as the reply to the first request, so that the next run needs no call at all.

    Args:
        client: who asks.
        request: the first question.
        validate: what the answer's JSON means, or a list of what is wrong with it.
        repairs: how many more answers to ask for.

    Raises:
        AttemptsExhausted: no answer was valid; its diagnostics belong to the last one.
        ProviderError: `Unavailable`, `Refused` or `Truncated`; after the latter a smaller question may do.
        BudgetExceeded: the next call would pass the limit on tokens.
    """
    asked = request
    problems: list[Diagnostic] = []
    for attempt in range(repairs + 1):
        completion, judged = _answer(client, asked, validate)
        if completion and completion.recorded and _is_rejected(judged):
            # The reply was valid once: what is valid has changed since. Repairing it would mend the wrong text.
            completion, judged = _answer(client, asked, validate, fresh=True)
        if not _is_rejected(judged):
            if completion is not None:
                client.keep(request, completion)
            return cast(Result, judged)
        problems = cast(list[Diagnostic], judged)
        client.reject(asked, problems)
        asked = _repair(request, attempt + 1, completion.text if completion else None, problems)
    times = f"{repairs + 1} answers" if repairs else "answer"
    raise AttemptsExhausted(f"The LLM's {times} to {request.name} cannot be used; the last one has:", problems)


def _answer(
    client: Client, request: Request, validate: Callable[[object], Result | list[Diagnostic]], *, fresh: bool = False
) -> tuple[Completion | None, Result | list[Diagnostic]]:
    completion = None
    try:
        completion = client.complete(request, fresh=fresh)
        return completion, validate(read_answer(completion.text))
    except Invalid as error:
        return completion, list(error.diagnostics)


def _is_rejected(judged: object) -> bool:
    return isinstance(judged, list) and bool(judged) and all(isinstance(item, Diagnostic) for item in judged)


def complaint(request: Request, problems: Sequence[Diagnostic]) -> str:
    """What is wrong with an answer, as it is said to the LLM."""
    listed = "\n".join(json.dumps(problem.as_dict(), ensure_ascii=False) for problem in problems[:SHOWN_AT_MOST])
    more = len(problems) - SHOWN_AT_MOST
    rest = f"\n... and {more} more" if more > 0 else ""
    alone = request.mended_alone and all(problem.location.path for problem in problems)
    return f"This answer cannot be used:\n{listed}{rest}\n\n{_ALONE if alone else _WHOLE}"


def _repair(request: Request, attempt: int, answer: str | None, problems: Sequence[Diagnostic]) -> Request:
    earlier = (Message("assistant", answer[:_QUOTED_AT_MOST]),) if answer else ()
    said = Message("user", complaint(request, problems))
    return replace(request, messages=(*request.messages, *earlier, said), attempt=attempt)

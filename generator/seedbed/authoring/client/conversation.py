"""Question, answer, validation, and what is wrong with the answer said back: until it is right, or tried enough."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar, cast

from seedbed.authoring.client.answers import read_answer
from seedbed.authoring.client.calls import Completion, Message, Request, canonical_json
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.outcomes import Invalid
from seedbed.errors import SHOWN_AT_MOST, AttemptsExhausted, Diagnostic

REPAIRS = 2
"""So many more answers are asked for when one cannot be used."""
_QUOTED_AT_MOST = 20_000

Result = TypeVar("Result")
Validate = Callable[[object], Result | list[Diagnostic]]


class Mending(Protocol):
    """How an answer of many entries is mended where few of them are wrong: prompt and answer are short, then."""

    def narrow(self, answer: object) -> tuple[Request, object] | None:
        """The question about the entries that are wrong in the answer, as it was just validated, and what it says to
        them; None if they cannot be told."""

    def merge(self, answer: object, mended: object) -> object:
        """The whole answer, with the entries of `mended` in the place of its own."""


def converse(
    client: Client,
    request: Request,
    validate: Validate[Result],
    *,
    mending: Mending | None = None,
    repairs: int = REPAIRS,
) -> Result:
    """The validated answer to a request.

    An answer that is rejected goes back together with what is wrong with it; earlier ones do not, to keep the prompt
    short. What is accepted is kept as the reply to the first request, so that the next run needs no call at all.

    Args:
        client: who asks.
        request: the first question.
        validate: what the answer's JSON means, or a list of what is wrong with it.
        mending: how to ask for the wrong entries alone; the whole answer is asked for again without it.
        repairs: how many more answers to ask for.

    Raises:
        AttemptsExhausted: no answer was valid; its diagnostics belong to the last one.
        ProviderError: `Unavailable`, `Refused` or `Truncated`; after the latter a smaller question may do.
        BudgetExceeded: the next call would pass the limit on tokens.
    """
    question = asked = request
    merge: Callable[[object], object] = _as_it_is
    problems: list[Diagnostic] = []
    for attempt in range(repairs + 1):
        text, answer, judged = _answer(client, asked, merge, validate)
        if text and text.recorded and _is_rejected(judged):
            # The reply was valid once: what is valid has changed since. Repairing it would mend the wrong text.
            text, answer, judged = _answer(client, asked, merge, validate, fresh=True)
        if not _is_rejected(judged):
            if text is not None:
                client.keep(request, text if question is request else replace(text, text=canonical_json(answer)))
            return cast(Result, judged)
        problems = cast(list[Diagnostic], judged)
        client.reject(asked, problems)
        said = text.text if text else ""
        if mending and answer is not None and (narrowed := mending.narrow(answer)):
            question, said = narrowed[0], canonical_json(narrowed[1])
            merge = partial(mending.merge, answer)
        asked = _repair(question, attempt + 1, said, problems)
    times = f"{repairs + 1} answers" if repairs else "answer"
    raise AttemptsExhausted(f"The LLM's {times} to {request.name} cannot be used; the last one has:", problems)


def _as_it_is(answer: object) -> object:
    return answer


def _answer(
    client: Client,
    request: Request,
    merge: Callable[[object], object],
    validate: Validate[Result],
    *,
    fresh: bool = False,
) -> tuple[Completion | None, object, Result | list[Diagnostic]]:
    """What was answered, the JSON that it makes of the whole answer, and what that means or what is wrong with it."""
    completion, answer = None, None
    try:
        completion = client.complete(request, fresh=fresh)
        answer = merge(read_answer(completion.text))
        return completion, answer, validate(answer)
    except Invalid as error:
        return completion, answer, list(error.diagnostics)


def _is_rejected(judged: object) -> bool:
    return isinstance(judged, list) and bool(judged) and all(isinstance(item, Diagnostic) for item in judged)


def complaint(problems: Sequence[Diagnostic]) -> str:
    """What is wrong with an answer, as it is said to the LLM."""
    listed = "\n".join(json.dumps(problem.as_dict(), ensure_ascii=False) for problem in problems[:SHOWN_AT_MOST])
    more = len(problems) - SHOWN_AT_MOST
    rest = f"\n... and {more} more" if more > 0 else ""
    return f"This answer cannot be used:\n{listed}{rest}\n\nAnswer again with the whole corrected JSON object."


def _repair(question: Request, attempt: int, answer: str, problems: Sequence[Diagnostic]) -> Request:
    earlier = (Message("assistant", answer[:_QUOTED_AT_MOST]),) if answer else ()
    said = Message("user", complaint(problems))
    return replace(question, messages=(*question.messages, *earlier, said), attempt=attempt)

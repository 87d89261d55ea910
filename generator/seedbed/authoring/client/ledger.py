"""What calls cost: estimated before, limited while they run, and written down after each."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from seedbed.authoring.client.calls import Request, Usage, canonical_json
from seedbed.authoring.client.endpoint import Price
from seedbed.authoring.client.outcomes import BudgetExceeded

# Bytes, not characters: a character of Chinese is a token or so, and three bytes.
_BYTES_PER_TOKEN_OF_PROSE = 4
_BYTES_PER_TOKEN_OF_JSON = 3
_TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One call that was answered; a recorded one cost nothing."""

    name: str
    batch: int
    attempt: int
    usage: Usage
    seconds: float = 0.0
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of calls, or their estimate."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    recorded: int = 0
    measured: bool = True

    def cost(self, price: Price) -> float:
        """In the currency of the price. Prompt tokens that the provider had seen before count in full."""
        return (self.prompt * price.prompt + self.completion * price.completion) / 1_000_000

    def __str__(self) -> str:
        about = "" if self.measured else "about "
        calls = f"{self.calls:,} {'call' if self.calls == 1 else 'calls'}"
        text = f"{calls}, {about}{_short(self.prompt)} tokens in, {_short(self.completion)} out"
        return f"{text}; {self.recorded:,} answered from the cache" if self.recorded else text


def estimate_tokens(text: str, *, json: bool = False) -> int:
    """About how many tokens a text has, without a tokenizer."""
    size = len(text.encode("utf-8", "replace"))
    return math.ceil(size / (_BYTES_PER_TOKEN_OF_JSON if json else _BYTES_PER_TOKEN_OF_PROSE))


def estimate_prompt(request: Request) -> int:
    """About how many tokens the request's messages and schema have."""
    prose = sum(estimate_tokens(message.content) + _TOKENS_PER_MESSAGE for message in request.messages)
    return prose + estimate_tokens(canonical_json(request.schema), json=True)


def estimate(requests: Iterable[Request]) -> Total:
    """What the requests will cost if each is answered at the first try."""
    asked = list(requests)
    return Total(
        calls=len(asked),
        prompt=sum(map(estimate_prompt, asked)),
        completion=sum(request.answer_tokens for request in asked),
        measured=False,
    )


class Reservation:
    """The part of the budget that one call may use: `held` tokens in all, `max_tokens` of them for its answer."""

    def __init__(self, held: int, max_tokens: int) -> None:
        self.held, self.max_tokens = held, max_tokens


class Ledger:
    """The entries of one run, and its limit on tokens; threads may share it."""

    def __init__(self, max_tokens: int | None = None) -> None:
        """Begins with no entry.

        Args:
            max_tokens: the limit on prompt and answer tokens of all calls together; None for no limit.
        """
        self._max_tokens, self._spent, self._held = max_tokens, 0, 0
        self._entries: list[Entry] = []
        self._changed = threading.Condition()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All answered calls so far, in the order of their ends."""
        with self._changed:
            return tuple(self._entries)

    @property
    def total(self) -> Total:
        """What all calls cost so far."""
        entries = self.entries
        made = [entry for entry in entries if not entry.recorded]
        return Total(
            calls=len(made),
            prompt=sum(entry.usage.prompt for entry in made),
            completion=sum(entry.usage.completion for entry in made),
            cached=sum(entry.usage.cached for entry in made),
            recorded=len(entries) - len(made),
            measured=all(entry.usage.measured for entry in made),
        )

    @contextmanager
    def reserve(self, request: Request) -> Iterator[Reservation]:
        """Holds what a call may cost at most while it runs, so that calls at once do not pass the limit together.

        Near the limit the answer's greatest length shrinks to what is left, and calls wait for each other.

        Raises:
            BudgetExceeded: not even an answer of the expected length fits any more.
        """
        reservation = self._hold(request)
        try:
            yield reservation
        finally:
            with self._changed:
                self._held -= reservation.held
                self._changed.notify_all()

    def _hold(self, request: Request) -> Reservation:
        if self._max_tokens is None:
            return Reservation(0, request.max_tokens)
        prompt = estimate_prompt(request)
        with self._changed:
            while True:
                left = self._max_tokens - self._spent - self._held - prompt
                if left >= request.max_tokens or (not self._held and left >= max(1, request.answer_tokens)):
                    answer = min(left, request.max_tokens)
                    self._held += prompt + answer
                    return Reservation(prompt + answer, answer)
                if not self._held:
                    raise BudgetExceeded(
                        f"The call {request.name} needs about {prompt + request.answer_tokens:,} tokens, and of the "
                        f"{self._max_tokens:,} that may be used {max(0, self._max_tokens - self._spent):,} are left. "
                        "What was answered so far is kept; go on with a higher --max-tokens."
                    )
                self._changed.wait()

    def add(self, entry: Entry, reservation: Reservation | None = None) -> None:
        """Writes down an answered call, and takes its tokens from what its reservation holds."""
        with self._changed:
            self._entries.append(entry)
            if entry.recorded:
                return
            self._spent += entry.usage.total
            if reservation is not None:
                given_back = min(reservation.held, entry.usage.total)
                reservation.held -= given_back
                self._held -= given_back
                self._changed.notify_all()


def _short(tokens: int) -> str:
    return f"{tokens:,}" if tokens < 10_000 else f"{round(tokens / 1_000):,}k"

"""The same chain without an endpoint: a person carries the prompts to any chat window, and the answers back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.outcomes import Unavailable
from seedbed.authoring.client.replies import CachedReplies
from seedbed.errors import AuthoringError
from seedbed.homes import cache_home

BY_HAND = Endpoint("https://by.hand.invalid/v1", "by-hand")
"""Stands for the chat window in the keys of replies; nothing is ever sent there."""
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question for a person to pass on; `key` names its answer."""

    key: str
    request: Request

    @property
    def text(self) -> str:
        """All messages as one text, as a chat window takes them."""
        return "\n\n".join(message["content"] for message in self.request.prompt())

    @property
    def title(self) -> str:
        """Which call it is."""
        again = f", repair {self.request.attempt}" if self.request.attempt else ""
        return f"{self.key} {self.request.name} {self.request.batch + 1}{again}"


@dataclass(slots=True)
class HandReplies:
    """Replies that a person brings. Each is kept, right or wrong: the next prompt may be about what is wrong with it.

    `open` are the prompts that have no answer yet. Not for several threads: answers without a key are taken in turn.
    """

    answers: list[tuple[str | None, str]]
    """(the beginning of a prompt's key or None, the text of its answer)"""
    kept: CachedReplies
    open: list[Prompt] = field(default_factory=list)

    def find(self, request: Request, endpoint: Endpoint, *, fresh: bool = False) -> str:
        """The answer that was brought now, else the one of an earlier run.

        Raises:
            Unavailable: there is none; the prompt is now among the open ones.
        """
        key = request.key(endpoint)
        text = self._brought(key)
        earlier = self.kept.find(request, endpoint)
        if text is None and earlier is None:
            text = self._brought(None)
        if text is not None:
            self.kept.keep(request, endpoint, text)
            return text
        if earlier is not None:
            return earlier
        if all(prompt.key != key[:_SHOWN] for prompt in self.open):
            self.open.append(Prompt(key[:_SHOWN], request))
        raise Unanswered(f"the prompt {key[:_SHOWN]} has no answer yet")

    def keep(self, request: Request, endpoint: Endpoint, text: str) -> None:
        """Has kept it already."""

    def _brought(self, key: str | None) -> str | None:
        for place, (wanted, _) in enumerate(self.answers):
            if wanted is None if key is None else wanted is not None and key.startswith(wanted):
                return self.answers.pop(place)[1]
        return None


class Unanswered(Unavailable):
    """A person has not brought the answer yet; the other questions may still be asked."""


def hand_replies(environ: Mapping[str, str], answers: Sequence[str] = ()) -> HandReplies:
    """The replies that a person brings.

    Args:
        environ: names the folder in which answers wait for the next run.
        answers: files with answers, in the order of the open prompts, or as `KEY=FILE`.

    Raises:
        AuthoringError: a file cannot be read.
    """
    brought = []
    for said in answers:
        key, _, name = said.rpartition("=") if not Path(said).exists() else ("", "", said)
        try:
            brought.append((key.lower() or None, Path(name).read_text(encoding="utf-8-sig")))
        except (OSError, UnicodeDecodeError) as error:
            raise AuthoringError(f"The answer {name} cannot be read: {error}") from None
    return HandReplies(brought, CachedReplies(cache_home(environ) / "by-hand"))

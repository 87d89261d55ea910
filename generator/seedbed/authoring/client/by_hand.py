"""The same chain without an endpoint: a person carries the prompts to any chat window, and the answers back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seedbed.authoring.client.calls import Rejection, Request
from seedbed.authoring.client.conversation import REPAIRS, complaint
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.outcomes import Unavailable
from seedbed.authoring.client.replies import CachedReplies
from seedbed.errors import AuthoringError, Diagnostic
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


@dataclass(frozen=True, slots=True)
class Brought:
    """A file with an answer that a person gives; `key` is the beginning of its prompt's key, if the person named it."""

    key: str | None
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one answer: `problems` say why it cannot be used."""

    file: str
    prompt: Prompt
    problems: tuple[Diagnostic, ...] = ()

    @property
    def given_up(self) -> bool:
        """Whether no other answer is asked for, although this one cannot be used."""
        return bool(self.problems) and self.prompt.request.attempt >= REPAIRS

    @property
    def complaint(self) -> str:
        """What to say in the chat that it came from."""
        return complaint(self.problems)


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a person has come with the prompts: `open` wait for an answer, `answered` had one in this run.

    `given_up` are the last prompts of conversations that came to no answer that can be used; each still takes one.
    Nothing asked for the answers that are `unused`.
    """

    open: tuple[Prompt, ...] = ()
    answered: tuple[Answered, ...] = ()
    given_up: tuple[Prompt, ...] = ()
    unused: tuple[Brought, ...] = ()

    @property
    def rejected(self) -> tuple[Answered, ...]:
        """The answers of this run that cannot be used."""
        return tuple(answered for answered in self.answered if answered.problems)


@dataclass(slots=True)
class HandReplies:
    """Replies that a person brings. Each is kept, right or wrong: the next prompt may be about what is wrong with it.

    `open` are the prompts that have no answer yet. Not for several threads: answers without a key are taken in turn.
    """

    answers: list[Brought]
    """Those that no prompt has taken yet."""
    kept: CachedReplies
    open: list[Prompt] = field(default_factory=list)
    taken: list[tuple[Brought, Prompt]] = field(default_factory=list)

    def find(self, request: Request, endpoint: Endpoint, *, fresh: bool = False) -> str:
        """The answer that was brought now, else the one of an earlier run.

        Raises:
            Unavailable: there is none; the prompt is now among the open ones.
        """
        key = request.key(endpoint)
        brought = self._brought(key)
        earlier = self.kept.find(request, endpoint)
        if brought is None and earlier is None and not self._repairs_one_of_now(request):
            brought = self._brought(None)
        if brought is not None:
            self.kept.keep(request, endpoint, brought.text)
            self.taken.append((brought, Prompt(key[:_SHOWN], request)))
            return brought.text
        if earlier is not None:
            return earlier
        if all(prompt.key != key[:_SHOWN] for prompt in self.open):
            self.open.append(Prompt(key[:_SHOWN], request))
        raise Unanswered(f"the prompt {key[:_SHOWN]} has no answer yet")

    def keep(self, request: Request, endpoint: Endpoint, text: str) -> None:
        """Has kept it already."""

    def walk(self, rejections: Sequence[Rejection]) -> Walk:
        """What came of the answers, as far as the run went."""
        rejected = {item.request.key(BY_HAND)[:_SHOWN]: item for item in rejections}
        problems = {key: item.problems for key, item in rejected.items()}
        answered = tuple(Answered(item.file, prompt, problems.get(prompt.key, ())) for item, prompt in self.taken)
        last = (Prompt(key, item.request) for key, item in rejected.items() if item.request.attempt >= REPAIRS)
        return Walk(tuple(self.open), answered, tuple(last), tuple(self.answers))

    def _repairs_one_of_now(self, request: Request) -> bool:
        """Whether it is about an answer of this run: a person who gives the next one has not seen what was wrong."""
        before = (request.name, request.batch, request.attempt - 1)
        return any((p.request.name, p.request.batch, p.request.attempt) == before for _, p in self.taken)

    def _brought(self, key: str | None) -> Brought | None:
        for place, item in enumerate(self.answers):
            if item.key is None if key is None else item.key is not None and key.startswith(item.key):
                return self.answers.pop(place)
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
            brought.append(Brought(key.lower() or None, name, Path(name).read_text(encoding="utf-8-sig")))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise AuthoringError(f"The answer {name} cannot be read: {reason}.") from None
    return HandReplies(brought, CachedReplies(cache_home(environ) / "by-hand"))

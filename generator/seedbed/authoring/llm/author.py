"""The LLM author: starts from the baseline's plan, asks for what is only guessed there, and keeps what holds.

Whatever happens, the result is a plan that can be carried out: what the LLM fails at keeps the baseline's entry.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from seedbed.authoring.client.by_hand import Unanswered
from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.conversation import converse
from seedbed.authoring.client.ledger import Total
from seedbed.authoring.client.outcomes import BudgetExceeded, Refused, Truncated, Unavailable
from seedbed.authoring.llm.columns import Entries, columns_request, read_columns
from seedbed.authoring.llm.portions import group, halves
from seedbed.authoring.llm.prompts import Templates
from seedbed.authoring.llm.survey import Survey, read_survey, survey_request
from seedbed.authoring.llm.trial import Entry, Proof, keep_what_holds, no_proof, path_of, problems_of, put_in
from seedbed.authoring.llm.undecided import Place, Undecided, undecided
from seedbed.errors import AttemptsExhausted, Diagnostic, Location, PlanError, Severity
from seedbed.plan.spec import Plan
from seedbed.schema import Schema

Tell = Callable[[str], None]
"""Is told what is being done, a line at a time."""
_LEFT_OUT = "no answer of the LLM held one that can be used"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run: how many entries were open, how many the LLM decided, what it cost.

    `kept` has a warning for each reason why entries keep the baseline's; `stopped` says why calls were not made.
    """

    asked: int = 0
    decided: int = 0
    total: Total = field(default_factory=Total)
    kept: tuple[Diagnostic, ...] = ()
    stopped: str = ""

    def __str__(self) -> str:
        if not self.asked:
            return "nothing is left for an LLM to decide"
        return f"the LLM decided {self.decided} of {self.asked} entries ({self.total})"


def expected_requests(schema: Schema, plan: Plan, templates: Templates) -> list[Request]:
    """The calls that a run will make if each is answered at the first try.

    The first is as it will be; the others quote its answer, in whose place a text of its usual length stands.
    """
    portions = group(schema, plan, undecided(schema, plan))
    survey = Survey("x" * 400, {table.name: "x" * 70 for table in schema}) if len(portions) > 1 else Survey()
    first = [survey_request(schema, plan, templates)] if len(portions) > 1 else []
    return first + [
        columns_request(schema, plan, templates, survey, portion, batch) for batch, portion in enumerate(portions)
    ]


def author_with_llm(
    schema: Schema,
    plan: Plan,
    client: Client,
    templates: Templates,
    *,
    at_once: int = 4,
    tell: Tell = lambda line: None,
    proof: Proof = no_proof,
) -> tuple[Plan, Summary]:
    """The plan with an LLM's entries where it only guessed.

    Args:
        schema: what the project says.
        plan: the baseline author's, or one that it brought up to date.
        client: asks the LLM, within its budget.
        templates: the words of the prompts.
        at_once: calls under way at the same time.
        tell: is told of each call.
        proof: makes a few rows, to find what fails only then.

    Raises:
        PlanError: the plan cannot be carried out as it is; nothing was asked.
        AuthoringError: the `openai` package is not installed.
    """
    asked = undecided(schema, plan)
    problems = problems_of(schema, plan, proof, {item.table for item in asked}) if asked else []
    if problems:
        raise PlanError("The plan must be one that can be carried out before an LLM can add to it.", problems)
    run = _Run(schema, plan, client, templates, tell, proof)
    entries = run.decide(group(schema, plan, asked), at_once)
    # Each portion holds by itself; together, two of them may still disagree.
    held, rejected = keep_what_holds(schema, plan, entries, proof)
    for place, problem in rejected.items():
        run.reasons[place] = _said(problem)
    places = [place for table in asked for place in table.places()]
    kept: dict[str, list[Place]] = {}
    for place in places:
        if place not in held:
            kept.setdefault(run.reasons.get(place) or run.stopped or _LEFT_OUT, []).append(place)
    summary = Summary(
        asked=len(places),
        decided=len(held),
        total=client.ledger.total,
        kept=tuple(_kept(places, reason) for reason, places in kept.items()),
        stopped=run.stopped,
    )
    return put_in(plan, held), summary


@dataclass(slots=True)
class _Run:
    schema: Schema
    plan: Plan
    client: Client
    templates: Templates
    tell: Tell
    proof: Proof
    reasons: dict[Place, str] = field(default_factory=dict)
    """Why entries keep the baseline's."""
    stopped: str = ""
    judging: threading.Lock = field(default_factory=threading.Lock)

    def decide(self, portions: Sequence[list[Undecided]], at_once: int) -> dict[Place, Entry]:
        survey = self._survey() if len(portions) > 1 else Survey()
        with ThreadPoolExecutor(max(1, at_once)) as pool:
            numbered = list(enumerate(portions))
            answers = list(pool.map(lambda item: self._columns(survey, item[1], item[0], len(portions)), numbered))
        return {place: entry for answer in answers for place, entry in answer.items()}

    def _survey(self) -> Survey:
        """What the LLM makes of the whole; nothing where it fails, since columns can be decided without it."""
        self.tell(f"surveying {len(self.plan.tables)} tables")
        try:
            request = survey_request(self.schema, self.plan, self.templates)
            return converse(self.client, request, lambda value: read_survey(value, self.schema, self.plan))
        except (Unavailable, BudgetExceeded) as error:
            self.stopped = str(error)
        except (AttemptsExhausted, Refused, Truncated) as error:
            self.tell(f"no survey: {error.message}")
        return Survey()

    def _columns(self, survey: Survey, portion: list[Undecided], batch: int, of: int) -> Entries:
        """The entries of one portion that hold; in two calls where one answer would be too long."""
        if self.stopped:
            return {}
        self.tell(f"planning {', '.join(item.table for item in portion)} ({batch + 1} of {of})")
        request = columns_request(self.schema, self.plan, self.templates, survey, portion, batch)
        judge = _Judge(self.schema, self.plan, portion, self.proof, self.judging)
        try:
            return converse(self.client, request, judge)
        except Truncated as error:
            parts = halves(portion)
            if parts is not None:
                answers = [self._columns(survey, part, batch, of) for part in parts]
                return {**answers[0], **answers[1]}
            self._give_up(portion, error.message)
        except AttemptsExhausted:
            self._give_up(portion, _LEFT_OUT)
            self.reasons |= {place: _said(problem) for place, problem in judge.rejected.items()}
            return judge.held
        except (Refused, Unanswered) as error:
            self._give_up(portion, error.message)
        except (Unavailable, BudgetExceeded) as error:
            self.stopped = error.message
        return {}

    def _give_up(self, portion: Sequence[Undecided], reason: str) -> None:
        self.reasons |= {place: reason for table in portion for place in table.places()}


class _Judge:
    """Validates the answers to one call, and remembers the entries of the best one that hold."""

    def __init__(
        self, schema: Schema, plan: Plan, portion: Sequence[Undecided], proof: Proof, judging: threading.Lock
    ) -> None:
        self._schema, self._plan, self._portion, self._proof, self._judging = schema, plan, portion, proof, judging
        self.held: dict[Place, Entry] = {}
        self.rejected: dict[Place, Diagnostic] = {}

    def __call__(self, value: object) -> Entries | list[Diagnostic]:
        entries, problems = read_columns(value, self._schema, self._portion)
        with self._judging:
            held, rejected = keep_what_holds(self._schema, self._plan, entries, self._proof)
        if len(held) >= len(self.held):
            self.held, self.rejected = held, {**dict(self._located(problems)), **rejected}
        problems = [*problems, *rejected.values()]
        return problems or held

    def _located(self, problems: Sequence[Diagnostic]) -> Iterator[tuple[Place, Diagnostic]]:
        """The problems by the entries that they belong to."""
        paths = {path_of(place): place for item in self._portion for place in item.places()}
        yield from ((paths[path], found) for found in problems if (path := found.location.path) in paths)


def _said(problem: Diagnostic) -> str:
    return f"{problem.message} [{problem.code}]"


def _kept(places: Sequence[Place], reason: str) -> Diagnostic:
    """One warning for all entries that keep the baseline's for the same reason."""
    names = [f"{table}.{column}" if column else f"the rows of {table}" for table, column in places]
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    verb = "keeps its" if len(names) == 1 and places[0][1] else "keep their"
    message = f"{shown} {verb} baseline {'entry' if len(names) == 1 else 'entries'}: {reason}"
    return Diagnostic("baseline-kept", message, Location(path=path_of(places[0])), Severity.WARNING)

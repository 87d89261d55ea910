"""One run of the LLM author: what its stages share, and what each of them hands on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from seedbed.authoring.client.by_hand import Unanswered
from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.conversation import converse
from seedbed.authoring.client.outcomes import BudgetExceeded, Refused, Truncated, Unavailable
from seedbed.authoring.llm.prompts import Templates
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.trial import Proof, RuleProof
from seedbed.errors import AttemptsExhausted, Diagnostic
from seedbed.plan.spec import Plan
from seedbed.schema import Schema

Tell = Callable[[str], None]
"""Is told what is being done, a line at a time."""
Result = TypeVar("Result")
LEFT_OUT = "no answer of the LLM held one that can be used"


@dataclass(slots=True)
class Run:
    """What all stages of a run need. `stopped` says why no more calls are made, once there is a reason."""

    schema: Schema
    client: Client
    templates: Templates
    tell: Tell
    proof: Proof
    rule_proof: RuleProof
    at_once: int = 1
    files: dict[str, str] = field(default_factory=dict)
    """Texts of files beside the plan that stages wrote, by path."""
    stopped: str = ""
    judging: threading.Lock = field(default_factory=threading.Lock)
    """Plans are resolved one at a time, however many calls are under way."""
    unanswered: str = ""
    """Why a person's answer is still waited for, if one is."""

    def ask(
        self,
        request: Request,
        validate: Callable[[object], Result | list[Diagnostic]],
        salvage: Callable[[], Result] | None = None,
    ) -> tuple[Result | None, str]:
        """The valid answer to a request, or None and why there is none. Makes no call in a run that has stopped.

        Where something is wrong with every answer, `salvage` says what to make of them.
        """
        if self.stopped:
            return None, self.stopped
        try:
            return converse(self.client, request, validate), ""
        except AttemptsExhausted as error:
            why_not = spoken(error.diagnostics[0]) if error.diagnostics else LEFT_OUT
            return salvage() if salvage else None, why_not
        except (Refused, Truncated) as error:
            return None, error.message
        except Unanswered as error:
            self.unanswered = error.message
            return None, error.message
        except (Unavailable, BudgetExceeded) as error:
            self.stopped = error.message
            return None, self.stopped

    def wait_for_answers(self) -> None:
        """Stops the run where a person has not brought an answer yet on which the next questions rest."""
        self.stopped = self.stopped or self.unanswered


def spoken(problem: Diagnostic) -> str:
    """A problem as the reason for which something was left as it was."""
    return f"{problem.message} [{problem.code}]"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage made of the plan: how many entries were open, how many the LLM decided.

    `kept` has a warning for each reason why entries keep the baseline's; `files` are texts of files beside the plan.
    """

    plan: Plan
    asked: int = 0
    decided: int = 0
    kept: tuple[Diagnostic, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of question, asked of the plan that the stage before it left.

    `expected` are the calls that it will make if each is answered at the first try; `decide` makes them, and gives
    back a plan that can be carried out whatever is answered.
    """

    expected: Callable[[Schema, Plan, Templates, Survey], list[Request]]
    decide: Callable[[Run, Plan, Survey], Outcome]

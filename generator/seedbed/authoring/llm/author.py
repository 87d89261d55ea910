"""The LLM author: starts from the baseline's plan, asks for what is only guessed there, and keeps what holds.

Whatever happens, the result is a plan that can be carried out: what the LLM fails at keeps the baseline's entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.ledger import Entry, Total
from seedbed.authoring.llm.listings import decide_listings, expected_listings, listings_of
from seedbed.authoring.llm.pools import pools_stage
from seedbed.authoring.llm.portions import decide_columns, expected_columns, group
from seedbed.authoring.llm.prompts import Templates
from seedbed.authoring.llm.rules import decide_rules, expected_rules
from seedbed.authoring.llm.run import Outcome, Run, Stage, Tell
from seedbed.authoring.llm.survey import Survey, read_survey, survey_request
from seedbed.authoring.llm.trial import Proof, RuleProof, no_proof, no_rule_proof, problems_of
from seedbed.authoring.llm.undecided import undecided
from seedbed.authoring.llm.workflows import decide_workflows, expected_workflows
from seedbed.errors import Diagnostic, PlanError
from seedbed.plan.spec import Plan
from seedbed.schema import Schema

STAGES = (
    Stage(expected_workflows, decide_workflows),
    Stage(expected_columns, decide_columns),
    Stage(expected_listings, decide_listings),
    Stage(expected_rules, decide_rules),
)
"""In their order: each starts from the plan that the one before it left. Texts come last, if any are wanted."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run: how many entries were open, how many the LLM decided, what it cost.

    `kept` has a warning for each reason why entries keep the baseline's; `stopped` says why calls were not made.
    `files` are the texts of files beside the plan, by path; `calls` are all answered calls, in the order of their ends.
    """

    asked: int = 0
    decided: int = 0
    total: Total = field(default_factory=Total)
    kept: tuple[Diagnostic, ...] = ()
    stopped: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[Entry, ...] = ()

    def __str__(self) -> str:
        if not self.asked:
            return "nothing is left for an LLM to decide"
        return f"the LLM decided {self.decided} of {self.asked} entries ({self.total})"


def expected_requests(schema: Schema, plan: Plan, templates: Templates, texts: int = 0) -> list[Request]:
    """The calls that a run will make if each is answered at the first try.

    The first is as it will be; the others quote its answer, in whose place a text of its usual length stands.
    """
    first, survey = list[Request](), Survey()
    if _is_surveyed(schema, plan):
        first = [survey_request(schema, plan, templates)]
        lists = frozenset(listing.table for portion in listings_of(schema, plan, Survey()) for listing in portion)
        survey = Survey("x" * 400, {table.name: "x" * 70 for table in schema}, lists)
    return first + [request for stage in _stages(texts) for request in stage.expected(schema, plan, templates, survey)]


def author_with_llm(
    schema: Schema,
    plan: Plan,
    client: Client,
    templates: Templates,
    *,
    at_once: int = 4,
    tell: Tell = lambda line: None,
    proof: Proof = no_proof,
    texts: int = 0,
    rule_proof: RuleProof = no_rule_proof,
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
        texts: about how many texts to have written for each column of free text; 0 for none.
        rule_proof: makes rows and holds them to the rules that are proposed.

    Raises:
        PlanError: the plan cannot be carried out as it is; nothing was asked.
        AuthoringError: the `openai` package is not installed.
    """
    if not expected_requests(schema, plan, templates, texts):
        return plan, Summary()
    problems = problems_of(schema, plan, proof, {item.table for item in undecided(schema, plan)})
    if problems:
        raise PlanError("The plan must be one that can be carried out before an LLM can add to it.", problems)
    run = Run(schema, client, templates, tell, proof, rule_proof, at_once)
    survey = _survey(run, plan) if _is_surveyed(schema, plan) else Survey()
    outcomes = [Outcome(plan)]
    for stage in _stages(texts):
        outcomes.append(stage.decide(run, outcomes[-1].plan, survey))
        run.files |= outcomes[-1].files
    summary = Summary(
        asked=sum(outcome.asked for outcome in outcomes),
        decided=sum(outcome.decided for outcome in outcomes),
        total=client.ledger.total,
        kept=tuple(problem for outcome in outcomes for problem in outcome.kept),
        stopped=run.stopped,
        files=run.files,
        calls=client.ledger.entries,
    )
    return outcomes[-1].plan, summary


def _stages(texts: int) -> tuple[Stage, ...]:
    return (*STAGES, pools_stage(texts)) if texts else STAGES


def _is_surveyed(schema: Schema, plan: Plan) -> bool:
    """Whether columns are decided in several calls, which then need to know the whole."""
    return len(group(schema, plan, undecided(schema, plan))) > 1


def _survey(run: Run, plan: Plan) -> Survey:
    """What the LLM makes of the whole; nothing where it fails, since columns can be decided without it."""
    run.tell(f"surveying {len(plan.tables)} tables")
    request = survey_request(run.schema, plan, run.templates)
    survey, why_not = run.ask(request, lambda value: read_survey(value, run.schema, plan))
    run.wait_for_answers()
    if survey is None and not run.stopped:
        run.tell(f"no survey: {why_not}")
    return survey or Survey()

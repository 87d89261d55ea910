"""Gathers the business rules of a project and of its plan: one list, each with its sentence and its place."""

from __future__ import annotations

from dataclasses import dataclass

from seedbed.documents import Document
from seedbed.errors import NOWHERE, Diagnostic, Location, Severity
from seedbed.plan.calls import CallError
from seedbed.plan.rules import Cannot, Rule, parse_rule
from seedbed.plan.spec import Author, Plan
from seedbed.schema import Schema

UNENFORCED = frozenset(["rule-in-words", "rule-not-possible"])
"""The codes of warnings that name a rule which nothing enforces."""


@dataclass(frozen=True, slots=True)
class StatedRule:
    """A typed rule, the sentence that it stands for, and where it is written: `sentence` if that is another place."""

    says: str
    table: str
    rule: Rule
    by: Author
    origin: Location
    sentence: Location = NOWHERE


def gather_rules(schema: Schema, plan: Plan, document: Document) -> tuple[list[StatedRule], list[Diagnostic]]:
    """All typed rules; and what keeps a sentence from being one, so that none is dropped in silence."""
    found: list[StatedRule] = []
    diagnostics: list[Diagnostic] = []
    answered = {entry.key for entry in plan.rules}
    sentences = {sentence.key: sentence.origin for sentence in schema.rules}
    for sentence in schema.rules:
        if sentence.rule is None:
            if sentence.key not in answered:
                diagnostics.append(_untyped(sentence.text, sentence.origin))
            continue
        try:
            rule = parse_rule(sentence.rule)
        except CallError as error:
            diagnostics.append(Diagnostic("invalid-rule", str(error), sentence.origin, hint=error.hint))
            continue
        if isinstance(rule, Cannot):
            diagnostics.append(_cannot(sentence.text, rule, sentence.origin))
        elif sentence.table is None:
            message = f"{sentence.text!r} does not say which table's rows it is about"
            hint = "write it in the table's annotation, or below a heading that names the table"
            diagnostics.append(Diagnostic("invalid-rule", message, sentence.origin, hint=hint))
        else:
            found.append(StatedRule(sentence.text, sentence.table, rule, Author.USER, sentence.origin))
    for index, entry in enumerate(plan.rules):
        place = document.location("rules", index)
        if isinstance(entry.rule, Cannot):
            diagnostics.append(_cannot(entry.says or "", entry.rule, place))
        elif entry.table:
            said, stands = entry.says or str(entry.rule), sentences.get(entry.key, NOWHERE)
            found.append(StatedRule(said, entry.table, entry.rule, entry.by, place, stands))
    return found, diagnostics


def _untyped(says: str, place: Location) -> Diagnostic:
    return Diagnostic(
        "rule-in-words",
        f'nothing enforces the rule "{says}": it is only words',
        place,
        Severity.WARNING,
        "say what it means under `rules:` in seedbed.yml, for example  {says: the sentence, table: orders, "
        "rule: \"row('amount > 0')\"}; `seedbed plan --author llm` asks an LLM",
    )


def _cannot(says: str, rule: Cannot, place: Location) -> Diagnostic:
    message = f'nothing enforces the rule "{says}": {rule.reason}'
    return Diagnostic("rule-not-possible", message, place, Severity.WARNING)

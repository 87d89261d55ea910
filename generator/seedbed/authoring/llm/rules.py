"""The stage that types business rules: what a project says in words becomes something that can be held and checked.

Every sentence is answered: by one typed rule or several, or by `cannot` with the reason. What is typed must fit the
tables, hold in the rows that the plan makes, and say something: some broken copy of the rows must violate it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel, ValidationError

from seedbed.authoring.baseline.names import singular, snake
from seedbed.authoring.client.calls import Message, Request
from seedbed.authoring.llm.answer import TEXT, at_most, find_name, misshapen, wire_object
from seedbed.authoring.llm.prompts import Templates, references, render_model, render_processes, render_rule_kinds
from seedbed.authoring.llm.run import Outcome, Run
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.trial import try_rules, with_rules
from seedbed.authoring.llm.untrusted import clean, data_block
from seedbed.errors import Diagnostic, Location, Severity
from seedbed.plan.calls import CallError
from seedbed.plan.hygiene import find_unclean
from seedbed.plan.rules import Cannot, Rule, parse_rule
from seedbed.plan.spec import Author, Plan, RuleEntry
from seedbed.schema import Schema, Sentence

RULES_AT_ONCE = 20
"""The most sentences of one call."""
_ALL_TABLES = 12
"""In a project with so few tables, all of them are shown."""
_TOKENS_PER_RULE = 45
_MOST_FOR_ONE = 8
_LONGEST = 300

RULES_FORMAT = wire_object(
    rules={"type": "array", "items": wire_object(number={"type": "integer"}, table=TEXT, rule=TEXT)}
)

Typed = Mapping[int, tuple[RuleEntry, ...]]
"""The rules of each sentence, by its number."""


class _TypedRule(BaseModel):
    number: int
    table: str = ""
    rule: str


class _RulesAnswer(BaseModel):
    rules: list[_TypedRule]


def open_sentences(schema: Schema, plan: Plan) -> list[Sentence]:
    """The sentences that are only words: neither the project nor the plan says what they mean."""
    answered = {entry.key for entry in plan.rules}
    return [sentence for sentence in schema.rules if sentence.rule is None and sentence.key not in answered]


def expected_rules(schema: Schema, plan: Plan, templates: Templates, survey: Survey) -> list[Request]:
    """One call for every twenty sentences."""
    portions = _portions(open_sentences(schema, plan))
    return [rules_request(schema, plan, templates, portion, batch) for batch, portion in enumerate(portions)]


def decide_rules(run: Run, plan: Plan, survey: Survey) -> Outcome:
    """The plan with what its sentences mean; one that no answer could say keeps the reason, as `cannot`."""
    run.wait_for_answers()  # Rules are held against the rows that the columns make.
    sentences = open_sentences(run.schema, plan)
    portions = _portions(sentences)
    judges = [_Judge(run, plan, portion) for portion in portions]

    def ask(batch: int) -> tuple[Typed | None, str]:
        first = batch * RULES_AT_ONCE + 1
        if not run.stopped:
            last = first + len(portions[batch]) - 1
            run.tell(
                f"typing the rules {first} to {last} of {len(sentences)}" if last > first else f"typing rule {last}"
            )
        return run.ask(
            rules_request(run.schema, plan, run.templates, portions[batch], batch), judges[batch], judges[batch].salvage
        )

    with ThreadPoolExecutor(max(1, run.at_once)) as pool:
        answers = list(pool.map(ask, range(len(portions))))
    decided, kept = 0, list[Diagnostic]()
    for portion, judge, (typed, why_not) in zip(portions, judges, answers, strict=True):
        # A call that was cut short, by the budget say, leaves the rest of its sentences to the next run.
        found = dict(typed if typed is not None else judge.held)
        if portion is not portions[0]:  # Each portion holds by itself; with the rules of those before, it may not.
            found, rejected = _hold(run, plan, found)
            found |= {number: (_cannot(portion[number - 1], why.message),) for number, why in rejected.items()}
        plan = with_rules(plan, [entry for number in sorted(found) for entry in found[number]])
        for number, sentence in enumerate(portion, 1):
            reasons = [entry.rule.reason for entry in found.get(number, ()) if isinstance(entry.rule, Cannot)]
            decided += number in found and not reasons
            if number not in found:
                kept.append(_unenforced("rule-in-words", sentence, f"it is only words: {why_not}"))
            kept += [_unenforced("rule-not-possible", sentence, reason) for reason in reasons]
    return Outcome(plan, len(sentences), decided, tuple(kept))


def rules_request(
    schema: Schema, plan: Plan, templates: Templates, sentences: Sequence[Sentence], batch: int
) -> Request:
    """The question about some sentences."""
    names = _named_tables(schema, plan, sentences)
    parents = {
        parent
        for table in schema
        if table.name in names
        for _, parent in references(table, plan)
        if parent not in names and parent in plan.tables
    }
    numbered = (
        f"{number}. {clean(sentence.text, _LONGEST)}" + (f" (of {clean(sentence.table)})" if sentence.table else "")
        for number, sentence in enumerate(sentences, 1)
    )
    said = templates.fill(
        "rules",
        model=render_model(schema, plan, names, {}, parents, values=True),
        processes=render_processes(schema, plan, names),
        kinds=render_rule_kinds(),
        rules=data_block("\n".join(numbered)),
    )
    expected = 20 + _TOKENS_PER_RULE * len(sentences)
    return Request(
        "rules",
        (Message("system", templates.fill("role")), Message("user", said)),
        RULES_FORMAT,
        batch=batch,
        answer_tokens=expected,
        max_tokens=at_most(expected),
    )


def read_rules(
    value: object, schema: Schema, plan: Plan, sentences: Sequence[Sentence]
) -> tuple[Typed, dict[int, Diagnostic], list[Diagnostic]]:
    """The rules that an answer holds, by the number of their sentence; what is wrong with those of others; the rest."""
    try:
        answer = _RulesAnswer.model_validate(value)
    except ValidationError as error:
        return {}, {}, [misshapen(error)]
    tables = {clean(table.name): table.name for table in schema if table.name in plan.tables}
    typed: dict[int, list[RuleEntry]] = {}
    wrong: dict[int, Diagnostic] = {}
    others: list[Diagnostic] = []
    for item in answer.rules:
        if not 1 <= item.number <= len(sentences):
            message = f"there is no sentence {item.number}; they are numbered 1 to {len(sentences)}"
            others.append(Diagnostic("unknown-number", message, Location(path=f"rules.{item.number}")))
            continue
        entry = _read_rule(item, sentences[item.number - 1], tables)
        if isinstance(entry, Diagnostic):
            wrong.setdefault(item.number, entry)
        elif entry not in typed.setdefault(item.number, []):
            typed[item.number].append(entry)
    for number in range(1, len(sentences) + 1):
        entries = typed.get(number, [])
        problem = None
        if not entries and number not in wrong:
            problem = "it is not answered", "type it, or say cannot('why')"
        elif len(entries) > 1 and any(isinstance(entry.rule, Cannot) for entry in entries):
            problem = "it is typed, and said to be impossible too", "give the one or the other"
        elif len(entries) > _MOST_FOR_ONE:
            problem = f"{len(entries)} rules are too many for one sentence", f"give at most {_MOST_FOR_ONE}"
        if problem:
            wrong.setdefault(number, _wrong("not-answered", number, *problem))
    return {number: tuple(entries) for number, entries in typed.items() if number not in wrong}, wrong, others


def _read_rule(item: _TypedRule, sentence: Sentence, tables: Mapping[str, str]) -> RuleEntry | Diagnostic:
    try:
        rule = parse_rule(item.rule)
    except CallError as error:
        return _wrong("invalid-rule", item.number, str(error), error.hint)
    unclean = [found for text in _texts(rule) for found in find_unclean(text) if found.code != "text-formula"]
    if unclean:
        return _wrong(unclean[0].code, item.number, unclean[0].message, unclean[0].hint)
    if isinstance(rule, Cannot):
        return _cannot(sentence, rule.reason)
    problems: list[Diagnostic] = []
    table = find_name(item.table, tables, "table", problems)
    if table is None:
        hint = problems[0].hint
        return _wrong("unknown-table", item.number, f'there is no table "{clean(item.table)}"', hint)
    return RuleEntry(says=sentence.text, table=table, rule=rule, by=Author.LLM)


def _texts(rule: Rule) -> Iterator[str]:
    yield from (value for name in type(rule).model_fields if isinstance(value := getattr(rule, name), str))


class _Judge:
    """Validates the answers to one call, and remembers what held in them and what stays wrong."""

    def __init__(self, run: Run, plan: Plan, sentences: Sequence[Sentence]) -> None:
        self._run, self._plan, self._sentences = run, plan, sentences
        self.held: dict[int, tuple[RuleEntry, ...]] = {}
        self._wrong: dict[int, Diagnostic] = {}

    def __call__(self, value: object) -> Typed | list[Diagnostic]:
        typed, wrong, others = read_rules(value, self._run.schema, self._plan, self._sentences)
        with self._run.judging:
            held, rejected = _hold(self._run, self._plan, typed)
        wrong |= rejected
        self.held |= held
        self._wrong = {number: found for number, found in wrong.items() if number not in self.held}
        return [*others, *wrong.values()] or held

    def salvage(self) -> Typed:
        """Once no answer was right as a whole: what held in one of them, and `cannot` with the reason for the rest."""
        failed = {
            number: (_cannot(self._sentences[number - 1], found.message),) for number, found in self._wrong.items()
        }
        return failed | self.held


def _hold(run: Run, plan: Plan, typed: Typed) -> tuple[dict[int, tuple[RuleEntry, ...]], dict[int, Diagnostic]]:
    """The sentences whose rules the plan holds, and for each of the others why not."""
    held, rejected = dict(typed), dict[int, Diagnostic]()
    while held:
        entries = [(number, entry) for number, rules in held.items() for entry in rules]
        places = {f"rules.{len(plan.rules) + index}": number for index, (number, _) in enumerate(entries)}
        problems = _try(run, plan, [entry for _, entry in entries])
        guilty = {number: found for found in problems if (number := _within(found, places)) is not None}
        if not guilty:
            # What is wrong names no rule: one that no row can meet, say. The sentences are tried one by one.
            return _one_by_one(run, plan, held, rejected) if problems else (held, rejected)
        rejected |= {number: _wrong(found.code, number, found.message, found.hint) for number, found in guilty.items()}
        held = {number: rules for number, rules in held.items() if number not in guilty}
    return held, rejected


def _one_by_one(
    run: Run, plan: Plan, typed: Typed, rejected: dict[int, Diagnostic]
) -> tuple[dict[int, tuple[RuleEntry, ...]], dict[int, Diagnostic]]:
    held = dict[int, tuple[RuleEntry, ...]]()
    for number, entries in typed.items():
        problems = _try(run, plan, entries)
        if problems:
            rejected[number] = _wrong(problems[0].code, number, problems[0].message, problems[0].hint or _TOO_TIGHT)
        else:
            plan, held[number] = with_rules(plan, entries), entries
    return held, rejected


def _try(run: Run, plan: Plan, entries: Sequence[RuleEntry]) -> list[Diagnostic]:
    return try_rules(run.schema, plan, entries, run.proof, run.rule_proof, run.files)


_TOO_TIGHT = (
    "the columns are decided and stay as they are: say a weaker rule that they can meet, such as share(...), or "
    "cannot('which column would have to arise otherwise')"
)


def _within(problem: Diagnostic, places: Mapping[str, int]) -> int | None:
    path = problem.location.path or ""
    return next((number for place, number in places.items() if path == place or path.startswith(f"{place}.")), None)


def _portions(sentences: Sequence[Sentence]) -> list[Sequence[Sentence]]:
    return [sentences[begin : begin + RULES_AT_ONCE] for begin in range(0, len(sentences), RULES_AT_ONCE)]


def _named_tables(schema: Schema, plan: Plan, sentences: Iterable[Sentence]) -> list[str]:
    """The tables that the sentences speak of; all of them where there are few, or a sentence names none."""
    planned = [table.name for table in schema if table.name in plan.tables]
    if len(planned) <= _ALL_TABLES:
        return planned
    found: set[str] = set()
    for sentence in sentences:
        words = {singular(word) for word in re.findall(r"[a-z0-9]+", snake(sentence.text).replace("_", " "))}
        named = {name for name in planned if _words(name) <= words} | ({sentence.table} if sentence.table else set())
        if not named:
            return planned
        found |= named
    return [name for name in planned if name in found]


def _words(table: str) -> set[str]:
    return {singular(word) for word in snake(table.rpartition(".")[2]).split("_")}


def _cannot(sentence: Sentence, reason: str) -> RuleEntry:
    return RuleEntry(says=sentence.text, rule=Cannot(reason=clean(reason, _LONGEST)), by=Author.LLM)


def _wrong(code: str, number: int, message: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code, f"sentence {number}: {message}", Location(path=f"rules.{number}"), hint=hint)


def _unenforced(code: str, sentence: Sentence, reason: str) -> Diagnostic:
    return Diagnostic(code, f'nothing enforces the rule "{sentence.text}": {reason}', sentence.origin, Severity.WARNING)

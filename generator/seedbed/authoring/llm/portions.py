"""The stage that decides columns: the open entries in portions of one call each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from seedbed.authoring.client.by_hand import Unanswered
from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.conversation import converse
from seedbed.authoring.client.outcomes import BudgetExceeded, Refused, Truncated, Unavailable
from seedbed.authoring.llm.columns import Entries, columns_request, merge_answers, part_of, read_columns
from seedbed.authoring.llm.kept import kept_for
from seedbed.authoring.llm.listings import listings_of
from seedbed.authoring.llm.prompts import Templates, references
from seedbed.authoring.llm.run import LEFT_OUT, Outcome, Run, spoken
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.trial import Entry, keep_what_holds, path_of, put_in
from seedbed.authoring.llm.undecided import Place, Undecided, undecided
from seedbed.errors import AttemptsExhausted, Diagnostic
from seedbed.plan.spec import Plan
from seedbed.schema import Schema

TABLES_AT_ONCE, COLUMNS_AT_ONCE = 13, 60
"""The most of one `columns` call: more columns in one answer get less thought each."""


def expected_columns(schema: Schema, plan: Plan, templates: Templates, survey: Survey) -> list[Request]:
    """One call for each portion."""
    portions = group(schema, plan, _open(schema, plan, survey))
    return [columns_request(schema, plan, templates, survey, portion, batch) for batch, portion in enumerate(portions)]


def decide_columns(run: Run, plan: Plan, survey: Survey) -> Outcome:
    """The plan with the entries that hold; portions are asked for at the same time."""
    asked = _open(run.schema, plan, survey)
    portions = group(run.schema, plan, asked)
    asking = _Asking(run, plan, survey, len(portions))
    with ThreadPoolExecutor(max(1, run.at_once)) as pool:
        answers = list(pool.map(lambda item: asking.ask(item[1], item[0]), enumerate(portions)))
    entries = {place: entry for answer in answers for place, entry in answer.items()}
    # Each portion holds by itself; together, two of them may still disagree.
    held, rejected = keep_what_holds(run.schema, plan, entries, run.proof)
    reasons = asking.reasons | {place: spoken(problem) for place, problem in rejected.items()}
    places = [place for table in asked for place in table.places()]
    kept: dict[str, list[Place]] = {}
    for place in places:
        if place not in held:
            kept.setdefault(reasons.get(place) or run.stopped or LEFT_OUT, []).append(place)
    told = tuple(kept_for(places, reason) for reason, places in kept.items())
    return Outcome(put_in(plan, held), len(places), len(held), told)


def _open(schema: Schema, plan: Plan, survey: Survey) -> list[Undecided]:
    """The open entries, but for those of tables whose rows are written outright: nothing is asked twice."""
    written = {listing.table for portion in listings_of(schema, plan, survey) for listing in portion}
    return [item for item in undecided(schema, plan) if item.table not in written]


# --- portions ------------------------------------------------------------------------------------------------


def group(schema: Schema, plan: Plan, asked: Sequence[Undecided]) -> list[list[Undecided]]:
    """The open entries in portions of one call each: tables that refer to each other stand together."""
    waiting = {item.table: item for item in asked}
    near: dict[str, list[str]] = {name: [] for name in waiting}
    for table in schema:
        for _, parent in references(table, plan):
            if table.name in near and parent in near and parent != table.name:
                near[table.name].append(parent)
                near[parent].append(table.name)
    portions: list[list[Undecided]] = []
    while waiting:
        portion: list[Undecided] = []
        room = COLUMNS_AT_ONCE
        reachable = [next(iter(waiting))]
        while reachable and len(portion) < TABLES_AT_ONCE:
            name = reachable.pop(0)
            if name in waiting and (len(waiting[name].columns) <= room or not portion):
                portion.append(waiting.pop(name))
                room -= len(portion[-1].columns)
                reachable += near[name]
            if not reachable:  # tables that nothing leads to share a call: each costs the same preamble
                reachable = [name for name in waiting if len(waiting[name].columns) <= room][:1]
        portions += _narrow(portion)
    return portions


def _narrow(portion: list[Undecided]) -> Iterator[list[Undecided]]:
    """The portion, or parts of its only table where that alone has too many columns."""
    if len(portion) > 1 or len(portion[0].columns) <= COLUMNS_AT_ONCE:
        yield portion
        return
    wide = portion[0]
    for begin in range(0, len(wide.columns), COLUMNS_AT_ONCE):
        columns = wide.columns[begin : begin + COLUMNS_AT_ONCE]
        yield [Undecided(wide.table, columns, wide.rows and not begin)]


def halves(portion: list[Undecided]) -> tuple[list[Undecided], list[Undecided]] | None:
    """The portion in two, for an answer that was too long; None when it is a single column or number of rows."""
    if len(portion) > 1:
        return portion[: len(portion) // 2], portion[len(portion) // 2 :]
    table = portion[0]
    if len(table.columns) < 2:
        return None
    middle = len(table.columns) // 2
    first = Undecided(table.table, table.columns[:middle], table.rows)
    return [first], [Undecided(table.table, table.columns[middle:], False)]


# --- asking for one ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Asking:
    run: Run
    plan: Plan
    survey: Survey
    portions: int
    reasons: dict[Place, str] = field(default_factory=dict)
    """Why entries keep the baseline's."""

    def ask(self, portion: list[Undecided], batch: int) -> Entries:
        """The entries of one portion that hold; in two calls where one answer would be too long."""
        run = self.run
        if run.stopped:
            return {}
        run.tell(f"planning {', '.join(item.table for item in portion)} ({batch + 1} of {self.portions})")
        judge = _Judge(run, self.plan, self.survey, portion, batch)
        try:
            return converse(run.client, judge.question(self.plan, portion), judge.validate, mending=judge)
        except Truncated as error:
            parts = halves(portion)
            if parts is not None:
                answers = [self.ask(part, batch) for part in parts]
                return {**answers[0], **answers[1]}
            self._give_up(portion, error.message)
        except AttemptsExhausted:
            self._give_up(portion, LEFT_OUT)
            self.reasons |= {place: spoken(problem) for place, problem in judge.rejected.items()}
            return judge.held
        except Refused as error:
            self._give_up(portion, error.message)
        except Unanswered as error:
            run.unanswered = error.message
            self._give_up(portion, error.message)
        except (Unavailable, BudgetExceeded) as error:
            run.stopped = error.message
        return {}

    def _give_up(self, portion: Sequence[Undecided], reason: str) -> None:
        self.reasons |= {place: reason for table in portion for place in table.places()}


@dataclass(slots=True)
class _Judge:
    """Asks for one portion, validates the answers and has them mended; remembers the most entries that held."""

    run: Run
    plan: Plan
    survey: Survey
    portion: Sequence[Undecided]
    batch: int
    held: Mapping[Place, Entry] = field(default_factory=dict)
    rejected: Mapping[Place, Diagnostic] = field(default_factory=dict)
    wrong: Mapping[Place, Diagnostic] = field(default_factory=dict)

    def question(self, plan: Plan, portion: Sequence[Undecided]) -> Request:
        """The question about the portion, or a part of it, where a plan stands."""
        run = self.run
        return columns_request(run.schema, plan, run.templates, self.survey, portion, self.batch)

    def validate(self, answer: object) -> Entries | list[Diagnostic]:
        """The entries of the portion, or what is wrong with some of them."""
        run = self.run
        entries, problems = read_columns(answer, run.schema, self.plan, self.portion)
        with run.judging:
            held, rejected = keep_what_holds(run.schema, self.plan, entries, run.proof)
        self.wrong = {**dict(self._located(problems)), **rejected}
        if len(held) >= len(self.held):
            self.held, self.rejected = held, self.wrong
        problems = [*problems, *rejected.values()]
        return problems or held

    def narrow(self, answer: object) -> tuple[Request, object] | None:
        """The question about the entries that were wrong last, beside those that held, and what the answer says."""
        portion = [part for item in self.portion if (part := item.only(self.wrong))]
        said = part_of(answer, portion) if portion else None
        return None if said is None else (self.question(put_in(self.plan, self.held), portion), said)

    def merge(self, answer: object, mended: object) -> object:
        """The answer with the mended entries in the place of its own."""
        return merge_answers(answer, mended, self.portion)

    def _located(self, problems: Sequence[Diagnostic]) -> Iterator[tuple[Place, Diagnostic]]:
        """The problems by the entries that they belong to."""
        paths = {path_of(place): place for item in self.portion for place in item.places()}
        yield from ((paths[path], found) for found in problems if (path := found.location.path) in paths)

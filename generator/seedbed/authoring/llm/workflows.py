"""The stage that reads processes from words: what a business analyst wrote becomes a matrix of transitions.

Only what the plan guesses is asked for: a process whose moves nobody declared, and of which some text tells. Each
number comes back with the words that it was read from, which stay in the plan under `because:`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from seedbed.authoring.client.calls import Message, Request
from seedbed.authoring.llm.answer import TEXT, at_most, misshapen, wire_object, wrong
from seedbed.authoring.llm.prompts import Templates, render_model
from seedbed.authoring.llm.run import Outcome, Run
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.trial import try_process, with_process
from seedbed.authoring.llm.undecided import is_untouched
from seedbed.authoring.llm.untrusted import clean, data_block
from seedbed.authoring.process_prose import process_prose
from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.plan import kinds
from seedbed.plan.calls import spoken_errors
from seedbed.plan.hygiene import find_unclean
from seedbed.plan.merge import TABLE
from seedbed.plan.spec import Author, Dwell, Plan, Process
from seedbed.plan.transitions import END, TOLERANCE, fold, read_share
from seedbed.schema import Fact, Schema, Table, Workflow

NOT_SAID = "(not said)"
"""Stands under `because:` for a number that the LLM had to assume."""
_TOKENS_PER_STATE = 130
_MOST_STATES, _MOST_ROWS = 40, 400
_SHORTEST_QUOTE, _LONGEST_QUOTE = 8, 240
_ROUNDED = 0.006
"""How far an answer may be from a share that the diagram gives."""

WORKFLOW_FORMAT = wire_object(
    states={"type": "array", "items": TEXT},
    initial={"type": "array", "items": wire_object(state=TEXT, share=TEXT, quote=TEXT)},
    moves={"type": "array", "items": wire_object(state=TEXT, next=TEXT, share=TEXT, quote=TEXT)},
    stays={"type": "array", "items": wire_object(state=TEXT, next=TEXT, time=TEXT, quote=TEXT)},
)


class _Said(BaseModel):
    state: str
    next: str = ""
    quote: str = ""


class _Share(_Said):
    share: str | float


class _Stay(_Said):
    time: str


class _WorkflowAnswer(BaseModel):
    states: list[str] = []
    initial: list[_Share] = []
    moves: list[_Share]
    stays: list[_Stay] = []


@dataclass(frozen=True, slots=True)
class OpenProcess:
    """A process whose moves are only guessed, and the texts that tell of it.

    `state` is the column that shows its state, if one does; `drawn` the diagram that its moves come from, if any.
    """

    table: Table
    state: str | None
    process: Process
    texts: tuple[Fact[str], ...]
    drawn: Workflow | None

    @property
    def accepted(self) -> tuple[str, ...]:
        """The values that the project lists for the column of the state."""
        column = self.table.column(self.state) if self.state else None
        return tuple(map(str, column.accepted_values.value)) if column and column.accepted_values else ()


def open_processes(schema: Schema, plan: Plan) -> list[OpenProcess]:
    """The processes to ask for: the baseline's own, untouched by a person, of which something is said in words."""
    found = []
    for table in schema:
        entry = plan.tables.get(table.name)
        if entry is None or entry.process is None or entry.process_author is not Author.BASELINE:
            continue
        if not table.generated or not is_untouched(plan, table.name, TABLE, entry):
            continue
        shown = (name for name, column in entry.columns.items() if _shows_state(column.generator, table.name))
        state = entry.history.state if entry.history else next(shown, None)
        named = fold(entry.process.workflow or "")
        drawn = next((flow for flow in schema.workflows if named and fold(flow.name) == named), None)
        if drawn is not None and not _guessed(drawn) and entry.process.dwell is not None:
            continue
        texts = process_prose(schema, table, state, entry.process)
        if texts:
            found.append(OpenProcess(table, state, entry.process, texts, drawn))
    return found


def expected_workflows(schema: Schema, plan: Plan, templates: Templates, survey: Survey) -> list[Request]:
    """One call for each process."""
    return [
        workflow_request(schema, plan, templates, item, batch)
        for batch, item in enumerate(open_processes(schema, plan))
    ]


def decide_workflows(run: Run, plan: Plan, survey: Survey) -> Outcome:
    """The plan with the processes that could be read from words."""
    opened = open_processes(run.schema, plan)

    def ask(numbered: tuple[int, OpenProcess]) -> tuple[Process | None, str]:
        batch, item = numbered
        if not run.stopped:
            run.tell(f"reading the process of {item.table.name} ({batch + 1} of {len(opened)})")
        request = workflow_request(run.schema, plan, run.templates, item, batch)
        return run.ask(request, lambda value: _judge(run, plan, item, value))

    with ThreadPoolExecutor(max(1, run.at_once)) as pool:
        answers = list(pool.map(ask, enumerate(opened)))
    run.wait_for_answers()
    kept = []
    for item, (process, why_not) in zip(opened, answers, strict=True):
        problems = try_process(run.schema, plan, item.table.name, process, run.proof) if process else []
        if process is not None and not problems:
            plan = with_process(plan, item.table.name, process)
            continue
        # Each holds by itself; together with those before it, it may still not.
        kept.append(_kept(item, problems[0].message if problems else why_not))
    return Outcome(plan, len(opened), len(opened) - len(kept), tuple(kept))


def workflow_request(schema: Schema, plan: Plan, templates: Templates, item: OpenProcess, batch: int) -> Request:
    """The question about one process."""
    known: dict[str, object] = {"table": clean(item.table.name)}
    if item.state:
        known["state column"] = clean(item.state)
    if item.accepted:
        known["its values"] = [clean(value, 60) for value in item.accepted]
    if item.drawn:
        known["moves as drawn"] = [
            f"{clean(before, 60)} -> {clean(after, 60)}" + (f" {share:g}" if share is not None else "")
            for before, after, share in _drawn_moves(item.drawn)
        ]
    texts = [line for text in item.texts for line in [*_lines(text.value), ""]]
    said = templates.fill(
        "workflow",
        model=render_model(schema, plan, [item.table.name], {}),
        texts=data_block("\n".join(texts).strip()),
        process=data_block(json.dumps(known, ensure_ascii=False)),
    )
    states = len(item.accepted or (item.drawn.states if item.drawn else item.process.states or ()))
    expected = 80 + _TOKENS_PER_STATE * max(states, 3)
    return Request(
        "workflow",
        (Message("system", templates.fill("role")), Message("user", said)),
        WORKFLOW_FORMAT,
        batch=batch,
        answer_tokens=expected,
        max_tokens=at_most(expected),
    )


def read_workflow(value: object, item: OpenProcess) -> Process | list[Diagnostic]:
    """The process that an answer describes, or what is wrong with it."""
    try:
        answer = _WorkflowAnswer.model_validate(value)
    except ValidationError as error:
        return [misshapen(error)]
    return _Reader(item, answer).read()


class _Reader:
    """Reads one answer; `problems` are collected, so that a repair can mend them all."""

    def __init__(self, item: OpenProcess, answer: _WorkflowAnswer) -> None:
        self.item, self.answer = item, answer
        self.problems: list[Diagnostic] = []
        self.because: dict[str, str] = {}
        self.text = _plain(" ".join(text.value for text in item.texts))
        self.states: dict[str, str] = {}
        """As they are to be spelled, by what people do not write differently."""

    def read(self) -> Process | list[Diagnostic]:
        self._read_states()
        initial = self._initial()
        transitions = self._transitions()
        dwell = self._dwell()
        if self.because and set(self.because.values()) == {NOT_SAID} and not self.problems:
            self._wrong("nothing-quoted", "no number comes with a quote from the texts")
        if self.problems:
            return self.problems
        update: dict[str, Any] = {"initial": initial, "transitions": transitions, "because": self.because}
        if self.item.drawn is None:
            update |= {"states": tuple(self.states.values()), "workflow": None, "matrix": None}
        if dwell:
            update["dwell"] = dwell
        if self.item.drawn is not None and not initial:
            update["initial"] = self.item.process.initial
        return self.item.process.model_copy(update={**update, "by": Author.LLM})

    def _wrong(self, code: str, message: str, hint: str | None = None) -> None:
        self.problems.append(wrong(code, message, self.item.table.name, None, hint))

    def _read_states(self) -> None:
        """The project's own spelling where it lists them; else those of the answer, which must stand in the texts."""
        item = self.item
        own = item.drawn.states if item.drawn else item.accepted
        if own:
            self.states = {fold(name): name for name in own}
            for name in self.answer.states:
                self._state(name)
            return
        if len(self.answer.states) > _MOST_STATES or len(self.answer.moves) > _MOST_ROWS:
            self._wrong("too-many-states", f"{len(self.answer.states)} states are more than a process has")
            return
        column = item.table.column(item.state) if item.state else None
        length = column.data_type.value.length if column and column.data_type else None
        place = Location(path=f"tables.{item.table.name}")
        for name in self.answer.states:
            self.problems += find_unclean(name, max_length=length, location=place)
            words = re.sub(r"[\s_-]+", " ", clean(name)).casefold()
            if not words or words not in re.sub(r"[\s_-]+", " ", self.text):
                self._wrong("state-not-in-text", f'the texts do not speak of a state "{clean(name)}"',
                            "name states as the texts do")  # fmt: skip
            self.states.setdefault(fold(name), name)

    def _state(self, said: str) -> str | None:
        found = self.states.get(fold(said))
        if found is None:
            names = list(self.states.values())
            hint = closest(said, names) or f"the states are {', '.join(names) or 'those listed under states'}"
            self._wrong("unknown-state", f'there is no state "{clean(said)}"', hint)
        return found

    def _initial(self) -> dict[str, float]:
        shares = {}
        for row in self.answer.initial:
            state = self._state(row.state)
            share = self._share(row, f"first state {clean(row.state)}")
            if state is not None and share is not None:
                shares[state] = share
                self._quote(f"initial {state}" if len(self.answer.initial) > 1 else "initial", row.quote)
        return self._settled(shares, "the first states")

    def _transitions(self) -> dict[str, dict[str, float]]:
        rows: dict[str, dict[str, float]] = {}
        edges = {(fold(before), fold(after)): share for before, after, share in _drawn_moves(self.item.drawn)}
        for row in self.answer.moves:
            source = self._state(row.state)
            target = END if row.next.strip() == END else self._state(row.next)
            share = self._share(row, f"{clean(row.state)} -> {clean(row.next)}")
            if source is None or target is None or share is None:
                continue
            move = f"{source} -> {target}"
            if self.item.drawn is not None:
                if (fold(source), fold(target)) not in edges:
                    self._wrong("move-not-drawn", f"the state diagram has no move {move}", "use only moves as drawn")
                    continue
                number = edges[fold(source), fold(target)]
                if number is not None and abs((share / 100 if share > 1 else share) - number) > _ROUNDED:
                    self._wrong("share-as-drawn", f"{move} is {number:g} in the diagram, not {share:g}")
            if target in rows.setdefault(source, {}):
                self._wrong("answered-twice", f"the move {move} is answered twice")
            rows[source][target] = share
            self._quote(move, row.quote)
        if not rows and not self.problems:
            self._wrong("no-moves", "no move is given from any state to another")
        return {source: self._settled(row, f"the moves from {source}") for source, row in rows.items()}

    def _dwell(self) -> dict[str, Dwell]:
        times = {}
        for row in self.answer.stays:
            source = self._state(row.state)
            target = self._state(row.next) if row.next.strip() else ""
            if source is None or target is None:
                continue
            key = f"{source} -> {target}" if target else source
            try:
                times[key] = Dwell.model_validate(row.time)
            except ValidationError as error:
                self._wrong("invalid-time", f"the stay in {key}, {clean(row.time)!r}: {spoken_errors(error)}",
                            "for example lognormal(median='3d', sigma=0.8), exponential(mean='9d'), "
                            "uniform(min='1d', max='5d') or fixed(value='30d')")  # fmt: skip
                continue
            self._quote(f"dwell {key}", row.quote)
        return times

    def _share(self, row: _Share, what: str) -> float | None:
        share = read_share(row.share)
        if share is None or not math.isfinite(share) or share < 0:
            self._wrong("bad-probability", f"{what}: {clean(str(row.share))!r} is no share",
                        "write 0.35 or 35%")  # fmt: skip
            return None
        return share

    def _settled(self, shares: dict[str, float], what: str) -> dict[str, float]:
        """Shares that sum to 1; a row of percentages is put into shares."""
        total = math.fsum(shares.values())
        if shares and abs(total - 100) <= 100 * TOLERANCE:
            return {name: round(share / 100, 9) for name, share in shares.items()}
        if shares and abs(total - 1) > TOLERANCE:
            spoken = " + ".join(f"{name} {share:g}" for name, share in shares.items())
            self._wrong("probability-sum", f"{what}: {spoken} = {total:.6g}; they must sum to 1",
                        "give the rest to where the remaining ones go")  # fmt: skip
        return shares

    def _quote(self, key: str, quote: str) -> None:
        """Notes what a number was read from, which must stand in the texts."""
        words = _plain(quote)
        if not words:
            self.because[key] = NOT_SAID
        elif len(words) < _SHORTEST_QUOTE:
            self._wrong("quote-too-short", f'{key}: "{clean(quote)}" is too short to find',
                        "quote the whole sentence")  # fmt: skip
        elif words not in self.text:
            self._wrong("quote-not-found", f'{key}: the texts do not say "{clean(quote)}"',
                        'quote them word for word, or give "" for what they do not say')  # fmt: skip
        else:
            self.because[key] = clean(quote, _LONGEST_QUOTE)


def _judge(run: Run, plan: Plan, item: OpenProcess, value: object) -> Process | list[Diagnostic]:
    process = read_workflow(value, item)
    if isinstance(process, list):
        return process
    with run.judging:
        return try_process(run.schema, plan, item.table.name, process, run.proof) or process


def _shows_state(generator: kinds.Generator, table: str) -> bool:
    return isinstance(generator, kinds.Lifecycle) and (generator.part, generator.lifecycle) == ("state", table)


def _guessed(workflow: Workflow) -> bool:
    """Whether a diagram leaves shares open: a state with several moves, of which one has no number."""
    moves: Mapping[str, Sequence[float | None]] = {
        state: [move.probability for move in workflow.transitions if move.source == state] for state in workflow.states
    }
    return any(len(shares) > 1 and None in shares for shares in moves.values())


def _drawn_moves(workflow: Workflow | None) -> Iterator[tuple[str, str, float | None]]:
    """The moves of a diagram with their numbers, those to its end among them."""
    if workflow is not None:
        yield from ((move.source, move.target, move.probability) for move in workflow.transitions)
        yield from ((state, END, None) for state in workflow.terminal)


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, cleaned one by one; what is drawn in it is read elsewhere."""
    for line in re.sub(r"^```.*?^```\s*$", "", text, flags=re.S | re.M).splitlines():
        if line.strip():
            yield clean(line, 2_000)


def _plain(text: str) -> str:
    """A text without what a quotation may change: case, white space, emphasis, quotation marks, the full stop."""
    return re.sub(r"[*'\s]+", " ", clean(text, len(text) + 1)).casefold().strip(" .,;:…")


def _kept(item: OpenProcess, reason: str) -> Diagnostic:
    message = f"the process of {item.table.name} keeps its baseline moves: {reason}"
    return Diagnostic("baseline-kept", message, Location(path=f"tables.{item.table.name}"), Severity.WARNING)

"""Whether entries that somebody proposes hold in a plan: they are put into it, and it is resolved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seedbed.authoring.llm.undecided import Place
from seedbed.documents import Document
from seedbed.errors import Diagnostic, Severity
from seedbed.plan.counts import mean
from seedbed.plan.fingerprints import text_of
from seedbed.plan.merge import TABLE
from seedbed.plan.resolve import resolve
from seedbed.plan.resolved import ResolvedPlan
from seedbed.plan.spec import (
    Author,
    ColumnEntry,
    DateRows,
    FileRows,
    FixedRows,
    Plan,
    Process,
    Rows,
    RowsPer,
    RuleEntry,
)
from seedbed.schema import Schema

MOST_ROWS = 20_000
"""Rows of a table that an LLM may ask for: as many as a seed should have. A person may write more."""
Entry = ColumnEntry | Rows
Proof = Callable[[ResolvedPlan, Collection[str]], list[Diagnostic]]
"""Makes a few rows of some tables, and says what went wrong: SQL can be right and still fail on a value."""
RuleProof = Callable[[ResolvedPlan, Collection[str]], list[Diagnostic]]
"""Holds rows to the rules at some places of a plan (`rules.3`): which are broken, and which say nothing at all."""
_ANSWER = Document({}, "answer")
"""What stands for the plan's file in messages: the entries are named by their paths."""


def no_proof(resolved: ResolvedPlan, tables: Collection[str]) -> list[Diagnostic]:
    """Takes a plan that can be resolved for one that can be carried out."""
    return []


def no_rule_proof(resolved: ResolvedPlan, places: Collection[str]) -> list[Diagnostic]:
    """Takes a rule that can be resolved for one that holds."""
    return []


def resolve_plan(schema: Schema, plan: Plan, files: Mapping[str, str] | None = None) -> ResolvedPlan | None:
    """The plan with nothing left to decide, or None where it cannot be carried out."""
    return resolve(schema, plan, _ANSWER, files=files)[0]


def problems_of(
    schema: Schema,
    plan: Plan,
    proof: Proof = no_proof,
    tables: Collection[str] = (),
    files: Mapping[str, str] | None = None,
    places: Collection[str] = (),
) -> list[Diagnostic]:
    """The errors for which the plan cannot be carried out; with a proof of some tables, also when rows are made.

    At `places`, the paths of entries that are only proposed, a warning that they cannot mean what they say counts too.
    """
    resolved, found = resolve(schema, plan, _ANSWER, files=files)
    if resolved is None:
        return [problem for problem in found if problem.severity is Severity.ERROR]
    flaws = [problem for problem in found if problem.code == "unknown-value" and problem.location.path in places]
    return flaws or proof(resolved, tables)


def put_in(plan: Plan, entries: Mapping[Place, Entry]) -> Plan:
    """The plan with an LLM's entries in the place of those that it has; each column keeps what it varies by."""
    tables = dict(plan.tables)
    for name in dict.fromkeys(table for table, _ in entries):
        old = tables[name]
        columns = dict(old.columns)
        update: dict[str, object] = {"columns": columns}
        if (name, None) in entries:
            update |= {"rows": entries[name, None], "by": Author.LLM}
        author = update.get("by", old.by)
        for name_of_process in ("history", "lifecycle"):
            process = getattr(old, name_of_process)
            if process is not None and old.process_author is not author:
                update[name_of_process] = process.model_copy(update={"by": old.process_author})
        for column, before in old.columns.items():
            new = entries.get((name, column))
            by = Author.LLM if isinstance(new, ColumnEntry) else before.by or old.by
            generator = new.generator if isinstance(new, ColumnEntry) else before.generator
            columns[column] = before.model_copy(update={"generator": generator, "by": None if by is author else by})
        tables[name] = old.model_copy(update=update)
    put = plan.model_copy(update={"tables": tables})
    return put.model_copy(update={"fingerprints": _fingerprints(put, entries)})


def _fingerprints(plan: Plan, places: Collection[Place]) -> dict[str, dict[str, str]]:
    """Those of the plan, with entries at some places as their author just wrote them: no person has edited these."""
    prints = {table: dict(of_columns) for table, of_columns in plan.fingerprints.items()}
    for table, column in places:
        before = prints.get(table, {}).get(column or TABLE)
        if before is not None:
            entry = plan.tables[table]
            written = text_of(entry.columns[column] if column else entry)
            prints[table][column or TABLE] = f"{before.rpartition('.')[0]}.{written}"
    return prints


def keep_what_holds(
    schema: Schema,
    plan: Plan,
    entries: Mapping[Place, Entry],
    proof: Proof = no_proof,
    files: Mapping[str, str] | None = None,
) -> tuple[dict[Place, Entry], dict[Place, Diagnostic]]:
    """The entries with which the plan can still be carried out, and for each of the others why not.

    Args:
        schema: what the project says.
        plan: one that can be carried out as it is.
        entries: what is proposed.
        proof: makes rows of the tables that have such entries.
        files: texts of files beside the plan that are not written yet, by path.
    """
    before = expected_rows(plan, files)
    limits = {name: max(MOST_ROWS, count) for name, count in before.items()}
    trial = _Trial(schema, limits, proof, {table for table, _ in entries}, set(map(path_of, entries)), files or {})
    held, rejected = dict(entries), dict[Place, Diagnostic]()
    places = {path_of(place): place for place in entries}
    places |= {entry.file: place for place, entry in entries.items() if isinstance(entry, FileRows)}
    while held:
        problems = trial.problems(put_in(plan, held))
        named = {place: item for item in problems if (place := _place_of(item, places))}
        guilty = {place: problem for place, problem in named.items() if place in held}
        if not guilty:
            break
        rejected |= guilty
        held = {place: entry for place, entry in held.items() if place not in guilty}
    # What is still wrong names no entry: two that do not go together, or one that breaks a column beside it.
    return trial.add(plan, held, rejected), rejected


def _place_of(problem: Diagnostic, places: Mapping[str, Place]) -> Place | None:
    """The entry that a problem names, by its path in the plan or by the file of its rows."""
    where = problem.location
    return places.get(where.path or "") or places.get(where.file or "")


_FLAWS = ("unreachable-state", "walk-gets-stuck", "walks-cut", "dwell-unused")
"""What is only warned of in a person's process, and wrong in one that is proposed."""


def try_process(schema: Schema, plan: Plan, table: str, process: Process, proof: Proof = no_proof) -> list[Diagnostic]:
    """Why a process cannot take the place of the one that a table has; nothing where it can."""
    trial = with_process(plan, table, process)
    resolved, found = resolve(schema, trial, _ANSWER)
    problems = [problem for problem in found if problem.severity is Severity.ERROR]
    flaws = [problem for problem in found if problem.code in _FLAWS and _is_within(problem, f"tables.{table}")]
    return problems + flaws or (proof(resolved, {table}) if resolved else [])


def with_process(plan: Plan, table: str, process: Process) -> Plan:
    """The plan with another process of a table, as if its author had written it together with the rows."""
    old = plan.tables[table]
    entry = old.model_copy(update={"history" if old.history else "lifecycle": process})
    prints = {name: dict(printed) for name, printed in plan.fingerprints.items()}
    if TABLE in prints.get(table, {}):
        prints[table][TABLE] = f"{prints[table][TABLE].partition('.')[0]}.{text_of(entry)}"
    return plan.model_copy(update={"tables": {**plan.tables, table: entry}, "fingerprints": prints})


def try_rules(
    schema: Schema,
    plan: Plan,
    entries: Sequence[RuleEntry],
    proof: Proof,
    rule_proof: RuleProof,
    files: Mapping[str, str] | None = None,
) -> list[Diagnostic]:
    """Why rules cannot be added to a plan; nothing where they can. Places are those of the plan with them added."""
    trial = with_rules(plan, entries)
    resolved, found = resolve(schema, trial, _ANSWER, files=files)
    places = {f"rules.{index}" for index in range(len(plan.rules), len(trial.rules))}
    if resolved is None:
        return [problem for problem in found if problem.severity is Severity.ERROR]
    ignored = [problem for problem in found if problem.code == "rule-not-enforced" and problem.location.path in places]
    tables = {entry.table for entry in entries if entry.table}
    return ignored or proof(resolved, tables) or (rule_proof(resolved, places) if tables else [])


def with_rules(plan: Plan, entries: Sequence[RuleEntry]) -> Plan:
    """The plan with more rules after those that it has."""
    return plan.model_copy(update={"rules": (*plan.rules, *entries)})


def _is_within(problem: Diagnostic, path: str) -> bool:
    found = problem.location.path or ""
    return found == path or found.startswith(f"{path}.")


def path_of(place: Place) -> str:
    """The path of an entry in the plan, as messages name it."""
    table, column = place
    return f"tables.{table}" if column is None else f"tables.{table}.columns.{column}"


def expected_rows(plan: Plan, files: Mapping[str, str] | None = None) -> dict[str, float]:
    """About how many rows each table will have; 0 where that follows from something else, as in a history."""
    names = {name.casefold(): name for name in plan.tables}

    def count(name: str, below: frozenset[str]) -> float:
        match plan.tables[name].rows:
            case FixedRows(count=rows):
                return rows
            case FileRows(file=file):
                return max(0, (files or {}).get(file, "").count("\n") - 1)
            case DateRows(start=start, end=end):
                return (end - start).days + 1
            case RowsPer(parent=parent, counts=counts):
                above = names.get(parent.casefold())
                return count(above, below | {name}) * mean(counts) if above and above not in below else 0.0
        return 0.0

    return {name: count(name, frozenset({name})) for name in plan.tables}


@dataclass(frozen=True, slots=True)
class _Trial:
    """`limits` are the rows that each table may have; `tables` those that are tried, `places` the entries in them."""

    schema: Schema
    limits: Mapping[str, float]
    proof: Proof
    tables: Collection[str]
    places: Collection[str]
    files: Mapping[str, str]

    def problems(self, plan: Plan) -> list[Diagnostic]:
        return list(self._floods(plan)) or problems_of(
            self.schema, plan, self.proof, self.tables, self.files, self.places
        )

    def _floods(self, plan: Plan) -> Iterator[Diagnostic]:
        for name, rows in expected_rows(plan, self.files).items():
            if rows > self.limits[name]:
                message = f"{name} would have about {rows:,.0f} rows; at most {self.limits[name]:,.0f} are allowed"
                yield Diagnostic(
                    "too-many-rows",
                    message,
                    _ANSWER.location("tables", name),
                    hint="ask for fewer, or for fewer parents",
                )

    def add(self, plan: Plan, entries: Mapping[Place, Entry], rejected: dict[Place, Diagnostic]) -> dict[Place, Entry]:
        """As many of the entries as hold together, looked for by halves: few resolutions where few are wrong."""
        problems = self.problems(put_in(plan, entries)) if entries else []
        if not problems:
            return dict(entries)
        if len(entries) == 1:
            rejected[next(iter(entries))] = problems[0]
            return {}
        places = list(entries)
        first = {place: entries[place] for place in places[: len(places) // 2]}
        second = {place: entries[place] for place in places[len(places) // 2 :]}
        held = self.add(plan, first, rejected)
        return held | self.add(put_in(plan, held), second, rejected)

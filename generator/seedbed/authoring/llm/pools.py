"""The stage that has texts written: a pool for each column of free text, stratum by stratum, until it is large enough.

An LLM that is asked for the same thing again says the same again. So each call names the kinds of row that still lack
texts, shows what is written already, and names other writers; what comes back is compared to what is there. Two calls
in a row that bring hardly anything new are the end of a stratum.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from seedbed.authoring.client.calls import Request
from seedbed.authoring.likeness import Likeness, shared_words
from seedbed.authoring.llm.kept import kept_for
from seedbed.authoring.llm.prompts import Templates
from seedbed.authoring.llm.run import Outcome, Run, Stage
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.texts import AT_ONCE, Shortage, read_texts, texts_request
from seedbed.authoring.llm.trial import Entry, keep_what_holds, path_of, put_in, resolve_plan
from seedbed.authoring.llm.undecided import Place
from seedbed.authoring.llm.wishes import Wish, standing_wishes, wishes
from seedbed.errors import Diagnostic, Location, Severity
from seedbed.plan import kinds
from seedbed.plan.beside import BesideError, is_authors, read_beside
from seedbed.plan.resolved import ResolvedPlan
from seedbed.plan.spec import Author, ColumnEntry, Plan
from seedbed.plan.text_pools import (
    PoolText,
    Stratum,
    TextPool,
    file_of,
    parse_pool,
    render_pool,
    spelled,
    spoken_stratum,
)
from seedbed.schema import Scalar, Schema

FEWEST = 3
"""Texts of each stratum."""
_POOR = 0.2
"""A call is poor when a smaller share of the texts that it was asked for is new."""
_MOST_POOR = 2
_AT_LEAST = 6
_SMALL = 0.1
"""Of a pool that lacks a smaller share of its texts, nothing is said."""
_WORN = 0.3
"""A word is worn when a larger share of the texts has it."""


def pools_stage(texts: int) -> Stage:
    """The stage, for pools of about so many texts."""
    return Stage(functools.partial(_expected, texts), functools.partial(_decide, texts))


def wanted_texts(texts: int, strata: int) -> int:
    """How many texts each stratum of a pool of about `texts` is to have."""
    return max(FEWEST, -(-texts // max(1, strata)))


@dataclass(frozen=True, slots=True)
class Written:
    """What came of one pool: its file's new content, whether every stratum has a text, and what the person is told.

    `content` is None where nothing was written, for which `why_not` is the reason; `added` counts the new texts.
    """

    wish: Wish
    content: str | None = None
    is_whole: bool = False
    added: int = 0
    told: tuple[Diagnostic, ...] = ()
    why_not: str = ""


def expected_texts(
    schema: Schema, templates: Templates, survey: Survey, wish: Wish, texts: int, there: TextPool | None
) -> Iterator[Request]:
    """The calls that a pool will take if every text that is asked for is new."""
    strata, batch = _strata(wish, texts, there), 0
    while shortages := _shortages(strata):
        yield texts_request(schema, templates, survey.domain, wish, [item for _, item in shortages], batch)
        for stratum, shortage in shortages:
            stratum.written += ["x" * 60] * shortage.count
            stratum.distinct += shortage.count
        batch += 1


def write_pool(run: Run, survey: Survey, wish: Wish, texts: int, prints: Mapping[str, str]) -> Written:
    """Has an LLM write what a pool is short of; what is there already stays as it is.

    Args:
        run: the run, which says when no more calls are made.
        survey: what is known of the project.
        wish: the pool.
        texts: about how many texts it is to have.
        prints: the plan's fingerprints of files beside it.
    """
    path, before = file_of(wish.pool), ""
    there: TextPool | None = None
    if (run.schema.project.root / path).exists():
        try:
            before = read_beside(run.schema.project.root, path)
        except BesideError as error:
            return Written(wish, told=(_told("pool-kept", wish, str(error)),))
        there, found = parse_pool(before, wish.pool)
        if there is None or not _fits(wish, there):
            why = str(found[0]) if found else f"{path} has other strata than {', '.join(wish.by) or 'none'}"
            return Written(wish, told=(_told("pool-kept", wish, why),))
    strata = _strata(wish, texts, there)
    why_not = _fill(run, survey, wish, strata)
    added = [text for stratum in strata for text in stratum.added]
    empty = [stratum for stratum in strata if not stratum.written]
    told = list(_short_of(wish, strata, why_not))
    if not added and not before:
        return Written(wish, why_not=why_not)
    if not added:
        return Written(wish, before or None, bool(there) and not empty, 0, tuple(told))
    content = f"{before.rstrip()}\n{render_pool(added)}".lstrip()
    if not is_authors(run.schema.project.root, path, prints, content):
        return Written(wish, told=(_told("pool-kept", wish, f"{path} cannot be written"),))
    return Written(wish, content, not empty, len(added), tuple(told))


def expected_rebalance(schema: Schema, resolved: ResolvedPlan, templates: Templates, texts: int) -> list[Request]:
    """The calls that filling up the pools of a plan will take if every text that is asked for is new."""
    return [
        request
        for wish in standing_wishes(resolved)
        for request in expected_texts(schema, templates, Survey(), wish, texts, _standing(schema, wish))
    ]


def rebalance(
    run: Run, plan: Plan, resolved: ResolvedPlan, texts: int, names: Collection[str] = ()
) -> tuple[dict[str, str], list[Diagnostic], int]:
    """Has an LLM write what the pools of a plan are short of: of texts at all, or of different ones.

    Returns:
        The new contents of files, by path; what the person is told; and how many texts were added.
    """
    asked = [wish for wish in standing_wishes(resolved) if not names or wish.pool in names]
    with ThreadPoolExecutor(max(1, run.at_once)) as pool:
        done = list(pool.map(lambda wish: write_pool(run, Survey(), wish, texts, plan.file_fingerprints), asked))
    files = {file_of(item.wish.pool): item.content for item in done if item.content is not None and item.added}
    told = [problem for item in done for problem in item.told]
    told += [_told("pool-empty", item.wish, item.why_not) for item in done if item.why_not]
    return files, told, sum(item.added for item in done)


# --- the stage -----------------------------------------------------------------------------------------------


def _expected(texts: int, schema: Schema, plan: Plan, templates: Templates, survey: Survey) -> list[Request]:
    resolved = resolve_plan(schema, plan)
    asked = wishes(schema, plan, resolved) if resolved else []
    requests = []
    for wish in asked:
        there = _standing(schema, wish)
        requests += list(expected_texts(schema, templates, survey, wish, texts, there))
    return requests


def _decide(texts: int, run: Run, plan: Plan, survey: Survey) -> Outcome:
    """The plan with the columns of free text drawing from pools, as far as these are whole."""
    run.wait_for_answers()
    resolved = resolve_plan(run.schema, plan, run.files)
    asked = wishes(run.schema, plan, resolved) if resolved else []
    with ThreadPoolExecutor(max(1, run.at_once)) as pool:
        done = list(pool.map(lambda wish: write_pool(run, survey, wish, texts, plan.file_fingerprints), asked))
    files = {file_of(item.wish.pool): item.content for item in done if item.content is not None}
    entries: dict[Place, Entry] = {}
    for item in done:
        if item.is_whole:
            before = plan.tables[item.wish.table].columns[item.wish.column].generator
            generator = kinds.Pool(name=item.wish.pool, by=item.wish.by, null=before.null, when=before.when)
            entries[item.wish.table, item.wish.column] = ColumnEntry(generator=generator, by=Author.LLM)
    held, rejected = keep_what_holds(run.schema, plan, entries, run.proof, {**run.files, **files})
    told = [problem for item in done for problem in item.told]
    reasons: dict[str, list[Place]] = {}
    for item in done:
        if item.why_not:
            reasons.setdefault(item.why_not, []).append((item.wish.table, item.wish.column))
    told += [kept_for(places, reason) for reason, places in reasons.items()]
    for place, problem in rejected.items():
        told.append(kept_for([place], problem.message))
    added = {path: text for path, text in files.items() if any(i.added for i in done if file_of(i.wish.pool) == path)}
    return Outcome(put_in(plan, held), len(asked), len(held), tuple(told), added)


def _standing(schema: Schema, wish: Wish) -> TextPool | None:
    try:
        there, _ = parse_pool(read_beside(schema.project.root, file_of(wish.pool)), wish.pool)
    except BesideError:
        return None
    return there if there and _fits(wish, there) else None


def _fits(wish: Wish, there: TextPool) -> bool:
    wanted = {name.casefold() for name in wish.by}
    return all(not text.stratum or {name.casefold() for name in text.stratum} == wanted for text in there.texts)


# --- one pool ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Stratum:
    """One stratum while its texts are written: all of them, how many differ, and those that were added."""

    values: Mapping[str, Scalar | None]
    wanted: int
    written: list[str] = field(default_factory=list)
    distinct: int = 0
    added: list[PoolText] = field(default_factory=list)
    poor: int = 0
    likeness: Likeness = field(default_factory=Likeness)

    @property
    def short(self) -> int:
        return max(0, self.wanted - self.distinct)

    def take(self, texts: Sequence[PoolText], asked: int) -> None:
        """Takes in those of the texts that are new."""
        new = 0
        for text in texts:
            if self.likeness.take_new(str(text)):
                self.written.append(str(text))
                self.added.append(text)
                self.distinct += 1
                new += 1
        self.poor = self.poor + 1 if new < _POOR * asked else 0


def _strata(wish: Wish, texts: int, there: TextPool | None) -> list[_Stratum]:
    standing = there.by_stratum(wish.by) if there else {}
    strata = []
    for values in wish.strata:
        key: Stratum = tuple(map(spelled, values.values()))
        stratum = _Stratum(values, wanted_texts(texts, len(wish.strata)))
        for place in standing.get(key, ()):
            text = str(there.texts[place]) if there else ""
            stratum.written.append(text)
            stratum.distinct += stratum.likeness.take_new(text)
        strata.append(stratum)
    return strata


def _shortages(strata: Sequence[_Stratum]) -> list[tuple[_Stratum, Shortage]]:
    """What the next call asks for: strata that are short of texts, until the call is full."""
    room, found = AT_ONCE, list[tuple[_Stratum, Shortage]]()
    for stratum in strata:
        # After a poor call for more than is missing: what it brings says whether anything new is left.
        count = min(room, max(stratum.short, _AT_LEAST if stratum.poor else 0)) if stratum.short else 0
        if count and stratum.poor < _MOST_POOR:
            worn = shared_words(stratum.written, share=_WORN) if len(stratum.written) >= AT_ONCE // 2 else ()
            found.append((stratum, Shortage(stratum.values, count, tuple(stratum.written), worn)))
            room -= count
    return found


def _fill(run: Run, survey: Survey, wish: Wish, strata: Sequence[_Stratum]) -> str:
    """Asks until no stratum is short of texts; otherwise, why it ended before."""
    batch = 0
    while shortages := _shortages(strata):
        count = sum(shortage.count for _, shortage in shortages)
        if not run.stopped:
            run.tell(f"writing {count} texts for {wish.table}.{wish.column}")
        asked = [shortage for _, shortage in shortages]
        judge = _Judge(wish, asked)
        request = texts_request(run.schema, run.templates, survey.domain, wish, asked, batch)
        answer, why_not = run.ask(request, judge)
        for (stratum, shortage), texts in zip(shortages, answer or judge.best, strict=True):
            stratum.take(texts, shortage.count)
        if answer is None:
            return why_not
        batch += 1
    return "the LLM repeats itself" if any(stratum.short for stratum in strata) else ""


class _Judge:
    """Validates the answers to one call, and remembers the one with the most texts that can be used."""

    def __init__(self, wish: Wish, shortages: Sequence[Shortage]) -> None:
        self._wish, self._shortages = wish, shortages
        self.best: list[list[PoolText]] = [[] for _ in shortages]

    def __call__(self, value: object) -> list[list[PoolText]] | list[Diagnostic]:
        found, problems = read_texts(value, self._wish, self._shortages)
        if sum(map(len, found)) > sum(map(len, self.best)):
            self.best = found
        return problems or found


def _short_of(wish: Wish, strata: Sequence[_Stratum], why: str) -> Iterator[Diagnostic]:
    empty = [stratum for stratum in strata if not stratum.written]
    short = sum(stratum.short for stratum in strata)
    have, wanted = sum(stratum.distinct for stratum in strata), sum(stratum.wanted for stratum in strata)
    if empty:
        named = "; ".join(spoken_stratum(stratum.values) for stratum in empty[:3])
        kept = f"has no text for {named}, so that {wish.table}.{wish.column} keeps its entry: {why}"
        yield _told("pool-not-whole", wish, f"{file_of(wish.pool)} {kept}")
    elif short > _SMALL * wanted:
        yield _told("pool-small", wish, f"{file_of(wish.pool)} has {have} of {wanted} different texts: {why}")


def _told(code: str, wish: Wish, message: str) -> Diagnostic:
    return Diagnostic(code, message, Location(path=path_of((wish.table, wish.column))), Severity.WARNING)

"""Text pools as a person looks after them: how balanced they are, what an LLM can add, and as pairs for training."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from seedbed.api import LlmOptions, Planned, open_client
from seedbed.authoring.client.calls import Limits, Request
from seedbed.authoring.client.endpoint import Endpoint, read_endpoint
from seedbed.authoring.likeness import Likeness, clusters, shared_words
from seedbed.authoring.llm.author import Summary
from seedbed.authoring.llm.pools import expected_rebalance, rebalance, wanted_texts
from seedbed.authoring.llm.prompts import read_templates
from seedbed.authoring.llm.run import Run, Tell
from seedbed.authoring.llm.trial import no_proof, no_rule_proof
from seedbed.engine.batches import values_at
from seedbed.engine.world import World
from seedbed.errors import AuthoringError, PlanError, closest, has_errors
from seedbed.homes import config_home
from seedbed.plan import kinds
from seedbed.plan.pools import known_strata
from seedbed.plan.resolve import resolve
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.plan.text_pools import (
    Stratum,
    TextPool,
    read_pool,
    spelled,
    spoken_stratum,
    with_stand_ins,
)

_TITLES = ("name", "title", "subject", "headline", "label")
_SHOWN_CLUSTERS = 3


@dataclass(frozen=True, slots=True)
class Alike:
    """Texts of one stratum that are much alike: how many, and the words that they share."""

    count: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """One stratum of a pool: how many texts it has, how many rows draw on it, and what is wrong with that.

    `missing` is how many different texts it lacks, of as many as were wanted or as there are rows, if these are fewer.
    """

    pool: str
    stratum: Mapping[str, str | None]
    texts: int
    rows: int
    missing: int
    alike: tuple[Alike, ...]


def balances(planned: Planned, texts: int, names: Collection[str] = ()) -> list[Balance]:
    """How balanced the pools are that a plan draws from.

    Args:
        planned: the plan.
        texts: about how many texts a pool is to have.
        names: only these pools; all when empty.

    Raises:
        PlanError: the plan cannot be carried out, or a pool cannot be read.
        GenerationError: its rows cannot be made.
    """
    resolved = _resolved(planned, names)
    found = []
    for name, drawing in _drawing(resolved, names).items():
        pool, _ = read_pool(planned.schema.project.root, name, planned.files)
        found += list(_of_pool(resolved, name, drawing, pool, texts))
    return found


def expected_calls(planned: Planned, texts: int) -> tuple[list[Request], Endpoint | None]:
    """The calls that filling up the pools would make, none of which is made; and the endpoint, if one is configured.

    Raises:
        PlanError: the plan cannot be carried out, or a pool cannot be read.
    """
    llm = LlmOptions()
    templates = read_templates(planned.schema.project.root)
    requests = expected_rebalance(planned.schema, _resolved(planned, ()), templates, texts)
    try:
        return requests, read_endpoint(llm.environ, config_home(llm.environ))
    except AuthoringError:
        return requests, None


def fill_up(planned: Planned, llm: LlmOptions, names: Collection[str] = (), tell: Tell = lambda line: None) -> Planned:
    """Has an LLM write what the pools lack: texts of thin strata, and others where texts are alike. Nothing is written.

    Raises:
        PlanError: the plan cannot be carried out, or a pool cannot be read.
        AuthoringError: no LLM is configured, or it cannot be asked.
    """
    resolved = _resolved(planned, names)
    templates = read_templates(planned.schema.project.root)
    with open_client(llm) as (client, _):
        run = Run(planned.schema, client, templates, tell, no_proof, no_rule_proof, Limits().calls_at_once)
        files, told, added = rebalance(run, planned.plan, resolved, llm.texts, names)
        summary = Summary(added, added, client.ledger.total, stopped=run.stopped, files=files)
    return replace(planned, files=files, notes=(*planned.notes, *told), summary=summary)


def chat_lines(planned: Planned, names: Collection[str] = ()) -> Iterator[str]:
    """Pairs of a question and an answer, one JSON object a line, as they are used to fine-tune a chat model.

    The question names the column and gives the values that the text depends on: the columns that choose the stratum,
    those that fill slots, and the row's name or title. Each pair of the generated rows stands there once.

    Raises:
        PlanError: the plan cannot be carried out.
        GenerationError: its rows cannot be made.
    """
    resolved, found = resolve(planned.schema, planned.plan, planned.document, files=planned.files)
    if resolved is None:
        raise PlanError("The plan cannot be carried out.", found)
    world = World(resolved)
    seen: set[bytes] = set()
    for name, drawing in _drawing(resolved, names).items():
        for table, column in drawing:
            paths = _inputs(resolved.pools[name], table, column)
            asked = f"Write {column.name} for one row of {table.name}."
            for batch in values_at(world, table, [*paths, column.name]):
                for row in batch.to_pylist():
                    text = row.pop(column.name)
                    said = [f"{path}: {value}" for path, value in row.items() if value is not None]
                    line = _chat_line("\n".join([asked, *said]), text) if text is not None else ""
                    digest = hashlib.blake2b(line.encode(), digest_size=12).digest()
                    if line and digest not in seen:
                        seen.add(digest)
                        yield line


def _chat_line(asked: str, answered: str) -> str:
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return json.dumps({"messages": messages}, ensure_ascii=False)


def _inputs(pool: TextPool, table: ResolvedTable, column: ResolvedColumn) -> list[str]:
    assert isinstance(column.generator, kinds.Pool)
    titles = [item.name for item in table.written_columns if item.name.lower().endswith(_TITLES)]
    paths = [*titles[:1], *column.generator.by, *pool.slots]
    return [path for path in dict.fromkeys(paths) if path != column.name]


# --- the report ----------------------------------------------------------------------------------------------


def balance_table(found: Sequence[Balance]) -> RenderableType:
    """The strata of all pools, with what is wrong with them."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("pool", "left"), ("stratum", "left"), ("texts", "right"), ("rows", "right"), ("", "left")):
        grid.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    before = ""
    for item in found:
        pool = "" if item.pool == before else item.pool
        before = item.pool
        remarks = spoken_remarks(item)
        grid.add_row(pool, spoken_stratum(item.stratum), f"{item.texts:,}", f"{item.rows:,}", Text(remarks, "yellow"))
    return grid


def spoken_remarks(item: Balance) -> str:
    """What is wrong with a stratum, in words."""
    said = [f"thin: {item.missing} more"] if item.missing else []
    said += ["no row draws on it"] if not item.rows else []
    said += [f"{each.count} alike: {', '.join(each.words)}" for each in item.alike[:_SHOWN_CLUSTERS]]
    return "; ".join(said)


def balance_fields(item: Balance) -> dict[str, object]:
    """A stratum as the fields of a JSON object."""
    alike = [{"texts": each.count, "words": list(each.words)} for each in item.alike]
    return {
        "pool": item.pool,
        "stratum": dict(item.stratum),
        "texts": item.texts,
        "rows": item.rows,
        "missing": item.missing,
        "alike": alike,
    }


def _of_pool(
    resolved: ResolvedPlan,
    name: str,
    drawing: Sequence[tuple[ResolvedTable, ResolvedColumn]],
    pool: TextPool | None,
    texts: int,
) -> Iterator[Balance]:
    """The strata of one pool: those that can occur, then those that only the file or the rows have."""
    by = drawing[0][1].generator.by  # type: ignore[attr-defined]
    known = known_strata(resolved.by_name, resolved.lifecycles, drawing[0][0], by) or []
    there = pool.by_stratum(by) if pool else {}
    rows = _count_rows(resolved, drawing)
    strata = [tuple(map(spelled, values)) for values in known] if by else []
    wanted = wanted_texts(texts, len(strata))
    for stratum in dict.fromkeys([*strata, *there, *(rows if not strata else ())]):
        if stratum == () and by:
            count = sum(number for key, number in rows.items() if key not in there)
        else:
            count = rows.get(stratum, 0)
        said = [str(pool.texts[place]) for place in there.get(stratum, ())] if pool else []
        likeness = Likeness()
        different = sum(likeness.take_new(text) for text in said)
        drawn_from = bool(said) or () not in there
        found = [Alike(len(places), shared_words([said[place] for place in places])) for places in clusters(said)]
        yield Balance(
            name,
            dict(zip(by, stratum, strict=True)) if stratum else {},
            len(said),
            count,
            max(0, min(wanted, count) - different) if drawn_from else 0,
            tuple(found),
        )


def _count_rows(resolved: ResolvedPlan, drawing: Sequence[tuple[ResolvedTable, ResolvedColumn]]) -> Counter[Stratum]:
    """How many rows that have a text are of each stratum."""
    world = World(resolved)
    counted: Counter[Stratum] = Counter()
    for table, column in drawing:
        by = column.generator.by  # type: ignore[attr-defined]
        for batch in values_at(world, table, [*by, column.name]):
            filled = batch.filter(batch.column(len(by)).is_valid())
            counted.update(zip(*(filled.column(place).to_pylist() for place in range(len(by))), strict=True))
            if not by:
                counted[()] += filled.num_rows
    return counted


def _drawing(resolved: ResolvedPlan, names: Collection[str]) -> dict[str, list[tuple[ResolvedTable, ResolvedColumn]]]:
    """The columns that draw from each pool."""
    found: dict[str, list[tuple[ResolvedTable, ResolvedColumn]]] = {}
    for table in resolved:
        for column in table.written_columns if table.written else ():
            if isinstance(column.generator, kinds.Pool) and (not names or column.generator.name in names):
                found.setdefault(column.generator.name, []).append((table, column))
    unknown = [name for name in names if name not in found]
    if unknown:
        known = closest(unknown[0], resolved.pools) or f"pools are {', '.join(resolved.pools) or 'none'}"
        raise PlanError(f'No column draws from a pool "{unknown[0]}"; {known}')
    return found


def _resolved(planned: Planned, names: Collection[str]) -> ResolvedPlan:
    """The plan as if every stratum had a text."""
    root = planned.schema.project.root
    drawn = {
        column.generator.name
        for table in planned.plan.tables.values()
        for column in table.columns.values()
        if isinstance(column.generator, kinds.Pool)
    }
    files = {**planned.files, **with_stand_ins(root, sorted(drawn))}
    resolved, found = resolve(planned.schema, planned.plan, planned.document, files=files)
    if resolved is None or has_errors(found):
        raise PlanError("The plan cannot be carried out.", found)
    _drawing(resolved, names)
    return resolved

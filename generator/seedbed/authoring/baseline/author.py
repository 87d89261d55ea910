"""The keyless author: a valid plan from types, tests, constraints, diagrams, names and descriptions alone.

It decides in the order in which decisions rest on each other: keys, references, processes, rows, then values,
and moments last. What an annotation says is left to `resolve`, which reads it itself.
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
from collections.abc import Collection, Iterator

from seedbed.authoring.baseline.amounts import plan_amounts, plan_equations
from seedbed.authoring.baseline.calendars import find_date_tables
from seedbed.authoring.baseline.fallback import replace_what_fails
from seedbed.authoring.baseline.keys import plan_keys
from seedbed.authoring.baseline.moments import plan_moments, plan_versions
from seedbed.authoring.baseline.names import singular, snake
from seedbed.authoring.baseline.processes import find_processes
from seedbed.authoring.baseline.prose import read_dependency
from seedbed.authoring.baseline.relationships import KEY_ENDINGS, find_keys, find_links, mark_targets
from seedbed.authoring.baseline.rows import plan_rows
from seedbed.authoring.baseline.sketch import Sketch, Sketches, Window, start_sketches
from seedbed.authoring.baseline.values import plan_values
from seedbed.errors import Diagnostic
from seedbed.plan import kinds
from seedbed.plan.rules import Depends
from seedbed.plan.spec import Author, ColumnEntry, Plan, RuleEntry, TableEntry
from seedbed.schema import Schema

DEFAULT_ROWS = 100
_OF_THE_ENTITY = (
    kinds.Fake, kinds.Date, kinds.Choice, kinds.Boolean, kinds.Pattern, kinds.Integer, kinds.Normal, kinds.Lognormal,
)  # fmt: skip
"""Kinds of values that stay as they are from one version of an entity to the next."""


def author_plan(
    schema: Schema,
    *,
    today: dt.date | None = None,
    as_of: dt.date | None = None,
    start: dt.date | None = None,
    random_seed: int = 1,
    rows: int = DEFAULT_ROWS,
    tables: Collection[str] | None = None,
) -> tuple[Plan, list[Diagnostic]]:
    """A plan for every table that is to be generated, the same for the same arguments.

    Args:
        schema: what the project says.
        today: from which the as-of date follows where none is given: the last day of the month before.
        as_of: last day of the simulated time.
        start: its first day; two years before the end where it is not given.
        random_seed: the plan's.
        rows: how many rows a table of things has that no other table drives.
        tables: names of the tables to plan; all when None.

    Returns:
        The plan, without fingerprints; and notes on what had to be guessed, warnings on what could not be done.
    """
    window = _window(today, as_of, start)
    sketches = start_sketches(schema, window, rows, frozenset(tables) if tables is not None else None)
    find_keys(sketches)
    find_date_tables(sketches)
    find_links(sketches)
    find_processes(sketches)
    mark_targets(sketches)
    plan_rows(sketches)
    plan_keys(sketches)
    plan_equations(sketches)
    plan_values(sketches)
    plan_amounts(sketches)
    plan_moments(sketches)
    plan_versions(sketches)
    rules = _plan_dependencies(sketches)
    plan = Plan(
        random_seed=random_seed,
        start=window.start,
        as_of=window.as_of,
        tables={sketch.name: _entry(sketch) for sketch in sketches},
        rules=tuple(rules),
    )
    if tables is None:
        plan = replace_what_fails(sketches, plan)
    return plan, sketches.diagnostics


def _window(today: dt.date | None, as_of: dt.date | None, start: dt.date | None) -> Window:
    if as_of is None:
        as_of = (today or dt.date.today()).replace(day=1) - dt.timedelta(days=1)
    if start is None:
        first = as_of + dt.timedelta(days=1)
        last = calendar.monthrange(first.year - 2, first.month)[1]
        start = first.replace(year=first.year - 2, day=min(first.day, last))
    return Window(start, as_of)


def _entry(sketch: Sketch) -> TableEntry:
    columns = {}
    for column in sketch.table.columns:
        generator = sketch.generators.get(column.name)
        if generator is not None:
            columns[column.name] = ColumnEntry(generator=generator, varies_by=sketch.varies.get(column.name))
    ours = not sketch.process_annotated
    return TableEntry(
        by=Author.BASELINE,
        rows=None if sketch.annotation.rows is not None or sketch.history else sketch.rows,
        history=sketch.history if ours else None,
        lifecycle=sketch.lifecycle if ours else None,
        columns=columns,
    )


# --- what depends on something else than the row -------------------------------------------------------------


def _plan_dependencies(sketches: Sketches) -> list[RuleEntry]:
    """Columns that are the same wherever another column's value is: by rules in words, and within a history.

    Returns:
        What the rules in words mean.
    """
    rules = []
    for sketch in sketches:
        for says, one, other in _dependencies(sketches, sketch):
            for decides, follows in itertools.product(_columns_about(sketch, one), _columns_about(sketch, other)):
                if follows != decides and _can_vary(sketch, follows):
                    sketch.varies[follows] = decides
                    if says:
                        rule = Depends(on=(decides,), columns=(follows,))
                        rules.append(RuleEntry(says=says, table=sketch.name, rule=rule, by=Author.BASELINE))
        if sketch.history and isinstance(sketch.history.entity, str):
            for column in sketch.table.columns:
                generator = sketch.generators.get(column.name)
                of_entity = isinstance(generator, _OF_THE_ENTITY) and column.name != sketch.history.entity
                if of_entity and _can_vary(sketch, column.name):
                    sketch.varies[column.name] = sketch.history.entity
    return rules


def _dependencies(sketches: Sketches, sketch: Sketch) -> Iterator[tuple[str | None, str, str]]:
    """What decides and what follows, in words; with the sentence, where there is one."""
    for sentence in sketches.schema.rules:
        found = read_dependency(sentence.text)
        if found:
            yield sentence.text, *found
    for test in sketch.table.data_tests:
        said = test.arguments.value
        if test.name == "seedbed.functional_dependency" and isinstance(said, dict):
            one, other = said.get("determinant"), said.get("dependent")
            if isinstance(one, str) and isinstance(other, str):
                yield None, one, other


def _columns_about(sketch: Sketch, words: str) -> Iterator[str]:
    """The columns that stand for a thing: named so, or keys of it."""
    wanted = singular(snake(words))
    for column in sketch.table.columns:
        name = snake(column.name)
        stem = next((name.removesuffix(ending) for ending in KEY_ENDINGS if name.endswith(ending)), name)
        if wanted in (name, stem):
            yield column.name


def _can_vary(sketch: Sketch, column: str) -> bool:
    generator = sketch.generators.get(column)
    if generator is None or sketch.is_unique(column) or column in sketch.key:
        return False
    if isinstance(generator, kinds.ForeignKey):
        is_driving = sketch.per is not None and generator.parent == sketch.per
        return not (is_driving or generator.distinct or generator.unique or generator.via or generator.roots)
    return isinstance(generator, _OF_THE_ENTITY) and not getattr(generator, "unique", False)

"""Which columns are free text, and what a pool for each must hold: its strata, and the slots that its texts may have.

A rule decides, not the LLM: what the plan fills with sentences, paragraphs or names of products. The columns that it
depends on are those of few values whose names say that they matter to a text: a category, a rating, a status.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from seedbed.authoring.llm.undecided import is_untouched
from seedbed.plan import kinds
from seedbed.plan.known_values import known_values
from seedbed.plan.pools import known_strata
from seedbed.plan.resolved import (
    Covering,
    DistinctAmongSiblings,
    Drawn,
    Driving,
    OneToOne,
    Reference,
    ResolvedColumn,
    ResolvedPlan,
    ResolvedTable,
)
from seedbed.plan.spec import Author, Plan
from seedbed.plan.text_pools import spelled
from seedbed.schema import Scalar, Schema, TypeKind

MAX_STRATA = 12
_MAX_SLOTS = 6
_FEWEST_FOR_SLOTS = 60
"""A column that holds fewer characters has no room for slots."""
_FORMS = {
    "sentence": "one or two sentences each",
    "paragraph": "two to five sentences each",
    "product": "names of two to five words",
}
"""What the plan calls texts of which it knows the form alone, and how the LLM is told."""
_LINE = "lines of three to ten words"
_IS_LINE = re.compile(r"(?:^|_)(?:title|subject|headline|heading|topic|label|name)$")
_IS_NAME = re.compile(r"(?:^|_)(?:name|product|item|article|model|title|label)$")
_TELLING = tuple(
    re.compile(rf"(?:^|_)(?:{words})s?(?:_|$)")
    for words in (
        "category|categories|type|kind|reason|topic|subject|genre|department|class|line|item_type|service",
        "rating|score|star|sentiment|grade|satisfaction|nps|quality|condition|mood",
        "status|state|outcome|result|stage|resolution|decision|severity",
        "priority|segment|tier|channel|level|role|plan|method|gender|size|season",
    )
)
"""Names of columns on which a text depends, the most telling first."""
_IS_NUMBER = re.compile(r"_(?:no|nr|num|number|id|key|count|position)$")
_SLOT_FAKES = ("first_name", "last_name", "full_name", "company", "city", "product", "color", "department", "job")
_SLOT_KINDS = (
    kinds.Choice, kinds.ChoiceBy, kinds.Each, kinds.Pattern, kinds.Date, kinds.Lognormal,
)  # fmt: skip
_ALWAYS_THERE = (Driving, Drawn, Covering, DistinctAmongSiblings, OneToOne)


@dataclass(frozen=True, slots=True)
class Wish:
    """A column of free text and the pool that it is to draw from.

    `strata` are the combinations of values of the columns `by`, a single empty one without any; `slots` what a text
    may quote of its row, with the characters that it may have (None where that is not known, in a column without a
    limit); `form` says in words what the texts are.
    """

    table: str
    column: str
    pool: str
    form: str
    by: tuple[str, ...]
    strata: tuple[Mapping[str, Scalar | None], ...]
    slots: Mapping[str, int | None]
    length: int | None

    @property
    def is_long(self) -> bool:
        """Whether a text is several sentences."""
        return self.form == _FORMS["paragraph"]

    @property
    def is_line(self) -> bool:
        """Whether a text is a title or a subject."""
        return self.form == _LINE

    @property
    def is_name(self) -> bool:
        """Whether a text is a name, which nobody in particular speaks."""
        return self.form == _FORMS["product"]


def wishes(schema: Schema, plan: Plan, resolved: ResolvedPlan) -> list[Wish]:
    """What the plan still fills with sentences of ours, as a pool for each column.

    A person's entries are left alone, and so are columns that must be unique or vary by something else.
    """
    found: dict[str, Wish] = {}
    for table in schema:
        entry = plan.tables.get(table.name)
        for column in table.columns if entry and table.generated else ():
            planned = entry.columns.get(column.name) if entry else None
            if planned is None or column.unique or column.accepted_values or column.matches:
                continue
            here = resolved.table(table.name).column(column.name)
            generator = here.generator
            if here.varies_by or not isinstance(generator, kinds.Fake) or generator.what not in _FORMS:
                continue
            persons = plan.author(table.name, column.name) is Author.USER
            if persons or generator.unique or not is_untouched(plan, table.name, column.name, planned):
                continue
            wish = _wish(resolved, resolved.table(table.name), here, _form(generator.what, column.name.lower()))
            if wish is not None:
                found.setdefault(wish.pool, wish)
    return list(found.values())


def standing_wishes(resolved: ResolvedPlan) -> list[Wish]:
    """What the pools that a plan draws from must hold, with one column for each pool."""
    found: dict[str, Wish] = {}
    for table in resolved:
        for column in table.written_columns:
            generator = column.generator
            if isinstance(generator, kinds.Pool) and generator.name not in found:
                strata = known_strata(resolved.by_name, resolved.lifecycles, table, generator.by)
                said = [dict(zip(generator.by, values, strict=True)) for values in strata or [()] if generator.by]
                found[generator.name] = Wish(
                    table.name,
                    column.name,
                    generator.name,
                    "texts like those that are there",
                    generator.by,
                    tuple(said) if strata is not None and generator.by else ({},),
                    _slots(resolved, table, column, generator.by),
                    column.data_type.length,
                )
    return list(found.values())


def _form(what: str, name: str) -> str:
    """What the texts of a column are, by what the plan makes and by the column's name."""
    if what == "product" and not _IS_NAME.search(name):
        what = "sentence"
    return _LINE if what == "sentence" and _IS_LINE.search(name) else _FORMS[what]


def _wish(resolved: ResolvedPlan, table: ResolvedTable, column: ResolvedColumn, form: str) -> Wish | None:
    if column.data_type.kind is not TypeKind.TEXT:
        return None
    by = _deciding(resolved, table, column)
    strata = known_strata(resolved.by_name, resolved.lifecycles, table, by) or [()]
    length = column.data_type.length
    roomy = form not in (_LINE, _FORMS["product"]) and (length is None or length >= _FEWEST_FOR_SLOTS)
    return Wish(
        table.name,
        column.name,
        re.sub(r"\W+", "_", f"{table.name}_{column.name}".lower(), flags=re.A).strip("_")[:63],
        form,
        by,
        tuple(dict(zip(by, values, strict=True)) for values in strata),
        _slots(resolved, table, column, by) if roomy else {},
        length,
    )


def _deciding(resolved: ResolvedPlan, table: ResolvedTable, column: ResolvedColumn) -> tuple[str, ...]:
    """The columns that a text depends on: at most two, with few values together."""
    ranked: list[tuple[int, int, int, str, int]] = []  # The row's own columns tell more than its parents'.
    for path, candidate in _near(resolved, table, column):
        name = candidate.name.lower()
        rank = next((rank for rank, words in enumerate(_TELLING) if words.search(name)), None)
        if _IS_NUMBER.search(name):
            continue  # The number of a line tells nothing of it.
        values = known_values(resolved.by_name, resolved.lifecycles, table, path) if rank is not None else None
        if rank is not None and values and 2 <= len(values) <= MAX_STRATA:
            ranked.append((rank + ("." in path), rank, len(ranked), path, len(values)))
    chosen: list[str] = []
    count = 1
    for _, _, _, path, values_of in sorted(ranked):
        if len(chosen) < 2 and count * values_of <= MAX_STRATA:
            chosen.append(path)
            count *= values_of
    return tuple(chosen)


def _slots(
    resolved: ResolvedPlan, table: ResolvedTable, column: ResolvedColumn, by: Iterable[str]
) -> dict[str, int | None]:
    """What a text may quote; where its column is limited, only what is as well, so that no row can go beyond it."""
    keys = {name for reference in table.references for name in reference.columns} | set(table.promises.primary_key)
    found: dict[str, int | None] = {}
    for path, candidate in _near(resolved, table, column):
        generator = candidate.generator
        named = isinstance(generator, kinds.Fake) and generator.what in _SLOT_FAKES
        if path in by or path in keys or candidate.reference:
            continue
        if named or ("." not in path and isinstance(generator, _SLOT_KINDS)):
            most = _most_characters(resolved, table, path, candidate)
            if len(found) < _MAX_SLOTS and (most is not None or column.data_type.length is None):
                found[path] = most
    return found


def _most_characters(resolved: ResolvedPlan, table: ResolvedTable, path: str, column: ResolvedColumn) -> int | None:
    if column.data_type.length is not None:
        return column.data_type.length
    values = known_values(resolved.by_name, resolved.lifecycles, table, path)
    return max((len(spelled(value) or "") for value in values), default=0) if values is not None else None


def _near(resolved: ResolvedPlan, table: ResolvedTable, column: ResolvedColumn) -> Iterator[tuple[str, ResolvedColumn]]:
    """The other columns of the row and those of its parents that are never null, by their paths."""
    for other in table.written_columns:
        if other.name != column.name and _is_filled(other):
            yield other.name, other
    for reference in table.references:
        if _is_there(reference):
            head = next(iter(reference.columns), reference.name)
            for other in resolved.table(reference.parent).columns:
                if not other.hidden and _is_filled(other):
                    yield f"{head}.{other.name}", other


def _is_there(reference: Reference) -> bool:
    return isinstance(reference.finding, _ALWAYS_THERE) and not reference.null and not reference.when


def _is_filled(column: ResolvedColumn) -> bool:
    return not (column.generator.null or column.generator.when) and re.fullmatch(r"[^\s.{}]+", column.name) is not None

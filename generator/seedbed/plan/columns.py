"""Settles each column: its type, its stream, and what it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from seedbed.errors import Location, closest
from seedbed.plan import kinds
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.entries import ColumnSaid
from seedbed.plan.expressions import ExpressionError, type_of_expression
from seedbed.plan.needs import names_in_sql, needs_of
from seedbed.plan.pools import slots_of
from seedbed.plan.references import varying
from seedbed.plan.resolved import FromFile, Part, ResolvedColumn, VersionPart
from seedbed.plan.types import DATE, TEXT, TIMESTAMP, natural_type, type_of_values
from seedbed.schema import DataType, TypeKind

_PERSON_WORDS = re.compile(
    r"(full|first|last|given|middle|family|sur|fore|user|e?mail|phone|mobile|tel(ephone)?|name|address|street|city|town|"
    r"zip|postal|post|code|region|state|country|company|url|domain)+\d?$"
)

_OWN = ("work", "business", "private", "personal", "corporate", "office", "home", "login", "primary", "preferred")
"""Words beside a person's name, e-mail address or telephone number that speak of nobody else."""


class Types:
    """The type of every column: declared, else what its generator makes, else its target's."""

    def __init__(self, drafts: Drafts) -> None:
        self.drafts = drafts
        self.known: dict[tuple[str, str], DataType | None] = {}
        self.made: dict[tuple[str, str], DataType | None] = {}
        """What the generator makes by itself, whatever is declared."""

    def of(self, draft: Draft, name: str) -> DataType | None:
        place = (draft.name, name)
        if place not in self.known:
            column = draft.table.column(name)
            declared = column.data_type.value if column and column.data_type else None
            # While it is being worked out, it has no other type: a circle ends here.
            self.known[place] = declared
            self.made[place] = self._work_out(draft, name)
            self.known[place] = declared or self.made[place]
        return self.known[place]

    def of_path(self, draft: Draft, path: str) -> DataType | None:
        """The type of a column of the row, or of a parent's by its path; of its moment where it is a day's key."""
        column = draft.known(path)
        if column:
            return self.of(draft, draft.moments.get(column, column))
        head, _, tail = path.partition(".")
        lead = draft.lead(head)
        parent = self.drafts.tables.get(lead.parent) if lead else None
        return self.of_path(parent, tail) if parent and tail else None

    def _work_out(self, draft: Draft, name: str) -> DataType | None:
        generator = draft.generators[name]
        if name in draft.carried:
            reference, target = draft.carried[name]
            parent = self.drafts.tables.get(draft.references[reference].parent)
            return self.of(parent, target) if parent else None
        if isinstance(generator, VersionPart | kinds.Lifecycle):
            found = self._of_process(draft, generator)
            if found:
                return found
        if isinstance(generator, kinds.Sql):
            return self.of_expression(draft, generator.expression, f"{draft.name}.{name}", draft.place(name))
        return natural_type(
            generator,
            lambda path: self.of_path(draft, path),
            lambda table, column_name: self._elsewhere(table, column_name),
        )

    def _elsewhere(self, table: str, column: str) -> DataType | None:
        draft = self.drafts.find(table)
        name = draft.known(column) if draft else None
        return self.of(draft, name) if draft and name else None

    def _of_process(self, draft: Draft, generator: VersionPart | kinds.Lifecycle) -> DataType | None:
        name = draft.name if isinstance(generator, VersionPart) else generator.lifecycle
        process = self.drafts.lifecycles.get(name)
        if process is None:
            return None
        if generator.part in (Part.STATE, "state"):
            return type_of_values(process.states)
        if generator.part in (Part.VALID_FROM, Part.VALID_TO, "started", "ended", "entered"):
            return DATE if process.granularity > 1 else TIMESTAMP
        return None

    def check_predicate(self, draft: Draft, text: str, spoken: str, place: Location) -> None:
        """Reports a condition over the rows of a table that is not allowed, or is neither true nor false."""
        found = self.of_expression(draft, text, spoken, place)
        if found is not None and found.kind is not TypeKind.BOOLEAN:
            said = f"{spoken}: {text!r} is of type {found.text}; a condition that is true or false was expected"
            self.drafts.error("invalid-sql", said, place)

    def of_expression(self, draft: Draft, text: str, spoken: str, place: Location) -> DataType | None:
        """The type of a SQL expression over the rows of a table; a fault in it is reported."""
        paths = names_in_sql(text, names_of(draft))
        types = dict.fromkeys(draft.generators, TEXT) | {path: self.of_path(draft, path) or TEXT for path in paths}
        try:
            return type_of_expression(text, types)
        except ExpressionError as error:
            self.drafts.error("invalid-sql", f"{spoken}: {error}", place, error.hint)
            return None


def names_of(draft: Draft) -> tuple[str, ...]:
    """All names that may begin a path in this table."""
    leads = [name for reference in draft.references.values() for name in (reference.name, reference.parent)]
    return tuple(dict.fromkeys((*draft.generators, *leads)))


def resolve_column(
    drafts: Drafts, draft: Draft, name: str, types: Types, mixture: Mapping[str, float] | None = None
) -> ResolvedColumn:
    generator = draft.generators[name]
    shown = name.removesuffix("@") if name in draft.hidden else name
    said = draft.said.columns.get(shown, ColumnSaid())
    declared = draft.table.column(shown)
    reference, target = draft.carried.get(name, (None, None))
    needs = needs_of(generator, names_of(draft))
    for path in needs:
        _check_path(drafts, draft, name, path)
    varies_by, stream = None, _stream(draft, name, generator)
    if said.varies_by and reference is None:
        varies_by, stream = varying(drafts, draft, said.varies_by, shown)
    data_type = types.of(draft, name)
    if generator.when:
        types.check_predicate(draft, generator.when, f"{draft.name}.{name}", draft.place(shown))
    if data_type is None and not drafts.diagnostics:
        data_type = TEXT
    return ResolvedColumn(
        name=name,
        data_type=data_type or TEXT,
        generator=generator,
        stream=stream,
        needs=tuple(draft.moments.get(path, path) for path in (*needs, *slots_of(drafts, generator))),
        varies_by=varies_by,
        reference=reference,
        parent_column=target,
        hidden=name in draft.hidden,
        moment=draft.moments.get(name),
        mixture=mixture or {},
        description=declared.description.value if declared and declared.description else "",
        decided_by="rows file" if isinstance(generator, FromFile) else said.decided_by or _by_history(draft),
        origin=said.origin,
    )


def _by_history(draft: Draft) -> str:
    return "history" if draft.said.history else ""


def _stream(draft: Draft, name: str, generator: kinds.Generator) -> tuple[str, ...]:
    """Values of one person share a stream, so that the e-mail address fits the name."""
    if isinstance(generator, kinds.Fake):
        person = _person(draft, name)
        same = [
            other
            for other, item in draft.generators.items()
            if isinstance(item, kinds.Fake) and item.what == generator.what and _person(draft, other) == person
        ]
        if same[:1] == [name]:
            return (draft.name, "person", person)
    return (draft.name, name)


def _person(draft: Draft, column: str) -> str:
    """Whose value a column holds: `guardian` of a guardian's name, nothing of that of the one the row is about."""
    words = _PERSON_WORDS.sub("", re.sub(r"[\W_]+", "", column.casefold()))
    table = re.sub(r"[\W_]+", "", draft.name.casefold())
    own = words in _OWN or (words and table.endswith((words, f"{words}s", f"{words.removesuffix('y')}ies")))
    return "" if own else words


def _check_path(drafts: Drafts, draft: Draft, name: str, path: str) -> None:
    """That a name or path which a generator reads leads somewhere."""
    here, rest = draft, path
    while True:
        if here.known(rest):
            return
        head, dot, rest_after = rest.partition(".")
        lead = here.lead(head)
        parent = drafts.tables.get(lead.parent) if lead else None
        if not dot or parent is None:
            known = names_of(here) if not dot else [*here.references]
            drafts.error(
                "unknown-column",
                f'{draft.name}.{name} reads "{path}", but {here.name} has '
                + (f'no column "{rest}"' if not dot else f'no foreign key "{head}" that leads on'),
                draft.place(name.removesuffix("@")),
                closest(head, known),
            )
            return
        here, rest = parent, rest_after

"""Merges entity-relationship diagrams into the tables that the property files describe.

An entity is the table of that name, without regard to case. What the property files say wins; what differs is
reported. A relationship becomes a foreign key once its join columns are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import takewhile
from typing import TYPE_CHECKING

from seedbed.errors import Diagnostic, Location, Severity
from seedbed.parsers.drafts import KeyDraft, TableDraft, contradiction, set_data_type
from seedbed.parsers.lookup import Lookup
from seedbed.schema import Fact, ForeignKey, Resource, parse_data_type

if TYPE_CHECKING:
    from seedbed.parsers.mermaid_er import Entity, ErDiagram, Relationship

_ARROW = re.compile(r"(?:->|→|=>)\s*\"?([\w.]+)\"?\.(\w+)")
_KEY_LIKE = re.compile(r"^(?:\w+_)?(?:id|sk|key|pk|fk|nk|hk|code|uuid|guid|no|number)$", re.IGNORECASE)
_KEY_ENDING = re.compile(r"(?:(?i:_(?:id|sk|key|fk|nk|hk|code|uuid|guid|no|nr|number))|(?<=[a-z])(?:Id|ID|Key))$")
_SAME_LETTERS = 4
"""With so many, at least, a column's name must begin as its parent's does."""
_COLUMN_LIKE = re.compile(r"^[A-Za-z_]\w*$")

_REFERENCES = re.compile(r"\breferences?\s+\"?(\w+)\"?(?:\.(\w+))?", re.IGNORECASE)
_FOREIGN_KEY = re.compile(
    r"foreign\s+key\s*\(([^()]+)\)\s*references\s+[\w.\"`]+\s*(?:\(([^()]+)\))?.*", re.IGNORECASE | re.DOTALL
)
_AFTERTHOUGHT = re.compile(r"(\w+)\s*\(.*\)")
_KEY_MARK, _NULL_MARK = "\U0001f5dd", "\u2753"
"""The key and the question mark with which prisma-erd-generator comments on primary keys and nullable columns."""

_ALIKE = 0.8
"""How like two names must be to be taken for the same one misspelt, as difflib measures it."""
_EQUATION = re.compile(r"(?:\w+\.)?(\w+)\s*=+\s*(?:\w+\.)?(\w+)")

JoinColumns = tuple[tuple[str, ...], tuple[str, ...]]
"""The child's columns and the parent's, pairwise."""


@dataclass(slots=True)
class ErdMerger:
    """Adds diagrams to drafts: all entities first, then, with every key known, the relationships."""

    lookup: Lookup
    diagnostics: list[Diagnostic]
    marked: dict[str, list[str]]
    """By folded table name: the columns with an FK mark."""
    own: list[TableDraft] = field(default_factory=list)
    """Tables that only a diagram names."""
    enumerations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By folded name: the values of entities that are drawn for an enumerated type."""

    def add_entities(self, diagram: ErDiagram) -> None:
        """Finds or makes the table of each entity, and adds its attributes."""
        for entity in diagram.entities:
            if _is_enumeration(entity) and self.lookup.entity(entity.name, entity.alias) is None:
                self.enumerations[entity.name.casefold()] = tuple(value.name for value in entity.attributes)
        tables = [entity for entity in diagram.entities if entity.name.casefold() not in self.enumerations]
        names = {entity.name.casefold(): entity.name for entity in tables}
        for entity in tables:
            self._add_entity(entity, names)

    def add_relationships(self, diagrams: Iterable[ErDiagram]) -> None:
        """Turns relationships into foreign keys; those whose columns stay unknown are reported."""
        self._report_alike()
        waiting: list[tuple[Relationship, TableDraft, TableDraft]] = []
        for diagram in diagrams:
            for line in diagram.relationships:
                left, right = self._entity_table(line.left), self._entity_table(line.right)
                if left is None or right is None:
                    continue
                if line.left_cardinality.maximum is None and line.right_cardinality.maximum is None:
                    self._report_many_to_many(line, left, right)
                    continue
                child, parent = self._direction(line, left, right)
                if not self._add_relationship(line, child, parent, guess=False):
                    waiting.append((line, child, parent))
        for line, child, parent in waiting:
            # Only now is it known which marked columns the other relationships explain.
            if not self._add_relationship(line, child, parent, guess=True):
                self._report_no_columns(line, child, parent)
        self._report_loose_marks()

    def _entity_table(self, name: str) -> TableDraft | None:
        return self.lookup.entity(name)

    def _add_entity(self, entity: Entity, names: Mapping[str, str]) -> None:
        table = self.lookup.entity(entity.name, entity.alias, entity.origin)
        if table is None:
            table = TableDraft(entity.name, Resource.ENTITY, entity.origin, entity.name)
            self.lookup.add(table)
            self.own.append(table)
        self.lookup.name_entity(entity.name, table)
        primary: list[str] = []
        for attribute in entity.attributes:
            column = table.declare(attribute.name, attribute.origin)
            keys = {key.upper() for key in attribute.keys}
            comment = attribute.comment or ""
            if comment.strip("\ufe0f ") in (_KEY_MARK, _NULL_MARK):
                keys |= {"PK"} if _KEY_MARK in comment else set()
                comment = ""
            values = self.enumerations.get(attribute.type.casefold())
            data_type = parse_data_type("enum" if values else attribute.type)
            if values and column.accepted_values is None:
                column.accepted_values = Fact(values, attribute.origin)
            if attribute.nullable is False:
                column.not_null = column.not_null or Fact(True, attribute.origin)
            elif attribute.nullable and column.not_null is not None:
                said = f"{table.name}.{column.name} may be null here"
                other = column.not_null.origin
                self.diagnostics.append(contradiction(said, "it is not null", attribute.origin, other))
            if data_type is not None:
                set_data_type(table, column, data_type, attribute.origin, self.diagnostics)
            elif column.data_type is None and attribute.type:
                self._warn(
                    "unknown-type",
                    f'"{attribute.type}" is no type that Seedbed knows; {table.name}.{column.name} counts as untyped',
                    attribute.origin,
                    "use an SQL type such as int, varchar(20), decimal(12,2), date or timestamp",
                )
            if comment:
                column.description = column.description or Fact(comment, attribute.origin)
                arrow = _ARROW.search(comment)
                spoken = _REFERENCES.search(comment)
                if arrow:
                    table.keys.append(KeyDraft((column.name,), arrow[1], (arrow[2],), attribute.origin))
                elif spoken and spoken[1].casefold() in names:
                    key = (spoken[2],) if spoken[2] else None
                    table.keys.append(KeyDraft((column.name,), names[spoken[1].casefold()], key, attribute.origin))
            if "PK" in keys and attribute.name not in primary:
                primary.append(attribute.name)
            if "UK" in keys:
                column.unique = column.unique or Fact(True, attribute.origin)
            if "FK" in keys:
                self.marked.setdefault(table.name.casefold(), []).append(column.name)
        if primary:
            table.set_primary_key(tuple(primary), self._place_of(entity, primary[0]), self.diagnostics)

    def _place_of(self, entity: Entity, attribute: str) -> Location:
        return next(found.origin for found in entity.attributes if found.name == attribute)

    def _direction(self, line: Relationship, left: TableDraft, right: TableDraft) -> tuple[TableDraft, TableDraft]:
        """Child and parent: the child is on the many side; of one to one, the side that holds the key."""
        if line.left_cardinality.maximum is None:
            return left, right
        if line.right_cardinality.maximum is None:
            return right, left
        left_holds = self._named_join(line, left, right) is not None and bool(self._marks(left))
        right_holds = self._named_join(line, right, left) is not None and bool(self._marks(right))
        if left_holds != right_holds:
            return (left, right) if left_holds else (right, left)
        if bool(self._marks(left)) != bool(self._marks(right)):
            return (left, right) if self._marks(left) else (right, left)
        optional_left = line.left_cardinality.minimum == 0 and line.right_cardinality.minimum > 0
        return (left, right) if optional_left else (right, left)

    def _add_relationship(self, line: Relationship, child: TableDraft, parent: TableDraft, guess: bool) -> bool:
        """Adds the foreign keys of a relationship; False when its columns are not known (yet)."""
        joins = self._joins(line, child, parent, guess)
        if not joins:
            return False
        left_is_child = self._entity_table(line.left) is child and (
            child is not parent or line.left_cardinality.maximum is None
        )
        children = line.left_cardinality if left_is_child else line.right_cardinality
        parents = line.right_cardinality if left_is_child else line.left_cardinality
        for columns, parent_columns in joins:
            if parent.is_key(parent_columns) is False or parent.joins_history(parent_columns):
                self._report_no_key(line, child, parent, parent_columns)
                continue
            for ours, theirs in zip(columns, parent_columns, strict=True):
                self._declare(line, child, parent, ours, theirs)
            key = ForeignKey(columns, parent.name, parent_columns, line.origin, children, parents, line.label or None)
            self.lookup.add_foreign_key(child, key)
        return True

    def _joins(self, line: Relationship, child: TableDraft, parent: TableDraft, guess: bool) -> list[JoinColumns]:
        """The join columns: of the label, of FK marks by their names, of keys known already, of names alone."""
        named = self._named_join(line, child, parent)
        if named is not None:
            return named
        marked = self._joins_by_name(child, parent, self._marks(child))
        if marked:
            return marked
        known = [key for key in child.foreign_keys if key.parent.casefold() == parent.name.casefold()]
        if known:
            # The property files say which columns: the diagram adds only how many rows.
            return [(key.columns, key.parent_columns) for key in known]
        if not self._marks(child):
            names = [column.name for column in child.columns.values()]
            return self._joins_by_name(child, parent, names) or (
                self._alike(child, parent, [name for name in names if _KEY_ENDING.search(name)]) if guess else []
            )
        return self._mark_left(child, parent) if guess else []

    def _named_join(self, line: Relationship, child: TableDraft, parent: TableDraft) -> list[JoinColumns] | None:
        """The join that the label spells: a column, `a, b`, or `child.a = parent.b`; None when it is a phrase."""
        label = line.label.strip()
        constraint = _FOREIGN_KEY.fullmatch(label)
        if constraint:
            return self._constraint_join(constraint, child, parent)
        aside = _AFTERTHOUGHT.fullmatch(label)
        label = aside[1] if aside and child.column(aside[1]) is not None else label
        pair = _EQUATION.fullmatch(label)
        if pair:
            for ours, theirs in ((pair[1], pair[2]), (pair[2], pair[1])):
                if child.column(ours) is not None and parent.column(theirs) is not None:
                    return [((ours,), (theirs,))]
        names = tuple(name.strip(' "`') for name in label.split(","))
        if len(names) > 1:
            on_both = all(child.column(name) is not None and parent.column(name) is not None for name in names)
            return [(names, names)] if on_both else None
        if not _COLUMN_LIKE.match(names[0]):
            return None
        return self._column_join(line, names[0], child, parent) or self._role_join(names[0], child, parent)

    def _constraint_join(
        self, constraint: re.Match[str], child: TableDraft, parent: TableDraft
    ) -> list[JoinColumns] | None:
        """The join of a label that is the SQL of a constraint: `FOREIGN KEY (post_id) REFERENCES posts (id)`."""
        ours, theirs = (tuple(re.findall(r"\w+", part or "")) for part in constraint.groups())
        theirs = theirs or (parent.primary_key.value if parent.primary_key else ())
        return [(ours, theirs)] if ours and len(ours) == len(theirs) else None

    def _role_join(self, role: str, child: TableDraft, parent: TableDraft) -> list[JoinColumns] | None:
        """The join of a label that names what the parent is to the child: `author` for `authorId`."""
        wanted = {_letters(role) + ending for ending in ("id", "key", "uuid")}
        found = next((column.name for column in child.columns.values() if _letters(column.name) in wanted), None)
        return self._join_to_key(found, parent) if found else None

    def _column_join(
        self, line: Relationship, label: str, child: TableDraft, parent: TableDraft
    ) -> list[JoinColumns] | None:
        ours, theirs = child.column(label), parent.column(label)
        if ours is not None and theirs is not None:
            return [((ours.name,), (theirs.name,))]
        if ours is not None:
            return self._join_to_key(ours.name, parent)
        if not _KEY_LIKE.match(label) and parent.is_key((label,)) is not True:
            return None
        parent_name = theirs.name if theirs else label
        roles = [column.name for name, column in child.columns.items() if name.endswith(f"_{label}".casefold())]
        if roles:
            # A role-playing dimension: start_date_sk and end_date_sk both are a date_sk.
            return [((role,), (parent_name,)) for role in roles]
        if child is parent or label.casefold() == "id":
            return None
        return [((label,), (parent_name,))]

    def _join_to_key(self, column: str, parent: TableDraft) -> list[JoinColumns] | None:
        """A column of the child alone is named: it refers to the parent's key, if that is one column."""
        if parent.primary_key is not None:
            key = parent.primary_key.value
            return [((column,), key)] if len(key) == 1 else None
        own_id = parent.column("id")
        if own_id is not None:
            return [((column,), (own_id.name,))]
        return [((column,), (column,))] if not parent.columns else None

    def _joins_by_name(self, child: TableDraft, parent: TableDraft, columns: list[str]) -> list[JoinColumns]:
        """The parent's whole key among the columns, or one named after the parent."""
        key = parent.primary_key.value if parent.primary_key else None
        if key is not None and child is not parent:
            shared = tuple(column.name for name in key if (column := child.column(name)) is not None)
            # Unmarked, a shared name is the key; but a plain `id`, or the child's own key, is not.
            own = not self._marks(child) and (shared[:1] == ("id",) or child.is_key(shared) is True)
            if len(shared) == len(key) and all(name in columns for name in shared) and not own:
                return [(shared, key)]
        for key_column in key if key is not None and len(key) == 1 else self._shared_or_id(child, parent, columns):
            found = _by_convention(columns, parent, key_column)
            if found and not (child is parent and found == key_column):
                return [((found,), (key_column,))]
        return []

    def _mark_left(self, child: TableDraft, parent: TableDraft) -> list[JoinColumns]:
        """Of the marked columns that no other relationship explains, the one named like the parent, or the only one."""
        explained = {name.casefold() for found in child.foreign_keys for name in found.columns}
        left = [name for name in self._marks(child) if name.casefold() not in explained]
        key = parent.primary_key.value if parent.primary_key else ()
        only: list[JoinColumns] = [((left[0],), key)] if len(left) == 1 and len(key) == 1 else []
        return self._alike(child, parent, left) or only

    def _alike(self, child: TableDraft, parent: TableDraft, columns: list[str]) -> list[JoinColumns]:
        """The one column that is named nearly as the parent: other languages form the plural in other ways."""
        key = parent.primary_key.value if parent.primary_key else ()
        names = [name for name in columns if child.is_key([name]) is not True]
        found = [name for name in names if _begins_as(_letters(_KEY_ENDING.sub("", name)), _bare_name(parent))]
        return [((found[0],), key)] if len(found) == 1 and len(key) == 1 and child is not parent else []

    def _shared_or_id(self, child: TableDraft, parent: TableDraft, columns: list[str]) -> list[str]:
        """Where the parent has no primary key: a marked column that both have, or the parent's `id`."""
        if parent.primary_key is not None or child is parent:
            return []
        shared = [name for name in columns if name in self._marks(child) and parent.column(name) is not None]
        own_id = parent.column("id")
        return [*shared, *([own_id.name] if own_id else [])]

    def _marks(self, table: TableDraft) -> list[str]:
        return self.marked.get(table.name.casefold(), [])

    def _declare(self, line: Relationship, child: TableDraft, parent: TableDraft, ours: str, theirs: str) -> None:
        """Makes sure that both tables have the columns that they are joined by."""
        sides = ((child, ours), (parent, theirs))
        missing = [table.name for table, name in sides if table.column(name) is None]
        if missing and ours == theirs:
            self._report(
                "column-from-label",
                f'the relationship joins on "{ours}", which {" and ".join(missing)} do not list; '
                "it is taken as a column",
                line.origin,
                Severity.NOTE,
            )
        for table, name in sides:
            table.declare(name, line.origin)

    def _report_no_key(
        self, line: Relationship, child: TableDraft, parent: TableDraft, parent_columns: tuple[str, ...]
    ) -> None:
        joined = ", ".join(parent_columns)
        if parent.joins_history(parent_columns):
            self._report(
                "point-in-time-join",
                f"{child.name} joins the history {parent.name} by its entity {joined}: "
                "a join at a point in time, not a foreign key",
                line.origin,
                Severity.NOTE,
            )
            return
        key = ", ".join(parent.primary_key.value) if parent.primary_key else ""
        self._warn(
            "not-a-key",
            f"{child.name} joins {parent.name} by ({joined}), but a row there is told apart by ({key}); "
            "no foreign key is made",
            line.origin,
            f"if {parent.name} keeps versions, describe them under config.meta.seedbed.history; else join by ({key})",
        )

    def _report_many_to_many(self, line: Relationship, left: TableDraft, right: TableDraft) -> None:
        self._warn(
            "many-to-many",
            f"{left.name} and {right.name} are related many to many, which no column can hold; nothing is made of it",
            line.origin,
            f"draw a table between them: {left.name} ||--o{{ BRIDGE and {right.name} ||--o{{ BRIDGE",
        )

    def _report_loose_marks(self) -> None:
        for table in self.lookup.tables:
            explained = {name.casefold() for key in table.foreign_keys for name in key.columns}
            for name in self._marks(table):
                column = table.column(name)
                if column is not None and name.casefold() not in explained:
                    self._report(
                        "key-without-relationship",
                        f"{table.name}.{name} is marked FK, but no relationship tells which table it refers to",
                        column.origin,
                        Severity.NOTE,
                        "draw the relationship, or take the mark away",
                    )

    def _report_alike(self) -> None:
        """Entities of a table of their own whose name is nearly that of one which no diagram shows: a typo, perhaps."""
        shown = {id(table) for table in self.lookup.entities}
        others = [table for table in self.lookup.tables if id(table) not in shown]
        bare = {(table.source.table_name if table.source else table.name).casefold(): table.name for table in others}
        for table in self.own:
            for alike in get_close_matches(table.name.casefold(), bare, n=1, cutoff=_ALIKE):
                self._warn(
                    "entity-alone",
                    f"the entity {table.name} is in no property file, and is taken as a table of its own",
                    table.origin,
                    f"did you mean {bare[alike]}?",
                )

    def _report_no_columns(self, line: Relationship, child: TableDraft, parent: TableDraft) -> None:
        said = f' (label "{line.label}")' if line.label else ""
        self._warn(
            "unknown-join",
            f"no column of {child.name} is known to hold its relationship to {parent.name}{said}",
            line.origin,
            f"use the column as label, or say foreign_keys: [{{columns: [...], to: {parent.name}}}] "
            f"under config.meta.seedbed of {child.name}",
        )

    def _warn(self, code: str, message: str, place: Location, hint: str | None = None) -> None:
        self._report(code, message, place, Severity.WARNING, hint)

    def _report(self, code: str, message: str, place: Location, severity: Severity, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, message, place, severity, hint))


def _is_enumeration(entity: Entity) -> bool:
    """Whether an entity stands for an enumerated type, each value as an attribute whose type is its own name."""
    return bool(entity.attributes) and all(value.type == value.name for value in entity.attributes)


def singular(name: str) -> str:
    """The singular of an English table name, for matching `customers` with `customer_id`."""
    folded = name.casefold()
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", "")):
        if folded.endswith(ending) and not folded.endswith("ss"):
            return folded[: -len(ending)] + replacement
    return folded


def _by_convention(columns: list[str], parent: TableDraft, key: str) -> str | None:
    """The column named after the parent: its key's own name, `<parent>_<key>`, `<parent singular>_id`."""
    relation = (parent.source.table_name if parent.source else parent.name).casefold()
    stems = dict.fromkeys(form for name in (relation, _bare_name(parent)) for form in (name, singular(name)))
    wanted = [
        *([key] if key.casefold() != "id" else []),
        *(f"{stem}_{key}" for stem in stems),
        *(f"{stem}_id" for stem in stems),
    ]
    found = {_letters(name): name for name in reversed(columns)}
    return next((found[_letters(name)] for name in wanted if _letters(name) in found), None)


def _bare_name(table: TableDraft) -> str:
    relation = (table.source.table_name if table.source else table.name).casefold()
    return re.sub(r"^(?:dim|fct|fact|stg|raw)_|_(?:dim|fact)$", "", relation)


def _begins_as(one: str, other: str) -> bool:
    """Whether two words begin with the same letters, most of both."""
    pairs = zip(one, _letters(other), strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return same >= _SAME_LETTERS and same >= 0.6 * max(len(one), len(other))


def _letters(name: str) -> str:
    """A name without case and without what joins its words, so that orderId is order_id."""
    return re.sub(r"[\W_]", "", name.casefold())

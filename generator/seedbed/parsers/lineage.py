"""Follows the columns of models to the tables that they come from, through renames, casts, CTEs and other models.

What is computed comes from nowhere. On the way, the pairs of columns are noted that a join holds equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from seedbed.errors import Location
from seedbed.parsers.drafts import TableDraft
from seedbed.parsers.jinja import Reference
from seedbed.parsers.lookup import Lookup
from seedbed.parsers.model_sql import MAX_SQL, parse_model
from seedbed.parsers.project import DbtProject

if TYPE_CHECKING:
    from sqlglot import exp

MAX_SQL_IN_ALL = 1_000_000
"""Characters of all models that are followed, of a thousand or so; it takes about six seconds."""
MAX_DEPTH = 60
"""Models between a join and the tables that it is traced back to."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The column of a table that a value comes from; `through` are functions that it went through on the way."""

    table: str
    column: str
    through: tuple[str, ...] = ()


@dataclass(slots=True)
class Relation:
    """What a name in SQL stands for: a table, or the columns of a query.

    `stars` are the relations of which it has all columns but some. `unknown` means that it may have any column.
    `rows_of` is the table of which it has all rows, each once and nothing else, if that is sure.
    """

    table: TableDraft | None = None
    columns: dict[str, Origin | None] = field(default_factory=dict)
    stars: list[tuple[Relation, frozenset[str]]] = field(default_factory=list)
    unknown: bool = False
    rows_of: TableDraft | None = None
    _seen: dict[str, tuple[bool, Origin | None]] = field(default_factory=dict)

    def look(self, name: str) -> tuple[bool, Origin | None]:
        """Whether a column may be of that (folded) name; and where it comes from, unless that is not known."""
        if name not in self._seen:
            self._seen[name] = self._look(name)
        return self._seen[name]

    def _look(self, name: str) -> tuple[bool, Origin | None]:
        if self.table is not None:
            column = self.table.column(name)
            return column is not None, Origin(self.table.name, column.name) if column is not None else None
        if name in self.columns:
            return True, self.columns[name]
        holds, origin = _look_among((relation for relation, without in self.stars if name not in without), name)
        return holds or self.unknown, origin


def _look_among(relations: Iterable[Relation], name: str) -> tuple[bool, Origin | None]:
    """Whether one of these may have a column of that name; and where it comes from, if one alone may."""
    found = [origin for holds, origin in (relation.look(name) for relation in relations) if holds]
    return bool(found), found[0] if len(found) == 1 else None


_UNKNOWN = Relation(unknown=True)


@dataclass(slots=True)
class Models:
    """The models that were read so far, and the pairs of columns that they join."""

    lookup: Lookup
    project: DbtProject
    joins: list[tuple[Origin, Origin, Location]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Files of models that were not read, because there are so many."""
    _read: dict[str, Relation] = field(default_factory=dict)
    _characters: int = 0
    _depth: int = 0

    def read(self, file: str) -> Relation:
        """What a model gives; nothing is known of one that cannot be read, or that leads back to itself."""
        if file in self._read:
            return self._read[file]
        self._read[file] = _UNKNOWN
        text = self.project.files.read(file) if file.lower().endswith(".sql") else None
        if text is None or len(text) > MAX_SQL or self._depth >= MAX_DEPTH:
            return _UNKNOWN
        if self._characters + len(text) > MAX_SQL_IN_ALL:
            self.left_out.append(file)
            return _UNKNOWN
        self._characters += len(text)
        tree, references, complete = parse_model(text, self.project.target.get("type"))
        if tree is None:
            return _UNKNOWN
        self._depth += 1
        names = {name: self._relation(reference) for name, reference in references.items()}
        with suppress(RecursionError):  # of hundreds of unions
            given = _Query(file, self.joins).relation(tree, names)
            self._read[file] = given if complete else replace(given, rows_of=None)
        self._depth -= 1
        return self._read[file]

    def _relation(self, reference: Reference) -> Relation:
        file = self.lookup.model_files.get(reference.name.casefold()) if reference.source is None else None
        if file is not None:
            return self.read(file)
        table = self.lookup.find(reference)
        return _UNKNOWN if table is None or table.built else Relation(table, rows_of=table)


@dataclass(slots=True)
class _Scope:
    """What the columns of a `select` may be of: the relations by their names, and the columns that `using` merged."""

    relations: dict[str, Relation] = field(default_factory=dict)
    merged: dict[str, Origin | None] = field(default_factory=dict)

    def find(self, name: str, relation: str) -> Origin | None:
        """Where a column comes from, of the relation of that name or, if that is empty, of any."""
        if relation:
            return self.relations.get(relation, _UNKNOWN).look(name)[1]
        return self.merged[name] if name in self.merged else _look_among(self.relations.values(), name)[1]


@dataclass(frozen=True, slots=True)
class _Query:
    """Follows the columns of one model's SQL."""

    file: str
    joins: list[tuple[Origin, Origin, Location]]

    def relation(self, query: Any, names: Mapping[str, Relation]) -> Relation:
        """What a query gives, its joins noted on the way.

        Args:
            query: the syntax tree.
            names: what the names of relations stand for.
        """
        from sqlglot import exp  # noqa: PLC0415

        within = dict(names)
        clause = _part(query, "with")
        for cte in clause.expressions if clause is not None else ():
            given = self.relation(cte.this, within)
            within[cte.alias.casefold()] = _UNKNOWN if cte.args["alias"].columns else given
        if isinstance(query, exp.Subquery):
            return self.relation(query.this, within)
        if isinstance(query, exp.SetOperation):
            return _common(self.relation(query.left, within), self.relation(query.right, within))
        return self._select(query, within) if isinstance(query, exp.Select) else _UNKNOWN

    def _select(self, select: exp.Select, names: Mapping[str, Relation]) -> Relation:
        scope = _Scope()
        source = _part(select, "from")
        if source is not None:
            self._enter(source.this, names, scope)
        for join in select.args.get("joins") or ():
            before = list(scope.relations.values())
            entered = self._enter(join.this, names, scope)
            for column in join.args.get("using") or ():
                name = column.name.casefold()
                left = next((origin for holds, origin in (other.look(name) for other in before) if holds), None)
                scope.merged.setdefault(name, left)
                self._note(left, entered.look(name)[1], column)
            self._note_equal(join.args.get("on"), scope)
        where = select.args.get("where")
        self._note_equal(where.this if where is not None else None, scope)
        given = _selected(select, scope)
        if len(scope.relations) == 1 and not _changes_rows(select):
            given.rows_of = next(iter(scope.relations.values())).rows_of
        return given

    def _enter(self, source: Any, names: Mapping[str, Relation], scope: _Scope) -> Relation:
        """Puts what a query reads from into the scope."""
        from sqlglot import exp  # noqa: PLC0415

        relation = _UNKNOWN
        if isinstance(source, exp.Table) and not source.args.get("pivots") and not source.db:
            relation = names.get(source.name.casefold(), _UNKNOWN)
        elif isinstance(source, exp.Subquery) and not source.args.get("pivots"):
            relation = self.relation(source.this, names)
        scope.relations[source.alias_or_name.casefold() or f"{len(scope.relations)}"] = relation
        return relation

    def _note_equal(self, condition: Any, scope: _Scope) -> None:
        """Notes the columns that a condition holds equal, whatever else it asks."""
        from sqlglot import exp  # noqa: PLC0415

        if isinstance(condition, exp.And | exp.Paren):
            for part in condition.flatten() if isinstance(condition, exp.And) else [condition.this]:
                self._note_equal(part, scope)
        elif isinstance(condition, exp.EQ):
            place = condition.find(exp.Identifier)
            self._note(_trace(condition.left, scope), _trace(condition.right, scope), place)

    def _note(self, ours: Origin | None, theirs: Origin | None, place: Any) -> None:
        if ours is not None and theirs is not None:
            line = place.meta.get("line") if place is not None else None
            self.joins.append((ours, theirs, Location(self.file, line or 1)))


def _selected(select: exp.Select, scope: _Scope) -> Relation:
    """What stands behind the columns of a `select`."""
    from sqlglot import exp  # noqa: PLC0415

    given, all_of_them = Relation(), list(scope.relations.values())
    for item in select.expressions:
        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(star, exp.Star):
            of = item.table.casefold() if isinstance(item, exp.Column) else ""
            given.columns.update({} if of else scope.merged)
            _expand(star, [scope.relations.get(of, _UNKNOWN)] if of else all_of_them, given)
        elif isinstance(item, exp.Null | exp.Anonymous):
            # A macro that lists columns, mostly those of the table.
            _expand(exp.Star(), all_of_them if len(all_of_them) == 1 else [_UNKNOWN], given)
        elif item.alias_or_name:
            given.columns[item.alias_or_name.casefold()] = _trace(item, scope)
    return given


def _changes_rows(select: exp.Select) -> bool:
    """Whether a `select` from one relation leaves rows out, puts them together, or makes more of them."""
    from sqlglot import exp  # noqa: PLC0415

    clauses = ("where", "group", "having", "qualify", "distinct", "limit", "offset", "laterals", "joins", "sample")
    if any(select.args.get(clause) for clause in clauses) or select.find(exp.TableSample):
        return True
    found = (node for item in select.expressions for node in item.find_all(exp.AggFunc, exp.UDTF, exp.Explode))
    return any(not isinstance(node, exp.AggFunc) or node.find_ancestor(exp.Window) is None for node in found)


def _expand(star: Any, relations: list[Relation], given: Relation) -> None:
    changed = [*(_part(star, "replace") or ()), *(_part(star, "rename") or ())]
    given.columns.update({item.alias.casefold(): None for item in changed})
    left_out = [*(_part(star, "except") or ()), *(item.this for item in _part(star, "rename") or ())]
    names = frozenset(column.name.casefold() for column in left_out)
    given.stars.extend((relation, names) for relation in relations)


def _part(node: Any, name: str) -> Any:
    """An argument of a node that some versions of sqlglot call by its name, and some with an underscore."""
    return node.args.get(name) or node.args.get(f"{name}_")


def _trace(expression: Any, scope: _Scope) -> Origin | None:
    """Where the value of an expression comes from, if it is that of one column, perhaps in another form."""
    from sqlglot import exp  # noqa: PLC0415

    if isinstance(expression, exp.Alias | exp.Paren | exp.Cast):
        return _trace(expression.this, scope)
    if isinstance(expression, exp.Column):
        return scope.find(expression.name.casefold(), expression.table.casefold())
    # Made lower or hashed alike, keys are equal where their columns are.
    alike = exp.Lower | exp.Upper | exp.Trim | exp.MD5 | exp.Anonymous
    if isinstance(expression, alike) and len(columns := list(expression.find_all(exp.Column))) == 1:
        inner = _trace(columns[0], scope)
        function = expression.name if isinstance(expression, exp.Anonymous) else expression.key
        return Origin(inner.table, inner.column, (*inner.through, function.casefold())) if inner else None
    return None


def _common(left: Relation, right: Relation) -> Relation:
    """What two queries give together: a column comes from where both have it from."""
    same = {name: origin if right.look(name)[1] == origin else None for name, origin in left.columns.items()}
    stars = left.stars if left.stars == right.stars else []
    return Relation(None, same, stars, left.unknown or right.unknown or left.stars != right.stars)

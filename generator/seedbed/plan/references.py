"""Settles how each row finds the rows that its foreign keys refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from seedbed.errors import closest
from seedbed.plan import kinds
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.resolved import (
    Covering,
    Days,
    DistinctAmongSiblings,
    Drawn,
    Driving,
    Finding,
    FromFile,
    Given,
    LookedUp,
    OnDay,
    OneToOne,
    Reference,
    Tree,
    ValidAt,
    Versions,
    Via,
)
from seedbed.plan.spec import RowsPer
from seedbed.schema import Cardinality, ForeignKey


def add_references(drafts: Drafts) -> None:
    """Gives every draft its references, except those of histories and those that need other references."""
    for draft in drafts:
        groups = _groups(draft)
        for name, columns in groups.items():
            _add_drawn(drafts, draft, name, columns, groups)
    for draft in drafts:
        _name_driving(drafts, draft)


def add_dependent_references(drafts: Drafts) -> None:
    """Adds what leads on from other references: days, versions, and parents found via another parent."""
    for draft in drafts:
        for column, generator in tuple(draft.generators.items()):
            if isinstance(generator, kinds.ForeignKey) and column in draft.carried:
                _check_target(drafts, draft, column)
            if isinstance(generator, kinds.DateKey):
                _add_day(drafts, draft, column, generator)
            elif isinstance(generator, kinds.Version):
                _add_version(drafts, draft, column, generator)
        _check_via(drafts, draft)
        _settle_varying(drafts, draft)


def _groups(draft: Draft) -> dict[str, list[str]]:
    """The foreign-key columns of a table by the reference that they carry together."""
    groups: dict[str, list[str]] = {}
    composite = {
        column: foreign_key.columns
        for foreign_key in draft.table.foreign_keys
        if len(foreign_key.columns) > 1
        for column in foreign_key.columns
    }
    for column, generator in draft.generators.items():
        if not isinstance(generator, kinds.ForeignKey):
            continue
        if generator.role:
            name = generator.role
        elif column in composite and generator.column:
            name = "_".join(composite[column])
        else:
            name = column
        groups.setdefault(name, []).append(column)
    return groups


def _add_drawn(drafts: Drafts, draft: Draft, name: str, columns: Sequence[str], groups: Iterable[str]) -> None:
    generators = [draft.generators[column] for column in columns]
    first = generators[0]
    assert isinstance(first, kinds.ForeignKey)
    place = draft.place(columns[0])
    parent = drafts.find(first.parent)
    if parent is None:
        drafts.error(
            "unknown-parent",
            f'{draft.name}.{columns[0]} refers to the table "{first.parent}", which is not there',
            place,
            closest(first.parent, drafts.tables) or "name one of the tables that the project documents",
        )
        return
    carried: dict[str, str] = {}
    for column, generator in zip(columns, generators, strict=True):
        assert isinstance(generator, kinds.ForeignKey)
        target = _target(drafts, draft, parent, column, generator)
        if target is None:
            return
        carried[column] = target
    if len({generator.model_copy(update={"column": None}) for generator in generators}) > 1:
        drafts.error(
            "foreign-key-parts-differ",
            f"{', '.join(columns)} of {draft.name} carry one foreign key, but say different things about it",
            place,
            "give them the same arguments, but for the column",
        )
        return
    in_file = [column for column in carried if column in draft.from_file]
    if in_file and len(in_file) < len(carried):
        assert isinstance(draft.rows, Given)
        drafts.error(
            "foreign-key-half-given",
            f"{', '.join(carried)} of {draft.name} are one foreign key, but only {', '.join(in_file)} stand in "
            f"{draft.rows.name}",
            place,
            "put all of them into the file, or none",
        )
        return
    draft.references[name] = Reference(
        name,
        parent.name,
        carried,
        finding_of(draft, parent, first, carried),
        (draft.name, name),
        first.null,
        first.when,
        draft.said.columns[columns[0]].varies_by if columns[0] in draft.said.columns and not in_file else None,
    )
    for column, target in carried.items():
        draft.carried[column] = (name, target)


def _target(drafts: Drafts, draft: Draft, parent: Draft, column: str, generator: kinds.ForeignKey) -> str | None:
    """The parent's column whose value the child's `column` takes."""
    place = draft.place(column)
    if generator.column:
        found = parent.known(generator.column)
        if found is None:
            drafts.error(
                "unknown-column",
                f"{draft.name}.{column} refers to {parent.name}.{generator.column}, but {parent.name} has no column "
                f'"{generator.column}"',
                place,
                closest(generator.column, parent.generators),
            )
        return found
    declared = _declared_target(draft, parent, column)
    if declared:
        return declared
    key = parent.key
    if len(key) == 1:
        return key[0]
    same = parent.known(column)
    if same:
        return same
    many = f"its key has several columns ({', '.join(key)})" if key else "it has no key"
    drafts.error(
        "no-key",
        f"{draft.name}.{column} refers to {parent.name}, but {many}",
        place,
        f"name the column: foreign_key('{parent.name}', 'column')",
    )
    return None


def _check_target(drafts: Drafts, draft: Draft, column: str) -> None:
    """That every row of the parent has a value to refer to."""
    name, target = draft.carried[column]
    parent = drafts.tables[draft.references[name].parent]
    generator = parent.generators[target]
    gaps = bool(generator.null or generator.when or generator == kinds.Constant(value=None))
    if isinstance(generator, FromFile):
        gaps = generator.gaps
    if gaps:
        drafts.error(
            "null-key",
            f"{draft.name}.{column} refers to {parent.name}.{target}, which is null in some rows",
            draft.place(column),
            "refer to a column that every row fills",
        )


def _declared_target(draft: Draft, parent: Draft, column: str) -> str | None:
    for foreign_key in draft.table.foreign_keys:
        if foreign_key.parent == parent.name and column in foreign_key.columns:
            return parent.known(foreign_key.parent_columns[foreign_key.columns.index(column)])
    return None


def declared_key(draft: Draft, columns: Iterable[str], parent: str) -> ForeignKey | None:
    """What the project says about the foreign key that these columns carry, if it says anything."""
    wanted = set(columns)
    for foreign_key in draft.table.foreign_keys:
        if set(foreign_key.columns) == wanted and foreign_key.parent == parent:
            return foreign_key
    return None


def finding_of(draft: Draft, parent: Draft, generator: kinds.ForeignKey, carried: Collection[str]) -> Finding:
    """How the parent is found, so that the declared numbers of children hold by construction."""
    if set(carried) <= set(draft.from_file):
        assert isinstance(draft.rows, Given)
        return LookedUp(any(draft.rows.values.column(column).null_count for column in carried))
    declared = declared_key(draft, carried, parent.name)
    children = declared.children if declared else Cardinality()
    if generator.via:
        return Via((generator.via,))
    if parent is draft:
        return Tree(generator.roots or 1)
    if generator.distinct:
        return DistinctAmongSiblings(covering=children.minimum > 0)
    if generator.unique or (children.maximum == 1 and not children.minimum):
        return OneToOne()
    least = max(generator.min, children.minimum)
    most = min((bound for bound in (generator.max, children.maximum) if bound is not None), default=None)
    if least or most:
        return Covering(least, most)
    return Drawn(generator.zipf)


def _name_driving(drafts: Drafts, draft: Draft) -> None:
    """Finds the reference that `rows: per ...` means, or adds one that no column carries."""
    said = draft.said.rows
    if not isinstance(said, RowsPer):
        return
    parent = drafts.find(said.parent)
    if parent is None:
        named = draft.references.get(said.parent)
        parent = drafts.find(named.parent) if named else None
    if parent is None:
        drafts.error(
            "unknown-parent",
            f'{draft.name} has rows per "{said.parent}", which is not there',
            draft.place(),
            closest(said.parent, drafts.tables),
        )
        return
    if parent is draft:
        drafts.error("rows-per-itself", f"{draft.name} has rows per itself", draft.place(), "give it a number of rows")
        return
    candidates = [
        reference
        for reference in draft.references.values()
        if reference.parent == parent.name
        and (said.parent in (reference.name, *reference.columns) or drafts.find(said.parent) is parent)
        and not isinstance(reference.finding, Via)
    ]
    chosen = next((item for item in candidates if said.parent in (item.name, *item.columns)), None)
    chosen = chosen or next(iter(candidates), None)
    if chosen is None:
        # A name that no column's reference has.
        name = parent.name if parent.name not in draft.references else f"{parent.name}@"
        chosen = Reference(name, parent.name, {}, Driving(), (draft.name, parent.name))
    draft.references[chosen.name] = replace(chosen, finding=Driving())


def _add_day(drafts: Drafts, draft: Draft, column: str, generator: kinds.DateKey) -> None:
    parent = drafts.find(generator.parent)
    place = draft.place(column)
    if parent is None or not isinstance(parent.rows, Days):
        drafts.error(
            "no-date-table",
            f"{draft.name}.{column} is a key into {generator.parent}, but that is not a table of dates",
            place,
            "give it `rows: dates('2024-01-01', '2026-12-31')`" if parent else closest(generator.parent, drafts.tables),
        )
        return
    target = _declared_target(draft, parent, column)
    key = (target,) if target else parent.key
    if len(key) != 1:
        drafts.error("no-key", f"{draft.name}.{column} refers to {parent.name}, which has no single key", place)
        return
    of = draft.moments.get(generator.of, generator.of)
    draft.references[column] = Reference(
        column, parent.name, {column: key[0]}, OnDay(of), (draft.name, column), generator.null, generator.when
    )
    draft.carried[column] = (column, key[0])


def _add_version(drafts: Drafts, draft: Draft, column: str, generator: kinds.Version) -> None:
    place = draft.place(column)
    history = drafts.find(generator.table)
    if history is None or not isinstance(history.rows, Versions):
        drafts.error(
            "no-history",
            f"{draft.name}.{column} takes a version of {generator.table}, but that is not a history",
            place,
            closest(generator.table, (item.name for item in drafts if isinstance(item.rows, Versions))),
        )
        return
    entity_table = history.references[history.rows.reference].parent
    entity = leading_to(draft, entity_table)
    if entity is None:
        drafts.error(
            "no-entity",
            f"{draft.name}.{column} takes a version of {history.name}, but nothing in {draft.name} leads to its "
            f"entity {entity_table}",
            place,
            f"add a foreign key to {entity_table}",
        )
        return
    said = generator.column
    target = history.known(said) if said else _declared_target(draft, history, column)
    target = target or (None if said else next(iter(history.key), None))
    if said and target is None:
        drafts.error(
            "unknown-column",
            f'{draft.name}.{column} takes {history.name}.{said}, but {history.name} has no column "{said}"',
            place,
            closest(said, history.generators),
        )
        return
    if target is None:
        drafts.error("no-key", f"{history.name} has no key for {draft.name}.{column} to take", place)
        return
    at = draft.moments.get(generator.at, generator.at)
    draft.references[column] = Reference(
        column,
        history.name,
        {column: target},
        ValidAt(entity.name, at),
        (draft.name, column),
        generator.null,
        generator.when,
    )
    draft.carried[column] = (column, target)


def leading_to(draft: Draft, parent: str) -> Reference | None:
    """The table's own reference to `parent`: the driving one, else the first that a column carries."""
    leading = [reference for reference in draft.references.values() if reference.parent == parent]
    return next((item for item in leading if isinstance(item.finding, Driving)), None) or next(iter(leading), None)


def _check_via(drafts: Drafts, draft: Draft) -> None:
    """Turns `via` from what the plan wrote into the names of references, one after another."""
    for reference in tuple(draft.references.values()):
        if not isinstance(reference.finding, Via):
            continue
        first = draft.lead(reference.finding.path[0])
        through = drafts.tables.get(first.parent) if first else None
        path = _path_to(drafts, through, reference.parent) if through else None
        if first is None or path is None:
            drafts.error(
                "no-way",
                f"{draft.name}.{reference.name} is to be found via {reference.finding.path[0]}, but nothing there "
                f"leads to {reference.parent}",
                draft.place(next(iter(reference.columns), None)),
                "name a foreign key of this table whose parent refers to the wanted one",
            )
            continue
        draft.references[reference.name] = replace(reference, finding=Via((first.name, *path)))


def _path_to(drafts: Drafts, start: Draft, parent: str) -> tuple[str, ...] | None:
    """The shortest chain of references from `start` to the table `parent`."""
    frontier: list[tuple[Draft, tuple[str, ...]]] = [(start, ())]
    seen = {start.name}
    while frontier:
        here, path = frontier.pop(0)
        if here.name == parent and path:
            return path
        for reference in here.references.values():
            if reference.parent == parent:
                return (*path, reference.name)
            if reference.parent not in seen and reference.parent in drafts.tables:
                seen.add(reference.parent)
                frontier.append((drafts.tables[reference.parent], (*path, reference.name)))
    return None


def _settle_varying(drafts: Drafts, draft: Draft) -> None:
    """Names the stream of each reference that varies by an entity after the entity, so that it agrees everywhere."""
    for reference in tuple(draft.references.values()):
        if reference.varies_by is None:
            continue
        if not isinstance(reference.finding, Drawn):
            drafts.error(
                "varies-nothing",
                f"{draft.name}.{reference.name} varies by {reference.varies_by}, but its parent is not drawn freely: "
                "it drives the row, or is bound by via, min, max, unique, distinct or a tree",
                draft.place(next(iter(reference.columns), None)),
                "take out varies_by, or the others",
            )
            continue
        by, stream = varying(drafts, draft, reference.varies_by, reference.name)
        draft.references[reference.name] = replace(reference, stream=stream, varies_by=by)


def varying(drafts: Drafts, draft: Draft, varies_by: str, name: str) -> tuple[str | None, tuple[str, ...]]:
    """What a column varies by, a reference or a column of the row, and the stream that it then draws from."""
    lead = draft.lead(varies_by)
    if lead is not None:
        return lead.name, (lead.parent, name)
    column = draft.known(varies_by)
    if column is not None:
        if column in draft.key and len(draft.key) == 1:
            return None, (draft.name, name)
        return column, (draft.name, varies_by, name)
    drafts.error(
        "unknown-column",
        f'{draft.name}.{name} varies by "{varies_by}", but {draft.name} has no such column',
        draft.place(name),
        closest(varies_by, draft.generators),
    )
    return None, (draft.name, name)

"""Whether each generator has what it needs where it stands: names, rows, types.

What is wrong is reported here, with what to do, so that the engine never meets it.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from collections.abc import Mapping

from seedbed.errors import closest
from seedbed.plan import kinds
from seedbed.plan.columns import Types
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.resolved import Days, FromFile, Part, PerParent, VersionPart, Versions
from seedbed.plan.types import NUMERIC, TEMPORAL, natural_type
from seedbed.schema import DataType, TypeKind

_DRAWN = (
    kinds.Drawn, kinds.Fake, kinds.Pattern, kinds.Uuid, kinds.HashKey, kinds.Each, kinds.Sequence, kinds.Pool
)  # fmt: skip
"""Kinds whose values follow from a number, which may be another row's than this one's."""


def settle_names(drafts: Drafts) -> None:
    """Spells the tables, lifecycles and columns that generators name as they are spelled where they stand."""
    processes = {draft.name: draft for draft in drafts if draft.said.history or draft.said.lifecycle}
    folded = {name.casefold(): name for name in processes}
    for draft in drafts:
        for name, generator in draft.generators.items():
            generator = draft.generators[name] = _spelled_as_here(draft, generator)
            match generator:
                case kinds.Lifecycle(lifecycle=said) | kinds.During(lifecycle=said):
                    found = folded.get(said.casefold())
                    if found is None:
                        _unknown_lifecycle(drafts, draft, name, said, processes)
                    else:
                        draft.generators[name] = generator.model_copy(update={"lifecycle": found})
                case kinds.Rollup(table=table, column=column):
                    draft.generators[name] = _settle_rollup(drafts, draft, name, generator, table, column)
                case (
                    kinds.DateKey(of=of)
                    | kinds.Calendar(of=str() as of)
                    | kinds.ChangedAt(of=str() as of)
                    | kinds.LoadedAt(of=str() as of)
                ):
                    draft.generators[name] = generator.model_copy(update={"of": draft.known(of) or of})
                case kinds.Pool(by=by):
                    update = {"by": tuple(draft.known(path) or path for path in by)}
                    draft.generators[name] = generator.model_copy(update=update)
                case kinds.Version(at=at):
                    draft.generators[name] = generator.model_copy(update={"at": draft.known(at) or at})


def _spelled_as_here(draft: Draft, generator: kinds.Generator) -> kinds.Generator:
    """A generator with the names of other columns as they are spelled in the table."""
    update: dict[str, object] = {}
    if isinstance(generator, kinds.Drawn) and generator.correlated:
        update["correlated"] = {draft.known(other) or other: rho for other, rho in generator.correlated.items()}
    if isinstance(generator, kinds.Number) and generator.times:
        update["times"] = draft.known(generator.times) or generator.times
    if isinstance(generator, kinds.After | kinds.ChoiceBy | kinds.CaseBy):
        update["column"] = draft.known(generator.column) or generator.column
    if isinstance(generator, kinds.Pattern) and generator.of:
        update["of"] = draft.known(generator.of) or generator.of
    if isinstance(generator, kinds.CaseBy):
        update["cases"] = {value: _spelled_as_here(draft, case) for value, case in generator.cases.items()}
        update["otherwise"] = _spelled_as_here(draft, generator.otherwise) if generator.otherwise else None
    return generator.model_copy(update=update) if update else generator


def _unknown_lifecycle(drafts: Drafts, draft: Draft, name: str, said: str, known: Mapping[str, Draft]) -> None:
    drafts.error(
        "unknown-lifecycle",
        f'{draft.name}.{name} speaks of the lifecycle "{said}", but no table of that name has a history or a lifecycle',
        draft.place(name),
        closest(said, known) or (f"known are {', '.join(known)}" if known else "give a table a `history:` first"),
    )


def _settle_rollup(
    drafts: Drafts, draft: Draft, name: str, generator: kinds.Rollup, table: str, column: str | None
) -> kinds.Rollup:
    child = drafts.find(table)
    found = child.known(column) if child and column else column
    if child is None or (column and found is None):
        missing = f'there is no table "{table}"' if child is None else f'{child.name} has no column "{column}"'
        near = closest(table, drafts.tables) if child is None else closest(column or "", child.generators)
        drafts.error(
            "unknown-table" if child is None else "unknown-column",
            f"{draft.name}.{name} is to add up {table}, but {missing}",
            draft.place(name),
            near or "name a table whose rows are per this one, and one of its columns",
        )
        return generator
    return generator.model_copy(update={"table": child.name, "column": found})


def check_generator(drafts: Drafts, draft: Draft, name: str, types: Types) -> None:
    """Reports a generator that cannot be carried out in this table."""
    generator, place = draft.generators[name], draft.place(name.removesuffix("@"))
    here = f"{draft.name}.{name.removesuffix('@')}"
    match generator:
        case kinds.Ordinal() if not isinstance(draft.rows, PerParent | Versions):
            drafts.error(
                "no-siblings",
                f"{here} counts siblings, but the rows of {draft.name} are not driven by a parent",
                place,
                f"use sequence(), or give {draft.name} `rows: per <table>`",
            )
        case kinds.Calendar(of=None) if not isinstance(draft.rows, Days):
            drafts.error(
                "no-date",
                f"{here} is a part of the row's day, but the rows of {draft.name} are not days",
                place,
                "name the column with the date: calendar('year', of='...')",
            )
        case kinds.After(column=path) | kinds.Calendar(of=str() as path) | kinds.Pattern(of=str() as path):
            _check_moment(drafts, draft, here, path, types)
        case kinds.ChangedAt(of=str() as path) | kinds.LoadedAt(of=str() as path):
            _check_moment(drafts, draft, here, path, types)
        case kinds.Version(at=path) | kinds.DateKey(of=path):
            _check_moment(drafts, draft, here, path, types, number=False)
        case kinds.Lifecycle(lifecycle=lifecycle) if lifecycle in drafts.lifecycles:
            entity = drafts.lifecycles[lifecycle].entity
            if entity != draft.name:
                drafts.error(
                    "not-the-entity",
                    f"{here} shows the lifecycle {lifecycle}, but its entities are the rows of {entity}",
                    place,
                    f"copy it from there: copy('<foreign key to {entity}>.<column>')",
                )
        case kinds.During(lifecycle=lifecycle) if lifecycle in drafts.lifecycles:
            _check_during(drafts, draft, name, here, drafts.lifecycles[lifecycle].entity)
        case kinds.Rollup():
            _check_rollup(drafts, draft, here, generator, types)
        case kinds.Number(times=str() as path):
            _check_multiplied(drafts, draft, here, path, types)
        case kinds.ChoiceBy():
            _check_cases(drafts, draft, here, generator)
        case kinds.CaseBy():
            _check_cases(drafts, draft, here, generator)
            for case in generator.all_cases:
                if isinstance(case, kinds.After):
                    _check_moment(drafts, draft, here, case.column, types)
                elif isinstance(case, kinds.Pattern) and case.of:
                    _check_moment(drafts, draft, here, case.of, types)
                elif isinstance(case, kinds.Number) and case.times:
                    _check_multiplied(drafts, draft, here, case.times, types)
                elif isinstance(case, kinds.ChoiceBy):
                    _check_cases(drafts, draft, here, case)
    said = draft.said.columns.get(name)
    if said and said.varies_by and name not in draft.carried and not isinstance(generator, _DRAWN):
        drafts.error(
            "varies-nothing",
            f"{here} varies by {said.varies_by}, but {generator} is not drawn: it follows from other values",
            place,
            "take out varies_by, or draw the value",
        )


def _check_moment(drafts: Drafts, draft: Draft, here: str, path: str, types: Types, *, number: bool = True) -> None:
    """That a path leads to a moment; with `number`, or to the key of a day."""
    found = types.of_path(draft, path)
    if found is None or found.kind in TEMPORAL or (number and _is_day_key(drafts, draft, path)):
        return
    drafts.error(
        "no-moment",
        f'{here} reads "{path}" as a date or a moment, but that is of type {found.text}',
        draft.place(here.rpartition(".")[2]),
        "name a column that holds a date or a timestamp",
    )


def _is_day_key(drafts: Drafts, draft: Draft, path: str) -> bool:
    name = draft.known(path)
    if name is None:
        head, _, tail = path.partition(".")
        lead = draft.lead(head)
        return bool(lead and tail and _is_day_key(drafts, drafts.tables[lead.parent], tail))
    if name in draft.carried:
        reference, target = draft.carried[name]
        return _is_day_key(drafts, drafts.tables[draft.references[reference].parent], target)
    generator = draft.generators[name]
    if isinstance(generator, kinds.Copy):
        return _is_day_key(drafts, draft, generator.path)
    return isinstance(generator, kinds.Calendar) and generator.part in ("key", "date")


def _check_during(drafts: Drafts, draft: Draft, name: str, here: str, entity: str) -> None:
    first = draft.during
    if first != name:
        drafts.error(
            "two-moments",
            f"{here} and {draft.name}.{(first or '').removesuffix('@')} are both during a lifecycle, but a row appears "
            "at one moment",
            draft.place(name.removesuffix("@")),
            f"make the later one after('{(first or '').removesuffix('@')}', median='1d')",
        )
    above: Draft | None = draft
    while (
        above is not None
        and above.name != entity
        and not any(reference.parent == entity for reference in above.references.values())
    ):
        above = drafts.tables[above.references[above.driving].parent] if above.driving else None
    if above is None:
        drafts.error(
            "no-entity",
            f"{here} lies in the life of a row of {entity}, but nothing in {draft.name} leads to one",
            draft.place(name.removesuffix("@")),
            f"add a foreign key to {entity}, or give {draft.name} `rows: per {entity}`",
        )


def _check_rollup(drafts: Drafts, draft: Draft, here: str, generator: kinds.Rollup, types: Types) -> None:
    child, place = drafts.tables[generator.table], draft.place(here.rpartition(".")[2])
    driver = child.references[child.driving].parent if child.driving else None
    if driver != draft.name:
        drafts.error(
            "not-its-children",
            f"{here} adds up rows of {child.name}, but those are not driven by {draft.name}",
            place,
            f"give {child.name} `rows: per {draft.name}`, or take out the rollup",
        )
    found = types.of(child, generator.column) if generator.column else None
    if found is None:
        return
    orders = found.kind in (*NUMERIC, *TEMPORAL) and generator.aggregate in ("min", "max")
    if found.kind not in NUMERIC and not orders:
        drafts.error(
            "wrong-type",
            f"{here} is the {generator.aggregate} of {child.name}.{generator.column}, which is of type {found.text}",
            place,
            "name a column of numbers; min and max take dates and timestamps too",
        )


def _check_multiplied(drafts: Drafts, draft: Draft, here: str, path: str, types: Types) -> None:
    """That a path leads to a number."""
    found = types.of_path(draft, path)
    if found is not None and found.kind not in NUMERIC:
        drafts.error(
            "wrong-type",
            f"{here} is a multiple of {path}, which is of type {found.text}",
            draft.place(here.rpartition(".")[2]),
            "name a column of numbers after times=",
        )


def _check_cases(drafts: Drafts, draft: Draft, here: str, generator: kinds.ChoiceBy | kinds.CaseBy) -> None:
    """That every value that the deciding column is known to have has a case."""
    if generator.otherwise or (name := draft.known(generator.column)) is None:
        return
    values: list[object] = []
    match draft.generators[name]:
        case kinds.Choice(values=weights):
            values = [value for value, weight in weights.items() if weight]
        case kinds.Each(values=listed):
            values = list(listed)
        case kinds.Boolean():
            values = [True, False]
        case kinds.Lifecycle(part="state", lifecycle=lifecycle) if lifecycle in drafts.lifecycles:
            values = list(drafts.lifecycles[lifecycle].states)
        case VersionPart(part="state") if draft.name in drafts.lifecycles:
            values = list(drafts.lifecycles[draft.name].states)
    known = {_spoken(value) for value in generator.cases}
    missing = [_spoken(value) for value in values if _spoken(value) not in known]
    if missing:
        drafts.error(
            "missing-case",
            f"{here} depends on {generator.column}, but has no case for {', '.join(missing)}",
            draft.place(here.rpartition(".")[2]),
            "add the case, or otherwise= for all others",
        )


def _spoken(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_fit(drafts: Drafts, draft: Draft, name: str, data_type: DataType | None, made: DataType | None) -> None:
    """That the declared type of a column can hold what its generator makes."""
    if data_type is None:
        return
    generator, place = draft.generators[name], draft.place(name.removesuffix("@"))
    here = f"{draft.name}.{name.removesuffix('@')}"
    if made is not None and not _can_hold(data_type.kind, made.kind, generator):
        drafts.error(
            "wrong-type",
            f"{here} is of type {data_type.text}, but {_shown(generator)} makes {_WORDS[made.kind]}",
            place,
            "use a generator for that type, or change the type",
        )
    if isinstance(generator, kinds.Uuid) and data_type.length is not None and data_type.length < 36:
        drafts.error(
            "too-long",
            f"{here} holds {data_type.length} characters, but a UUID has 36",
            place,
            "use hash_key() or a pattern",
        )


def _shown(generator: kinds.Generator) -> str:
    if isinstance(generator, FromFile):
        return "its file"
    return "its history" if isinstance(generator, VersionPart) else str(generator)


_WORDS = {
    TypeKind.INTEGER: "whole numbers", TypeKind.DECIMAL: "numbers", TypeKind.FLOAT: "numbers",
    TypeKind.BOOLEAN: "true and false", TypeKind.TEXT: "text", TypeKind.DATE: "dates",
    TypeKind.TIMESTAMP: "moments", TypeKind.TIMESTAMP_TZ: "moments", TypeKind.TIME: "times", TypeKind.UUID: "UUIDs",
    TypeKind.JSON: "JSON", TypeKind.BINARY: "bytes",
}  # fmt: skip
_HOLD = {
    TypeKind.INTEGER: (*NUMERIC, TypeKind.BOOLEAN, TypeKind.DATE),
    TypeKind.DECIMAL: (*NUMERIC, TypeKind.BOOLEAN),
    TypeKind.FLOAT: (*NUMERIC, TypeKind.BOOLEAN),
    TypeKind.BOOLEAN: (*NUMERIC, TypeKind.BOOLEAN),
    TypeKind.DATE: TEMPORAL,
    TypeKind.TIMESTAMP: TEMPORAL,
    TypeKind.TIMESTAMP_TZ: TEMPORAL,
    TypeKind.TIME: (TypeKind.TIME, TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ),
    TypeKind.UUID: (TypeKind.UUID,),
    TypeKind.JSON: (TypeKind.JSON,),
    TypeKind.BINARY: (),
}
"""What a column of each type takes besides values of a list that read as one of its own."""


def _can_hold(declared: TypeKind, made: TypeKind, generator: kinds.Generator) -> bool:
    if declared is TypeKind.TEXT or made in _HOLD[declared]:
        return True
    match generator:
        case kinds.Constant(value=None):
            return True
        case kinds.Constant(value=value):
            return _reads_as(declared, value)
        case kinds.Choice(values=listed) | kinds.Each(values=listed):
            return all(_reads_as(declared, value) for value in listed)
        case kinds.ChoiceBy(cases=cases, otherwise=otherwise):
            return all(_reads_as(declared, value) for case in (*cases.values(), otherwise or {}) for value in case)
        case kinds.CaseBy(all_cases=cases):
            types = [(case, natural_type(case, lambda _: None, lambda *_: None)) for case in cases]
            return all(made is None or _can_hold(declared, made.kind, case) for case, made in types)
        case kinds.Calendar(part="key"):
            return declared in TEMPORAL
        case kinds.Uuid() | kinds.HashKey():
            return declared is TypeKind.UUID
        case kinds.Template() | kinds.Sql() | kinds.Copy():
            return declared is TypeKind.JSON
        case FromFile():
            return True  # Each value is held against the type.
        case VersionPart(part=Part.STATE) | kinds.Lifecycle(part="state"):
            return True  # Held against the accepted values, whose spelling the states take.
    # A key takes the values of the parent's column, which may be a file's.
    return isinstance(generator, kinds.ForeignKey | kinds.Version)


def _reads_as(kind: TypeKind, value: object) -> bool:
    """Whether a value of a list, a text say, is one of this type."""
    text = _spoken(value)
    try:
        match kind:
            case TypeKind.INTEGER | TypeKind.DECIMAL | TypeKind.FLOAT:
                return math.isfinite(float(int(text) if kind is TypeKind.INTEGER else text))
            case TypeKind.BOOLEAN:
                return text in ("true", "false", "0", "1")
            case TypeKind.DATE:
                dt.date.fromisoformat(text)
            case TypeKind.TIMESTAMP:
                dt.datetime.fromisoformat(text)
            case TypeKind.TIME:
                dt.time.fromisoformat(text)
            case TypeKind.UUID:
                uuid.UUID(text)
            case TypeKind.JSON:
                json.loads(text)
            case _:
                return False
    except ValueError:
        return False
    return isinstance(value, str)

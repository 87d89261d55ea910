"""What the rows of a table will satisfy, for the checks and for dbt's tests; and what cannot be promised."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from seedbed.plan import kinds
from seedbed.plan.columns import Types
from seedbed.plan.counts import fewest
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.expressions import ExpressionError, compile_expression, type_of_expression
from seedbed.plan.references import declared_key, leading_to
from seedbed.plan.resolved import (
    DAY,
    Covering,
    DistinctAmongSiblings,
    Driving,
    ForeignKeyPromise,
    FromFile,
    Given,
    HistoryPromise,
    LookedUp,
    OnDay,
    OneToOne,
    Part,
    PerParent,
    Predicate,
    Promises,
    RangePromise,
    Reference,
    ResolvedColumn,
    Tree,
    ValidAt,
    ValidityPromise,
    VersionPart,
    Versions,
    Via,
)
from seedbed.plan.rule_promises import drawn_for, moment_of_life, rule_promises
from seedbed.plan.ruled import Ruled
from seedbed.plan.rules import Depends
from seedbed.schema import Cardinality, Scalar, TypeKind


def promises_of(
    drafts: Drafts,
    draft: Draft,
    columns: Mapping[str, ResolvedColumn],
    as_of: dt.date,
    ruled: Sequence[Ruled],
    types: Types,
) -> Promises:
    """The promises of one table; what the plan cannot keep is reported."""
    table = draft.table
    primary_key = table.primary_key.value if table.primary_key else draft.key
    unique: list[tuple[str, ...]] = [
        (column.name,) for column in table.columns if column.unique and (column.name,) != primary_key
    ]
    unique += [fact.value for fact in table.unique_keys if fact.value != primary_key]
    for key in (primary_key, *unique):
        if key:
            _check_unique(drafts, draft, key)
    not_null = dict.fromkeys(primary_key)
    not_null.update(dict.fromkeys(column.name for column in table.columns if column.not_null))
    for name in not_null:
        _check_not_null(drafts, draft, name)
    accepted = {column.name: column.accepted_values.value for column in table.columns if column.accepted_values}
    for name, values in accepted.items():
        _check_accepted(drafts, draft, name, values)
    ranges = [
        RangePromise(
            column.name,
            column.value_range.value.minimum,
            column.value_range.value.maximum,
            column.value_range.value.minimum_included,
            column.value_range.value.maximum_included,
        )
        for column in table.columns
        if column.value_range
    ]
    for promise in ranges:
        _check_range(drafts, draft, promise)
    promised, predicates = rule_promises(drafts, draft, columns, ruled, types)
    decided = {(item.rule.on, item.rule.columns) for item in promised if isinstance(item.rule, Depends)}
    return Promises(
        primary_key=primary_key,
        unique=tuple(dict.fromkeys(unique)),
        not_null=tuple(not_null),
        accepted_values=accepted,
        ranges=tuple(ranges),
        matches={column.name: column.matches.value for column in table.columns if column.matches},
        foreign_keys=tuple(_foreign_keys(drafts, draft)),
        functional_dependencies=tuple(item for item in _dependencies(draft, columns) if item not in decided),
        predicates=(*_predicates(drafts, draft, columns), *predicates),
        rules=tuple(promised),
        history=_history(drafts, draft, columns, as_of),
        validity=tuple(_validity(drafts, draft)),
    )


# --- what can be promised ------------------------------------------------------------------------------------


def _check_unique(drafts: Drafts, draft: Draft, key: tuple[str, ...]) -> None:
    if not all(name in draft.generators for name in key) or _unique_by_construction(drafts, draft, key):
        return
    if len(key) == 1:
        generator = draft.generators[key[0]]
        drafts.error(
            "not-unique",
            f"{draft.name}.{key[0]} is to be unique, but {generator} can repeat a value",
            draft.place(key[0]),
            "use sequence(), uuid(), a pattern with {n}, or unique=true",
        )
        return
    drafts.error(
        "not-unique",
        f"({', '.join(key)}) of {draft.name} are to be unique together, but nothing makes them so",
        draft.place(),
        f"give {draft.name} `rows: per` one of the parents and one of the columns ordinal() or distinct=true",
    )


def _unique_by_construction(drafts: Drafts, draft: Draft, key: tuple[str, ...]) -> bool:
    generators = {name: draft.generators[name] for name in key}
    varying = {name for name in key if (said := draft.said.columns.get(name)) and said.varies_by}
    if set(key) <= set(draft.from_file):
        return True  # Or it was reported, with the lines.
    if any(draft.is_unique(generator) for name, generator in generators.items() if name not in varying):
        return True
    # A key of another row tells rows apart only when it is there whole, and is a key there.
    found = [
        reference
        for reference in draft.references.values()
        if reference.columns
        and set(reference.columns) <= set(key)
        and _is_key(drafts, drafts.tables[reference.parent], tuple(reference.columns.values()))
    ]
    if any(isinstance(reference.finding, OneToOne) for reference in found):
        return True
    if not any(reference.name == draft.driving for reference in found):
        return False
    if isinstance(draft.rows, Versions):
        parts = {item.part for item in generators.values() if isinstance(item, VersionPart)}
        parts |= {part for name in key if (part := _moment_part(draft, name))}
        revisit = drafts.lifecycles[draft.rows.lifecycle].revisit
        return bool(parts & {Part.VALID_FROM, Part.VERSION}) or (Part.STATE in parts and not revisit)
    if any(isinstance(generator, kinds.Ordinal) for generator in generators.values()):
        return True
    if any(isinstance(reference.finding, DistinctAmongSiblings) for reference in found):
        return True
    return isinstance(draft.rows, PerParent) and draft.rows.stride <= 1


def _is_key(drafts: Drafts, parent: Draft, columns: tuple[str, ...]) -> bool:
    if not parent.written and isinstance(parent.rows, Given):
        return set(parent.key) <= set(columns) and bool(parent.key)
    return _unique_by_construction(drafts, parent, columns)


def _moment_part(draft: Draft, name: str) -> Part | None:
    generator = draft.generators.get(draft.moments.get(name, ""))
    return generator.part if isinstance(generator, VersionPart) else None


def _check_not_null(drafts: Drafts, draft: Draft, name: str) -> None:
    generator = draft.generators.get(name)
    if generator is None or name in draft.from_file:
        return  # A gap in a file is reported with its line.
    if name in draft.carried:
        reference = draft.references[draft.carried[name][0]]
        if not (generator.null or generator.when) and _nullable(drafts, draft, reference):
            drafts.error(
                "nulls-forbidden",
                f"{draft.name}.{name} must not be null, but {_why_null(draft, reference)}",
                draft.place(name),
                "take out the not_null test, or find the row in another way",
            )
    elif not (generator.null or generator.when) and _may_be_null(drafts, draft, name):
        drafts.error(
            "nulls-forbidden",
            f"{draft.name}.{name} must not be null, but it is where nothing has ended or happened yet, or where what "
            "it follows from is null or not there",
            draft.place(name),
            "take out the not_null test, or fill what it follows from; a history can have an open_end",
        )
        return
    empty = isinstance(generator, kinds.Constant) and generator.value is None
    if generator.null or generator.when or empty:
        drafts.error(
            "nulls-forbidden",
            f"{draft.name}.{name} must not be null, but {generator} leaves rows without a value",
            draft.place(name),
            "take out null=, when= or constant(null), or the not_null test",
        )


def _check_accepted(drafts: Drafts, draft: Draft, name: str, accepted: tuple[Scalar, ...]) -> None:
    generator = draft.generators.get(name)
    for case in generator.all_cases if isinstance(generator, kinds.CaseBy) else (generator,):
        _check_made(drafts, draft, name, case, accepted)


def _check_made(
    drafts: Drafts, draft: Draft, name: str, generator: kinds.Generator | None, accepted: tuple[Scalar, ...]
) -> None:
    made: set[Scalar] = set()
    match generator:
        case kinds.Choice(values=weights):
            made = {value for value, weight in weights.items() if weight}
        case kinds.Each(values=values):
            made = set(values)
        case kinds.ChoiceBy(cases=cases, otherwise=otherwise):
            made = {value for weights in (*cases.values(), otherwise or {}) for value in weights}
        case kinds.Constant(value=value) if value is not None:
            made = {value}
        case (
            kinds.Fake()
            | kinds.Pool()
            | kinds.Pattern()
            | kinds.Uuid()
            | kinds.HashKey()
            | kinds.Normal()
            | kinds.Lognormal() as other
        ):
            drafts.error(
                "not-accepted",
                f"{draft.name}.{name} accepts only {_listed(accepted)}, but {other} makes other values",
                draft.place(name),
                f"use choice([{', '.join(map(repr, accepted[:4]))}{', ...' if len(accepted) > 4 else ''}])",
            )
            return
    known = {str(value) for value in accepted}
    wrong = sorted(str(value) for value in made if str(value) not in known)
    if wrong:
        drafts.error(
            "not-accepted",
            f"{draft.name}.{name} accepts only {_listed(accepted)}, but the plan makes {_listed(wrong)}",
            draft.place(name),
            "use the accepted values, or add the others to the accepted_values test",
        )


def _listed(values: tuple[Scalar, ...] | list[str]) -> str:
    shown = ", ".join(str(value) for value in values[:8])
    return f"{shown}, ... ({len(values)} in all)" if len(values) > 8 else shown


def _check_range(drafts: Drafts, draft: Draft, promise: RangePromise) -> None:
    generator = draft.generators.get(promise.column)
    for case in generator.all_cases if isinstance(generator, kinds.CaseBy) else (generator,):
        _check_bounds(drafts, draft, promise, case)


def _check_bounds(drafts: Drafts, draft: Draft, promise: RangePromise, generator: kinds.Generator | None) -> None:
    low: float | None = None
    high: float | None = None
    match generator:
        case kinds.Number(times=str()):
            return
        case kinds.Integer(min=low, max=high) | kinds.Uniform(min=low, max=high):
            pass
        case kinds.Normal(min=low, max=high):
            low, high = float("-inf") if low is None else low, float("inf") if high is None else high
        case kinds.Lognormal(min=low, max=high) | kinds.Exponential(min=low, max=high):
            low, high = 0.0 if low is None else low, float("inf") if high is None else high
        case kinds.Empirical(quantiles=quantiles):
            low, high = quantiles[0], quantiles[1]
        case kinds.Constant(value=bool() | str() | None):
            return
        case kinds.Constant(value=int() | float() as value):
            low = high = value
        case _:
            return
    minimum, maximum = promise.minimum, promise.maximum
    too_low = isinstance(minimum, int | float) and low is not None and low < minimum
    too_high = isinstance(maximum, int | float) and high is not None and high > maximum
    if too_low or too_high:
        bounds = f"from {minimum if minimum is not None else '...'} to {maximum if maximum is not None else '...'}"
        drafts.error(
            "out-of-range",
            f"{draft.name}.{promise.column} is to lie {bounds}, but {generator} goes beyond",
            draft.place(promise.column),
            "give it min= and max=",
        )


# --- keys ----------------------------------------------------------------------------------------------------


def _foreign_keys(drafts: Drafts, draft: Draft) -> list[ForeignKeyPromise]:
    promised = []
    for reference in draft.references.values():
        parent = drafts.tables.get(reference.parent)
        if not reference.columns or parent is None or not parent.written:
            continue
        declared = declared_key(draft, reference.columns, reference.parent)
        children = declared.children if declared else Cardinality()
        if isinstance(reference.finding, Covering):
            maximum = reference.finding.maximum
            if maximum is None:
                maximum = children.maximum
            children = Cardinality(max(children.minimum, reference.finding.minimum), maximum)
        if isinstance(reference.finding, Via | OnDay | ValidAt | Tree | LookedUp) and children != Cardinality():
            assert declared is not None
            drafts.warn(
                "children-not-held",
                f"how many {draft.name} a {reference.parent} has ({declared.origin.short}) is not held: "
                f"{', '.join(reference.columns)} follows from other values of the row",
                draft.place(next(iter(reference.columns))),
                "say in the diagram that there may be any number of them: `}o`",
            )
            children = Cardinality()
        nullable = _nullable(drafts, draft, reference)
        promised.append(
            ForeignKeyPromise(
                tuple(reference.columns), reference.parent, tuple(reference.columns.values()), children, nullable
            )
        )
    return promised


def _nullable(drafts: Drafts, draft: Draft, reference: Reference) -> bool:
    """Whether a row may be without this parent."""
    if reference.null or reference.when:
        return True
    match reference.finding:
        case Tree():
            return True
        case LookedUp(gaps=gaps):
            return gaps
        case OnDay(of=of):
            return _may_be_null(drafts, draft, of)
        case ValidAt(entity=entity, at=at):
            inside = _in_life(draft, at) and not _may_be_null(drafts, draft, at)
            return not inside or _nullable(drafts, draft, draft.references[entity])
        case Via(path=path):
            here = draft
            for name in path:
                onward = here.references[name]
                if _nullable(drafts, here, onward):
                    return True
                here = drafts.tables[onward.parent]
    return False


def _in_life(draft: Draft, at: str) -> bool:
    """Whether a moment never lies before the beginning of its entity's life."""
    generator = draft.generators.get(at)
    if isinstance(generator, kinds.After):
        return _in_life(draft, draft.moments.get(generator.column, generator.column))
    return isinstance(generator, kinds.During)


def _why_null(draft: Draft, reference: Reference) -> str:
    match reference.finding:
        case Tree():
            return "the top rows of a tree have no row above them"
        case LookedUp():
            return "it is empty in some rows of the file"
        case ValidAt(at=at):
            return f"a row may have no entity, or {at.removesuffix('@')} may lie before its entity began"
        case OnDay(of=of):
            return f"{of.removesuffix('@')} may be null"
    return "a foreign key on the way may be null"


def _may_be_null(drafts: Drafts, draft: Draft, path: str) -> bool:
    """Whether the value at a path may be null; of SQL nothing is known."""
    name = draft.known(path)
    if name is None:
        head, _, tail = path.partition(".")
        lead = draft.lead(head)
        if lead is None or _nullable(drafts, draft, lead):
            return lead is not None
        return _may_be_null(drafts, drafts.tables[lead.parent], tail)
    generator = draft.generators[name]
    if generator.null or generator.when:
        return True
    if name in draft.carried:
        return _nullable(drafts, draft, draft.references[draft.carried[name][0]])
    match generator:
        case FromFile(gaps=gaps):
            return gaps
        case VersionPart(part=Part.VALID_TO, open_end=None) | kinds.Lifecycle(part="ended"):
            return True
        case kinds.Constant(value=None) | kinds.After(known=True) | kinds.DeletedAt():
            return True
        case kinds.Number(times=str() as source):
            return _may_be_null(drafts, draft, source)
        case kinds.CaseBy(all_cases=cases):
            within = any(_leaves_null(drafts, draft, case) for case in cases)
            return within or (generator.otherwise is None and _may_be_null(drafts, draft, generator.column))
        case kinds.ChoiceBy(otherwise=None, column=source):
            return _may_be_null(drafts, draft, source)
        case kinds.After(column=source) | kinds.Copy(path=source) | kinds.Calendar(of=str() as source):
            return _may_be_null(drafts, draft, source)
        case kinds.Template(columns=sources):
            return any(_may_be_null(drafts, draft, source) for source in sources)
        case kinds.Pool(name=pool, by=by):
            texts = drafts.pools[pool]
            sources = (*texts.slots, *(() if () in texts.by_stratum(by) else by))
            return any(_may_be_null(drafts, draft, source) for source in sources)
        case kinds.During(lifecycle=lifecycle):
            leading = leading_to(draft, drafts.lifecycles[lifecycle].entity)
            drives = leading is not None and isinstance(leading.finding, Driving)
            return leading is not None and not drives and _nullable(drafts, draft, leading)
        case kinds.Rollup(table=child, aggregate="min" | "max" | "mean"):
            rows = drafts.tables[child].rows
            return not isinstance(rows, PerParent) or bool(rows.where) or fewest(rows.counts) == 0
    return False


def _leaves_null(drafts: Drafts, draft: Draft, case: kinds.Generator) -> bool:
    """Whether a case of a column may be null."""
    match case:
        case kinds.Constant(value=None) | kinds.After(known=True):
            return True
        case kinds.After(column=source) | kinds.ChoiceBy(otherwise=None, column=source):
            return case.null > 0 or _may_be_null(drafts, draft, source)
        case kinds.Template(columns=sources):
            return case.null > 0 or any(_may_be_null(drafts, draft, source) for source in sources)
    return case.null > 0


def _dependencies(draft: Draft, columns: Mapping[str, ResolvedColumn]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    found: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for name, column in columns.items():
        if column.hidden:
            continue
        by = column.varies_by
        if column.reference:
            by = draft.references[column.reference].varies_by
        if by is None or column.generator.when:
            continue  # A condition over the row decides anew in each.
        lead = draft.references.get(by)
        determinant = tuple(lead.columns) if lead and lead.columns else (by,)
        found.append((determinant, (name,)))
    return found


def _predicates(drafts: Drafts, draft: Draft, columns: Mapping[str, ResolvedColumn]) -> list[Predicate]:
    """The rules over one row that Seedbed can hold; the others are reported."""
    found = []
    types = {name: column.data_type for name, column in columns.items() if not column.hidden}
    for fact in draft.table.checks:
        try:
            compiled = compile_expression(fact.value, types)
            type_of_expression(fact.value, types)
        except ExpressionError as error:
            drafts.warn(
                "rule-not-enforced",
                f"{draft.name}: the rule {fact.value!r} is not enforced: {error}",
                fact.origin,
                error.hint or "write it as SQL over the columns of one row, or make sure that the plan satisfies it",
            )
            continue
        redrawn, references = drawn_for(drafts, draft, columns, compiled.names)
        moment = moment_of_life(columns, redrawn, references)
        found.append(
            Predicate(fact.value, compiled.names, tuple(redrawn), fact.origin, tuple(references), moment=moment)
        )
    return found


# --- histories -----------------------------------------------------------------------------------------------


def _history(
    drafts: Drafts, draft: Draft, columns: Mapping[str, ResolvedColumn], as_of: dt.date
) -> HistoryPromise | None:
    said = draft.said.history
    if said is None or not isinstance(draft.rows, Versions):
        return None
    lifecycle = drafts.lifecycles[draft.rows.lifecycle]
    entity = tuple(draft.references[draft.rows.reference].columns)
    states = lifecycle.states
    allowed = {
        state: tuple(states[j] for j in range(len(states)) if any(matrix[i][j] > 0 for matrix in lifecycle.matrices))
        for i, state in enumerate(states)
    }
    initial = tuple(states[i] for i in range(len(states)) if any(shares[i] > 0 for shares in lifecycle.initial))
    valid_from = draft.known(said.valid_from) or said.valid_from
    valid_to = draft.known(said.valid_to) if said.valid_to else None
    written = {name: columns[name].data_type.kind for name in (valid_from, valid_to) if name}
    return HistoryPromise(
        entity=entity,
        state=draft.known(said.state) or said.state,
        valid_from=valid_from,
        valid_to=valid_to,
        current=draft.known(said.current) if said.current else None,
        version=draft.known(said.version) if said.version else None,
        open_end=_as_written(said.open_end, written[valid_to]) if said.open_end and valid_to else None,
        allowed=allowed,
        initial=initial,
        terminal=tuple(states[i] for i in lifecycle.terminal),
        revisit=lifecycle.revisit,
        as_of=_as_written(as_of, written[valid_from], end_of_day=True),
    )


def _as_written(moment: dt.date, kind: TypeKind, *, end_of_day: bool = False) -> Scalar:
    day = moment.date() if isinstance(moment, dt.datetime) else moment
    if kind is TypeKind.INTEGER:
        return day.year * 10_000 + day.month * 100 + day.day
    if kind in (TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ):
        time = "23:59:59" if end_of_day else "00:00:00"
        return str(moment) if isinstance(moment, dt.datetime) else f"{day} {time}"
    return day.isoformat()


def _validity(drafts: Drafts, draft: Draft) -> list[ValidityPromise]:
    """Facts whose moment lies in the life of an entity fall into one version of its history."""
    found = []
    for name, generator in draft.generators.items():
        if not isinstance(generator, kinds.During) or generator.lifecycle not in drafts.lifecycles:
            continue
        history = drafts.tables[generator.lifecycle]
        if not isinstance(history.rows, Versions) or not history.written:
            continue
        entity_table = history.references[history.rows.reference].parent
        leading = [item for item in draft.references.values() if item.parent == entity_table and item.columns]
        if not leading:
            continue
        reference = next((item for item in leading if isinstance(item.finding, Driving)), leading[0])
        written = next((shown for shown, hidden in draft.moments.items() if hidden == name), name)
        if written != name and drafts.lifecycles[generator.lifecycle].granularity < DAY:
            continue  # The day that is written does not say which of the day's versions it was.
        versions = [
            next(iter(item.columns.items()))
            for item in draft.references.values()
            if isinstance(item.finding, ValidAt) and item.parent == history.name and item.finding.at == name
        ]
        found.append(
            ValidityPromise(history.name, tuple(reference.columns), written, versions[0] if versions else None)
        )
    return found

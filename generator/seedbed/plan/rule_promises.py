"""What becomes of each business rule: built in by what, or checked, with the SQL that the checks need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from seedbed.errors import closest
from seedbed.plan import kinds, rules
from seedbed.plan.columns import Types
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.resolved import (
    DistinctAmongSiblings,
    Drawn,
    Driving,
    OnDay,
    Predicate,
    Reference,
    ResolvedColumn,
    ValidAt,
    Via,
)
from seedbed.plan.ruled import DRAWN_AGAIN, Ruled, expression_of
from seedbed.plan.rulings import Condition, Read, RulePromise, Standing, Step

_SQL_ARGUMENTS = ("predicate", "when", "at_most", "at_least", "equals")
_TRUTHS = ("predicate", "when")
_DRAWN = "rows are drawn until it holds"
_OF_LIVES = f"{_DRAWN}; one whose life is too short for that is left out"
_LOOKED_AT = "every row is looked at as it is made"


def rule_promises(
    drafts: Drafts, draft: Draft, columns: Mapping[str, ResolvedColumn], ruled: Iterable[Ruled], types: Types
) -> tuple[list[RulePromise], list[Predicate]]:
    """The rules of one table as promises, and those over one row as predicates for the engine too."""
    promised: list[RulePromise] = []
    predicates: list[Predicate] = []
    for item in ruled:
        if item.draft is not draft:
            continue
        conditions = _conditions(drafts, item, types)
        if conditions is None:
            continue
        if isinstance(item.rule, rules.Row) and draft.written:
            needs = conditions["predicate"].needs
            redrawn, references = drawn_for(drafts, draft, columns, needs)
            predicates.append(
                Predicate(
                    item.rule.predicate,
                    needs,
                    tuple(redrawn),
                    item.stated.origin,
                    tuple(references),
                    item.stated.says,
                    item.stated.sentence,
                    moment := moment_of_life(columns, redrawn, references),
                )
            )
            item.how = _OF_LIVES if moment else _DRAWN if redrawn or references else _LOOKED_AT
        elif not item.how:
            item.how = _by_itself(drafts, draft, columns, item)
        standing = Standing.BUILT_IN if item.how else Standing.CHECKED
        promised.append(
            RulePromise(
                item.stated.says,
                item.rule,
                standing,
                item.how or item.why_not or _how_to(draft, item.rule),
                item.stated.origin,
                conditions,
                _key(item),
                item.stated.sentence,
            )
        )
    return promised, predicates


def _key(item: Ruled) -> Step | None:
    """How the child of a rule about children, or a row of one about its parents, finds the other."""
    if item.reference is None:
        return None
    return Step(tuple(item.reference.columns), item.reference.parent, tuple(item.reference.columns.values()))


# --- SQL -----------------------------------------------------------------------------------------------------


def _conditions(drafts: Drafts, item: Ruled, types: Types) -> dict[str, Condition] | None:
    """The SQL arguments of a rule, checked; None when one cannot be used, which is reported."""
    found: dict[str, Condition] = {}
    spoken = f'the rule "{item.stated.says}"'
    before = len(drafts.diagnostics)
    for name in _SQL_ARGUMENTS:
        text = getattr(item.rule, name, None)
        if text is None:
            continue
        if name in _TRUTHS:
            types.check_predicate(item.draft, text, spoken, item.stated.origin)
        else:
            types.of_expression(item.draft, text, spoken, item.stated.origin)
        if len(drafts.diagnostics) > before:
            return None
        expression = expression_of(item.draft, text, types)
        if expression is None:
            message = f"{spoken} reads a column that is not written, so that nobody could check it: {text}"
            drafts.error("rule-not-checkable", message, item.stated.origin)
            return None
        reads = [_read(drafts, item, path) for path in expression.names if item.draft.known(path) is None]
        if any(read is None for read in reads):
            return None
        found[name] = Condition(expression.canonical, expression.names, tuple(filter(None, reads)))
    return found


def _read(drafts: Drafts, item: Ruled, path: str) -> Read | None:
    """How a path leads to a written column; None when it does not, which is reported."""
    steps: list[Step] = []
    here, rest = item.draft, path
    while not (column := here.known(rest)) or column in here.hidden:
        head, dot, rest_after = rest.partition(".")
        lead = here.lead(head)
        if not dot or lead is None or not lead.columns or any(name in here.hidden for name in lead.columns):
            message = f'the rule "{item.stated.says}" reads "{path}", but {here.name} has no column "{rest}"'
            known = here.table.column_names if not dot else (*here.references, *here.carried)
            drafts.error("unknown-column", message, item.stated.origin, closest(head, known))
            return None
        steps.append(Step(tuple(lead.columns), lead.parent, tuple(lead.columns.values())))
        here, rest = drafts.tables[lead.parent], rest_after
    return Read(path, tuple(steps), column)


# --- what is drawn again -------------------------------------------------------------------------------------


def drawn_for(
    drafts: Drafts, draft: Draft, columns: Mapping[str, ResolvedColumn], needs: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Columns and references of a row, below `needs`, that are drawn for it alone: drawing them again can help."""
    drawn: dict[str, None] = {}
    keys: dict[str, None] = {}
    waiting, seen = list(needs), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        column = columns.get(draft.known(name) or "")
        if column is None:
            lead = draft.lead(name.partition(".")[0])
            if lead is not None:
                waiting.extend(_below(draft, lead, keys))
            continue
        if column.reference:
            waiting.extend(_below(draft, draft.references[column.reference], keys))
        elif isinstance(column.generator, DRAWN_AGAIN) and column.varies_by is None:
            drawn[column.name] = None
        waiting.extend(column.needs)
        if column.moment:
            waiting.append(column.moment)
    return list(drawn), list(keys)


def moment_of_life(
    columns: Mapping[str, ResolvedColumn], redrawn: Sequence[str], references: Sequence[str]
) -> str | None:
    """The column with a moment during a life, where nothing else can be drawn again."""
    alone = redrawn[0] if len(redrawn) == 1 and not references else None
    return alone if alone and isinstance(columns[alone].generator, kinds.During) else None


def _below(draft: Draft, reference: Reference, keys: dict[str, None]) -> list[str]:
    """What a reference follows from; itself, in `keys`, where it is drawn."""
    match reference.finding:
        case Drawn() if reference.varies_by is None:
            keys[reference.name] = None
        case OnDay(of=of):
            return [of]
        case ValidAt(entity=entity, at=at):
            return [at, *_below(draft, draft.references[entity], keys)]
        case Via(path=path):
            return _below(draft, draft.references[path[0]], keys)
    return []


# --- rules that hold without anybody's doing -----------------------------------------------------------------


def _by_itself(drafts: Drafts, draft: Draft, columns: Mapping[str, ResolvedColumn], item: Ruled) -> str:
    """By what a rule holds that needed nothing built in; nothing when that is not known."""
    match item.rule:
        case rules.Depends(on=on, columns=names):
            given = set(on)
            if all(_follows(draft, columns, name, given) for name in names):
                return f"{', '.join(names)} {'varies' if len(names) == 1 else 'vary'} by {', '.join(on)}"
        case rules.SumOfChildren(table=table, column=column, equals=str() as equals):
            generator = draft.generators.get(draft.known(equals) or "")
            if generator == kinds.Rollup(table=table, aggregate="sum", column=column):
                return f"{equals} is that sum"
        case rules.Unique(columns=names):
            keys = [draft.key, *(fact.value for fact in draft.table.unique_keys)]
            if any(key and set(key) <= set(names) for key in keys):
                return "it is a key, which is made so"
            driving, others = _siblings(draft, names)
            for name, reference in others.items() if driving else ():
                if isinstance(draft.generators[name], kinds.Ordinal) or (
                    reference is not None and isinstance(reference.finding, DistinctAmongSiblings)
                ):
                    return f"{name} differs among the rows of one {driving}"
    return ""


def _siblings(draft: Draft, names: Iterable[str]) -> tuple[str | None, dict[str, Reference | None]]:
    """The driving parent, if its key is among some columns; and the others of them, with their references."""
    of = {column: reference for reference in draft.references.values() for column in reference.columns}
    found = {name: of.get(name) for said in names if (name := draft.known(said))}
    driving = {name: ref for name, ref in found.items() if ref is not None and isinstance(ref.finding, Driving)}
    parent = next((ref.parent for ref in driving.values() if set(ref.columns) <= set(driving)), None)
    return parent, {name: ref for name, ref in found.items() if name not in driving}


def _how_to(draft: Draft, rule: rules.Rule) -> str:
    """Why nothing builds a rule in, and what would."""
    if isinstance(rule, rules.Unique):
        driving, others = _siblings(draft, rule.columns)
        drawn = [name for name, ref in others.items() if ref is not None and isinstance(ref.finding, Drawn)]
        if driving and drawn:
            return f"nothing builds it in; distinct=true in {drawn[0]}'s foreign_key would"
        if driving:
            return "nothing builds it in; ordinal() in one of the columns would"
    return "nothing builds it in"


def _follows(draft: Draft, columns: Mapping[str, ResolvedColumn], name: str, given: set[str]) -> bool:
    """Whether rows that agree in the given columns agree in this one."""
    if name in given:
        return True
    column = columns[name]
    condition = column.generator.when
    if condition and not all(_path_follows(draft, columns, path, given) for path in column.needs):
        return False
    if column.reference:
        return _reference_follows(draft, columns, draft.references[column.reference], given)
    if column.varies_by is not None:
        lead = draft.references.get(column.varies_by)
        by = set(lead.columns) if lead and lead.columns else {column.varies_by}
        return by <= given
    match column.generator:
        case kinds.Constant():
            return not column.generator.null
        case kinds.Copy() | kinds.Sql() | kinds.Template() | kinds.Calendar() if not column.generator.null:
            return all(_path_follows(draft, columns, path, given) for path in column.needs) and bool(column.needs)
    return False


def _path_follows(draft: Draft, columns: Mapping[str, ResolvedColumn], path: str, given: set[str]) -> bool:
    known = draft.known(path)
    if known:
        return _follows(draft, columns, known, given)
    lead = draft.lead(path.partition(".")[0])
    return lead is not None and _reference_follows(draft, columns, lead, given)


def _reference_follows(
    draft: Draft, columns: Mapping[str, ResolvedColumn], reference: Reference, given: set[str]
) -> bool:
    # The key names one row of the parent, of which everything else follows.
    if reference.columns and set(reference.columns) <= given:
        return True
    if reference.varies_by is not None and not reference.when:
        lead = draft.references.get(reference.varies_by)
        by = set(lead.columns) if lead and lead.columns else {reference.varies_by}
        return by <= given
    match reference.finding:
        case Via(path=path) if not (reference.null or reference.when):
            return _reference_follows(draft, columns, draft.references[path[0]], given)
        case OnDay(of=of) if not (reference.null or reference.when):
            return _path_follows(draft, columns, of, given)
        case Driving():
            return False
    return False

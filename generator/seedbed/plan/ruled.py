"""What business rules ask of the plan: where a rule can hold by construction, the drafts are made to keep it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from seedbed.errors import closest
from seedbed.plan import kinds, rules
from seedbed.plan.columns import Types, names_of
from seedbed.plan.counts import fewest, mean
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.expressions import Expression, ExpressionError, compile_expression, conjuncts, renamed
from seedbed.plan.needs import names_in_sql
from seedbed.plan.references import declared_key, finding_of
from seedbed.plan.resolved import Concentration, Covering, Drawn, Driving, Limit, PerParent, Reference
from seedbed.plan.rows import number_rows
from seedbed.plan.rules import Rule
from seedbed.plan.spec import RowsPer
from seedbed.plan.stated import StatedRule
from seedbed.plan.types import TEXT
from seedbed.schema import Cardinality

_VARYING = (kinds.Drawn, kinds.Fake, kinds.Pool)
"""Kinds whose value in one row may be another row's."""
DRAWN_AGAIN = (*_VARYING, kinds.During)
"""Kinds whose value in one row may be drawn again without touching any other row."""


@dataclass(slots=True)
class Ruled:
    """A typed rule at its table, its names spelled as they stand there.

    `child` is the other table of a rule about children, and `reference` the child's way here. `how` says by what
    the rule is built in, once something is; `why_not`, why it could not be.
    """

    stated: StatedRule
    draft: Draft
    rule: Rule
    child: Draft | None = None
    reference: Reference | None = None
    how: str = ""
    why_not: str = ""


def place_rules(drafts: Drafts, stated: Iterable[StatedRule]) -> list[Ruled]:
    """The rules at their tables; one that names what is not there is reported."""
    return [ruled for item in stated if (ruled := _place(drafts, item))]


def _place(drafts: Drafts, stated: StatedRule) -> Ruled | None:
    spoken = f'the rule "{stated.says}"'
    draft = drafts.find(stated.table)
    if draft is None:
        if drafts.schema.table(stated.table):
            message = f"{spoken} is not enforced: the project itself makes the rows of {stated.table}"
            drafts.warn("rule-not-enforced", message, stated.origin, "write a data test for it")
        else:
            message = f'{spoken} is about the table "{stated.table}", which is not there'
            drafts.error("unknown-table", message, stated.origin, closest(stated.table, drafts.tables))
        return None
    child = None
    table = getattr(stated.rule, "table", None)
    if table is not None:
        child = drafts.find(table)
        if child is None:
            message = f'{spoken} names the table "{table}", which is not there'
            drafts.error("unknown-table", message, stated.origin, closest(table, drafts.tables))
            return None
    spelled: dict[str, Any] = {"table": child.name} if child else {}
    for field in ("on", "columns", "column", "per", "by", "key"):
        said = getattr(stated.rule, field, None)
        if said is None:
            continue
        of_child = child if field == "key" or isinstance(stated.rule, rules.SumOfChildren) else None
        home = of_child or draft
        found = tuple(home.known(name) for name in ([said] if isinstance(said, str) else said))
        for name, known in zip([said] if isinstance(said, str) else said, found, strict=True):
            if known is None or known.endswith("@"):
                message = f'{spoken} names the column "{name}", which {home.name} does not have'
                drafts.error("unknown-column", message, stated.origin, closest(name, home.table.column_names))
                return None
        spelled[field] = found[0] if isinstance(said, str) else found
    return Ruled(stated, draft, stated.rule.model_copy(update=spelled), child)


# --- columns that depend on others ---------------------------------------------------------------------------


def vary_columns(drafts: Drafts, ruled: Iterable[Ruled]) -> None:
    """Lets columns vary by what decides them. Before references are made, because keys can vary too."""
    for item in ruled:
        if not isinstance(item.rule, rules.Depends) or not item.draft.written or len(item.rule.on) > 1:
            continue
        columns = dict(item.draft.said.columns)
        for name in item.rule.columns:
            said = columns.get(name)
            by = columns.get(item.rule.on[0])
            circular = by is not None and by.varies_by == name
            if said and said.varies_by is None and not circular and _can_vary(drafts, item.draft, name):
                columns[name] = replace(said, varies_by=item.rule.on[0])
        item.draft.said = replace(item.draft.said, columns=columns)


def _can_vary(drafts: Drafts, draft: Draft, name: str) -> bool:
    generator = draft.generators[name]
    if isinstance(generator, kinds.ForeignKey):
        parent = drafts.find(generator.parent)
        rows = draft.said.rows
        driving = isinstance(rows, RowsPer) and parent is not None and drafts.find(rows.parent) is parent
        if parent is None or (driving and not generator.role):
            return False
        return isinstance(finding_of(draft, parent, generator, [name]), Drawn)
    return isinstance(generator, _VARYING) and not draft.is_unique(generator) and name not in draft.key


# --- numbers of rows -----------------------------------------------------------------------------------------


def build_in(drafts: Drafts, ruled: Iterable[Ruled], types: Types) -> None:
    """Makes rows and references keep the rules about them, where they can. After rows are driven."""
    for item in ruled:
        match item.rule:
            case rules.Concentration():
                _concentrate(drafts, item, item.rule)
            case rules.Children():
                if _find_key(drafts, item, item.rule.key):
                    _limit_children(drafts, item, item.rule, types)
            case rules.SumOfChildren():
                _find_key(drafts, item, item.rule.key)
            case rules.Row():
                _leave_out_parents(drafts, item, item.rule, types)
    number_rows(drafts)


def _concentrate(drafts: Drafts, item: Ruled, rule: rules.Concentration) -> None:
    draft = item.draft
    if rule.column not in draft.carried:
        message = f'the rule "{item.stated.says}" speaks of parents, but {draft.name}.{rule.column} is no foreign key'
        hint = f"known are {', '.join(draft.carried)}" if draft.carried else None
        drafts.error("rule-without-key", message, item.stated.origin, hint)
        return
    reference = draft.references[draft.carried[rule.column][0]]
    item.reference = reference
    parent = drafts.tables[reference.parent]
    wanted = Concentration(rule.share, rule.of)
    if not parent.dense:
        item.why_not = f"rows of {parent.name} appear as time goes on"
    elif isinstance(reference.finding, Drawn) and reference.varies_by is None:
        draft.references[reference.name] = replace(reference, finding=Drawn(None, wanted))
        item.how = "the parents are drawn so"
    elif isinstance(reference.finding, Driving) and isinstance(draft.rows, PerParent):
        _concentrate_counts(item, draft, draft.rows, reference, wanted)
    else:
        item.why_not = f"{rule.column} is bound otherwise: {draft.generators[rule.column]}"


def _concentrate_counts(
    item: Ruled, draft: Draft, rows: PerParent, reference: Reference, wanted: Concentration
) -> None:
    """Every parent has its least count; what is above it is concentrated so much more."""
    least, usual = fewest(rows.counts), mean(rows.counts)
    declared = declared_key(draft, reference.columns, reference.parent)
    maximum = declared.children.maximum if declared else None
    if rows.where or reference.null or reference.when or draft.during or maximum is not None:
        item.why_not = f"how many rows each parent has is bound otherwise: rows: {draft.said.rows}"
        return
    share = (wanted.share * usual - least * wanted.of) / (usual - least) if usual > least else 1.0
    if not wanted.of <= share < 1:
        item.why_not = f"every parent has at least {least} of about {usual:g} rows"
        return
    # The busiest has 1.5 times the mean of the busy ones, who are at least two thirds of their part of the parents.
    bound = least + math.ceil((usual - least) * share / wanted.of * 1.5 * 1.5) + 1
    draft.rows = replace(rows, concentration=Concentration(share, wanted.of), stride=max(rows.stride, bound))
    item.how = "the numbers of rows are spread so"


def _find_key(drafts: Drafts, item: Ruled, key: str | None) -> bool:
    """The child's reference to the rule's table."""
    assert item.child is not None
    leading = [
        reference
        for reference in item.child.references.values()
        if reference.parent == item.draft.name and reference.columns and (key is None or key in reference.columns)
    ]
    if len(leading) == 1:
        item.reference = leading[0]
        return True
    if leading:
        message = f"several foreign keys of {item.child.name} lead to {item.draft.name}"
        hint = f"say which: key='{next(iter(leading[0].columns))}'"
    else:
        message = f"no foreign key of {item.child.name} leads to {item.draft.name}"
        hint = None
    drafts.error("rule-without-key", f'the rule "{item.stated.says}": {message}', item.stated.origin, hint)
    return False


def _limit_children(drafts: Drafts, item: Ruled, rule: rules.Children, types: Types) -> None:
    child, reference = item.child, item.reference
    assert child is not None
    assert reference is not None
    if rule.when:
        before = len(drafts.diagnostics)
        types.check_predicate(item.draft, rule.when, f'the rule "{item.stated.says}"', item.stated.origin)
        if len(drafts.diagnostics) > before:
            return
    free = not (reference.null or reference.when)
    finding, rows = reference.finding, child.rows
    if isinstance(finding, Driving) and isinstance(rows, PerParent) and free and child.during is None:
        holds = (fewest(rows.counts) >= rule.min and not rows.where) or not rule.min
        if not holds or rule.max is not None:
            limits = (*rows.limits, Limit(rule.min, rule.max, rule.when))
            child.rows = replace(rows, limits=limits, stride=max(rows.stride, rule.min))
        item.how = f"{child.name} has so many rows per {item.draft.name}"
        return
    at_ease = isinstance(finding, Covering) or (
        isinstance(finding, Drawn) and not (finding.zipf or reference.varies_by)
    )
    if at_ease and free and rule.when is None and child.dense and item.draft.dense:
        bounds = finding if isinstance(finding, Covering) else Covering(0, None)
        maximum = min((bound for bound in (bounds.maximum, rule.max) if bound is not None), default=None)
        wanted = Covering(max(bounds.minimum, rule.min), maximum)
        child.references[reference.name] = replace(reference, finding=wanted)
        item.how = f"the {item.draft.name} of {child.name} are dealt out so"
        return
    item.why_not = f"{child.name} finds its {item.draft.name} otherwise; `rows: per {item.draft.name}` would bind it"


# --- conditions on the driving parent ------------------------------------------------------------------------


def _leave_out_parents(drafts: Drafts, item: Ruled, rule: rules.Row, types: Types) -> None:
    """What a predicate says of the driving parent alone is a condition on which parents have rows."""
    draft = item.draft
    expression = expression_of(draft, rule.predicate, types)
    rows = draft.rows
    if expression is None or not isinstance(rows, PerParent):
        return
    reference = draft.references[rows.reference]
    declared = declared_key(draft, reference.columns, reference.parent)
    if (declared or Cardinality()) != Cardinality() and declared and declared.children.minimum:
        return
    where = [rows.where] if rows.where else []
    for part in conjuncts(expression):
        above = {path: path.partition(".")[2] for path in part.names if draft.known(path) is None}
        if part.names and len(above) == len(part.names) and all(_is_driving(draft, path, reference) for path in above):
            condition = renamed(part, above)
            if condition.strip("()") not in where:
                where.append(f"coalesce({condition}, true)")
    draft.rows = replace(
        rows, where=" and ".join(f"({part})" for part in where) if len(where) > 1 else (*where, None)[0]
    )


def _is_driving(draft: Draft, path: str, reference: Reference) -> bool:
    lead = draft.lead(path.partition(".")[0])
    return lead is not None and lead.name == reference.name and not (reference.null or reference.when)


def expression_of(draft: Draft, text: str, types: Types) -> Expression | None:
    """SQL over a row and its parents, compiled; None where it is not allowed, which is reported elsewhere."""
    paths = names_in_sql(text, names_of(draft))
    known = dict.fromkeys(shown(draft), TEXT) | {path: types.of_path(draft, path) or TEXT for path in paths}
    try:
        return compile_expression(text, known)
    except ExpressionError:
        return None


def shown(draft: Draft) -> Iterator[str]:
    """The columns that are written."""
    return (name for name in draft.generators if name not in draft.hidden)

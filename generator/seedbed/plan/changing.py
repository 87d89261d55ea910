"""Which values of a row change as time goes on."""

from __future__ import annotations

from seedbed.plan import kinds
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.needs import names_in_sql, needs_of
from seedbed.plan.resolved import Part, VersionPart


def condition_changes(drafts: Drafts, draft: Draft, predicate: str) -> bool:
    """Whether a SQL predicate over the rows of a table can be true of a row at one as-of date and false at another."""
    return any(_changes(drafts, draft, path, frozenset()) for path in names_in_sql(predicate, _names(draft)))


def _changes(drafts: Drafts, draft: Draft, path: str, seen: frozenset[tuple[str, str]]) -> bool:
    name = draft.known(path)
    if name is None:
        head, _, tail = path.partition(".")
        lead = draft.lead(head)
        parent = drafts.tables.get(lead.parent) if lead else None
        return parent is not None and bool(tail) and _changes(drafts, parent, tail, seen)
    if (draft.name, name) in seen or name in draft.carried:
        return False
    generator = draft.generators[name]
    match generator:
        case kinds.Lifecycle(part=part):
            return part != "started"
        case VersionPart(part=part):
            return part in (Part.VALID_TO, Part.CURRENT)
        case kinds.Rollup() | kinds.ChangedAt() | kinds.LoadedAt() | kinds.DeletedAt() | kinds.IsDeleted():
            return True
        case kinds.After(known=True):
            return True
    here = seen | {(draft.name, name)}
    return any(_changes(drafts, draft, other, here) for other in needs_of(generator, _names(draft)))


def _names(draft: Draft) -> tuple[str, ...]:
    leads = [name for reference in draft.references.values() for name in (reference.name, reference.parent)]
    return (*draft.generators, *leads)

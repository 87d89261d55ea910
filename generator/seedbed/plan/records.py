"""Settles when rows can be read and when they are deleted: `arrives:` and `deletes:` of a table.

Both become hidden columns with a moment that does not depend on the as-of date, so that what was said of a row by an
earlier date stays said.
"""

from __future__ import annotations

from seedbed.errors import Location, closest
from seedbed.plan import kinds
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.dwell import dwell_time
from seedbed.plan.resolved import Delayed, Driving, DwellTime
from seedbed.plan.spec import Arrives, Deletes
from seedbed.plan.transitions import Problems

_STABLE = (kinds.Date, kinds.Timestamp, kinds.After, kinds.During, kinds.Copy)


def prepare_records(drafts: Drafts) -> None:
    """Adds the hidden columns of `arrives:` and `deletes:`, and reports columns that speak of deletes without any."""
    for draft in drafts:
        for key, column in (("arrives", kinds.ARRIVED), ("deletes", kinds.DELETED)):
            said = draft.said.arrives if key == "arrives" else draft.said.deletes
            if said is not None:
                _add(drafts, draft, key, column, said)
        for name, generator in draft.generators.items():
            if isinstance(generator, kinds.DeletedAt | kinds.IsDeleted) and draft.said.deletes is None:
                drafts.error(
                    "no-deletes",
                    f"{draft.name}.{name} is {generator}, but the plan does not say that rows of {draft.name} are "
                    "deleted",
                    draft.place(name),
                    "give the table `deletes: {share: 0.02, delay: 30d}`",
                )


def _add(drafts: Drafts, draft: Draft, key: str, column: str, said: Arrives | Deletes) -> None:
    place = _place(drafts, draft, key)
    if draft.said.history is not None:
        drafts.error(
            f"no-{key}",
            f"{draft.name} is a history, whose rows follow from what its entities go through, so that `{key}:` has no "
            "meaning for it",
            place,
            f"give `{key}:` to the table of the entities",
        )
        return
    also = draft.said.arrives.of if draft.said.arrives else None
    of = _moment(drafts, draft, key, said.of or also, place)
    if of is None:
        return
    delay = DwellTime("fixed", 1.0)
    if said.delay is not None:
        problems = Problems(drafts.document.at("tables", draft.name, key))
        delay = dwell_time(said.delay, 1, ("delay",), problems)
        drafts.diagnostics.extend(problems.found)
    otherwise = "at once" if isinstance(said, Arrives) else "never"
    draft.generators[column] = Delayed(of=of, share=said.share, delay=delay, otherwise=otherwise)
    draft.hidden.append(column)


def _moment(drafts: Drafts, draft: Draft, key: str, named: str | None, place: Location) -> str | None:
    """The column with the moment at which a row happens; with that behind it, where it is the key of a day."""
    if named is not None:
        name = draft.known(named)
        if name is None:
            drafts.error(
                "unknown-column",
                f'`{key}:` of {draft.name} names "{named}", but the table has no such column',
                place,
                closest(named, draft.generators),
            )
            return None
        name = draft.moments.get(name, name)
        if not _is_settled(draft, name):
            drafts.error(
                "no-moment",
                f"`{key}:` of {draft.name} counts from {named}, which is {draft.generators[name]}: not a moment that "
                "stays what it is once it is known",
                place,
                "name a column with a date or a timestamp that does not change",
            )
            return None
        return name
    started = (
        name for name, item in draft.generators.items() if isinstance(item, kinds.Lifecycle) and item.part == "started"
    )
    found = draft.during or next(started, None)
    if found is None:
        drafts.error(
            "no-moment",
            f"`{key}:` of {draft.name} does not say from which moment to count",
            place,
            f"name a column with a date or a timestamp: {key}: {{of: created_at, ...}}",
        )
        return None
    return draft.moments.get(found, found)


def _is_settled(draft: Draft, name: str) -> bool:
    generator = draft.generators[name]
    if isinstance(generator, kinds.Lifecycle):
        return generator.part in ("started", "ended")
    return isinstance(generator, _STABLE)


def check_records(drafts: Drafts) -> None:
    """Reports keys that lead to rows which may be removed: they would lead nowhere once they are."""
    removed = {draft.name for draft in drafts if draft.gone}
    for draft in drafts:
        for reference in draft.references.values():
            above: str | None = reference.parent
            while above is not None and above not in removed:
                parent = drafts.tables[above]
                above = parent.references[parent.driving].parent if parent.driving else None
            if above is not None and not isinstance(reference.finding, Driving):
                drafts.error(
                    "leads-to-removed",
                    f"{draft.name}.{reference.name} refers to rows of {reference.parent}, which may be removed: "
                    f"`deletes:` of {above} removes rows, because no column shows that they are deleted",
                    draft.place(next(iter(reference.columns), None)),
                    f"give {above} a column with deleted_at() or is_deleted(), or take out its `deletes:`",
                )
        for name, generator in draft.generators.items():
            if isinstance(generator, kinds.Rollup) and generator.table in removed:
                drafts.error(
                    "sums-removed",
                    f"{draft.name}.{name} adds up rows of {generator.table}, which may be removed",
                    draft.place(name),
                    f"give {generator.table} a column with deleted_at() or is_deleted()",
                )


def _place(drafts: Drafts, draft: Draft, key: str) -> Location:
    document = drafts.document.at("tables", draft.name, key)
    return document.location() if document.value is not None else draft.place()

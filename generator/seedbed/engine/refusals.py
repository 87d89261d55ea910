"""What is said when the rows of a plan cannot be made: what is wrong, and the line of the plan that asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from seedbed.engine.cells import Int64s
from seedbed.errors import Diagnostic, GenerationError, Location
from seedbed.plan.resolved import (
    Covering,
    DistinctAmongSiblings,
    Driving,
    LookedUp,
    OneToOne,
    Predicate,
    ResolvedTable,
    Tree,
)

if TYPE_CHECKING:
    from seedbed.engine.frames import Frame

_BOUND_BY = {
    DistinctAmongSiblings: "is distinct=true",
    OneToOne: "is unique=true",
    Covering: "has a min or max",
    Tree: "is a tree",
    LookedUp: "stands in a file",
    Driving: "drives the rows",
}


def at_a_column(error: GenerationError, place: Location) -> GenerationError:
    """The error with the place of the column that cannot be made; as it is where it already knows one."""
    if error.diagnostics:
        return error
    return _refusal([Diagnostic("cannot-be-made", error.message, place)])


def unmet(
    frame: Frame, attempts: int, predicates: Sequence[Predicate], met: npt.NDArray[np.bool_], waiting: Int64s
) -> GenerationError:
    """That rows break predicates however often they were drawn again.

    Args:
        frame: the rows.
        attempts: how often they were drawn.
        predicates: all that had to hold at once.
        met: for each predicate and row, whether it held in any attempt.
        waiting: the rows that are left.
    """
    never = [predicate for predicate, rows in zip(predicates, met, strict=True) if not rows[waiting].all()]
    guilty = never or list(predicates)
    together = "" if never or len(guilty) == 1 else " at once, though each of them by itself can hold"
    accepted = (len(frame) - len(waiting)) * 1000 // max(len(frame), 1) / 10
    said = (
        f"{frame.table.name}: after {attempts} attempts {len(waiting)} of {len(frame)} rows still break the rule "
        f"{' and '.join(item.spoken for item in guilty)}{together} ({accepted}% satisfy it)"
    )
    return _refusal([Diagnostic("rule-not-met", said, guilty[0].origin, hint=_hint(frame.table, guilty))])


def broken(frame: Frame, predicate: Predicate, rows: Int64s) -> GenerationError:
    """That rows break a predicate over values that are not drawn again."""
    example = {name: frame.value(name)[int(rows[0])].as_py() for name in predicate.needs}
    said = (
        f"{frame.table.name}: {len(rows)} of {len(frame)} rows break the rule {predicate.spoken}, for example {example}"
    )
    return _refusal([Diagnostic("rule-not-met", said, predicate.origin, hint=_hint(frame.table, [predicate]))])


def _hint(table: ResolvedTable, predicates: Sequence[Predicate]) -> str:
    fixed = dict.fromkeys(text for predicate in predicates for text in _not_drawn_again(table, predicate))
    why = f"; {', and '.join(fixed)}" if fixed else ""
    return f"change the generators of the columns that it reads so that it can hold{why}"


def _not_drawn_again(table: ResolvedTable, predicate: Predicate) -> Iterator[str]:
    """In words, the keys that a predicate reads and that no attempt changes."""
    for path in predicate.needs:
        head = path.partition(".")[0]
        reference = table.lead(head)
        if reference is None or reference.name in predicate.references:
            continue
        key = next(iter(reference.columns), reference.name)
        if reference.varies_by:
            yield f"{key} varies by {reference.varies_by}, so that it cannot be drawn again"
        elif type(reference.finding) in _BOUND_BY:
            yield f"{key} {_BOUND_BY[type(reference.finding)]}, so that it cannot be drawn again"


def _refusal(found: Sequence[Diagnostic]) -> GenerationError:
    return GenerationError("The plan cannot be carried out.", found)

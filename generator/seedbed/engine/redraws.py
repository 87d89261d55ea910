"""Rows that break a rule are drawn again: what is drawn together, and at which attempt each row satisfies its rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.engine.arrow import truth
from seedbed.engine.cells import Int64s
from seedbed.engine.refusals import unmet
from seedbed.plan import kinds
from seedbed.plan.resolved import DAY, Predicate, ResolvedTable

if TYPE_CHECKING:
    from seedbed.engine.frames import Frame

LEFT_OUT = -1
"""In place of the number of an attempt: no attempt could satisfy a rule, and the row is not there."""
AT_ONCE = 32
"""How many attempts are evaluated together at most."""
FEW_ROWS = 16_384
"""With more rows than this, an attempt is evaluated alone."""
FUTILE = 200
"""After so many attempts, a rule that not one of at least 100 rows satisfies is given up, as is a life's moment."""
SHORT_LIFE = 31 * DAY
"""A longer life has every day of the week and of the month: a rule that no moment of it satisfies is a wrong one."""
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Redraw:
    """Predicates of one table that draw the same things again, and those things: columns and references.

    Each of these groups has attempts of its own, so that a value depends on no rule that does not concern it, and
    two rules that are hard to satisfy are not harder together.
    """

    predicates: tuple[Predicate, ...]

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(name for predicate in self.predicates for name in predicate.redrawn)

    @property
    def references(self) -> frozenset[str]:
        return frozenset(name for predicate in self.predicates for name in predicate.references)

    @property
    def leaves_out(self) -> bool:
        """Whether a row without a possible moment is left out."""
        return any(predicate.moment for predicate in self.predicates)


def redraws_of(table: ResolvedTable) -> tuple[Redraw, ...]:
    """The predicates of a table that are satisfied by drawing again, in groups that have nothing in common."""
    groups: list[tuple[set[object], list[Predicate]]] = []
    for predicate in table.promises.predicates:
        if not predicate.is_redrawn:
            continue
        drawn, members = set(_drawn(table, predicate)), [predicate]
        apart = []
        for others, earlier in groups:
            if drawn & others:
                drawn, members = drawn | others, [*earlier, *members]
            else:
                apart.append((others, earlier))
        groups = [*apart, (drawn, members)]
    return tuple(Redraw(tuple(members)) for _, members in groups)


def _drawn(table: ResolvedTable, predicate: Predicate) -> Iterator[object]:
    """What changes when a predicate draws again: columns, also those that are correlated, streams, and references."""
    for name in predicate.redrawn:
        yield from (table.column(other).stream for other in (name, *table.column(name).mixture))
    yield from predicate.references


def settle(frame: Frame, redraw: Redraw) -> Int64s:
    """For each row, the number of its first attempt that satisfies all predicates of a group, or `LEFT_OUT`.

    Raises:
        GenerationError: rows that have to be there satisfy them in no attempt.
    """
    predicates, most = redraw.predicates, frame.world.most_attempts
    of_lives = [place for place, predicate in enumerate(predicates) if predicate.moment]
    attempts, waiting, tried = np.zeros(len(frame), dtype=np.int64), np.arange(len(frame)), 0
    met = np.zeros((len(predicates), len(frame)), dtype=np.bool_)
    moments = np.zeros(len(frame), dtype=np.int64)
    while len(waiting) and tried < most:
        # Few rows are left after some attempts: SQL then costs by the call, not by the row.
        block = min(
            max(tried, 1), AT_ONCE, (FUTILE if tried < FUTILE else most) - tried, max(FEW_ROWS // len(waiting), 1)
        )
        holds = _hold(frame, redraw, waiting, range(tried, tried + block))
        met[:, waiting] |= holds.any(axis=0)
        moments[waiting] += holds[:, of_lives].all(axis=1).sum(axis=0)
        good = holds.all(axis=1)
        attempts[waiting] = tried + good.argmax(axis=0)
        waiting = waiting[~good.any(axis=0)]
        tried += block
        if tried == FUTILE:
            if redraw.leaves_out:
                # Rules that share more than the moment have to hold at one of so few moments.
                rare = moments[waiting] * 100 <= tried
                short = rare & _is_short(frame.take(waiting, tried - 1), redraw)
                attempts[waiting[short]] = LEFT_OUT
                waiting = waiting[~short]
            if len(waiting) == len(frame) >= 100:
                break  # What all of these fail at, some of them would fail at in any batch.
    if len(waiting):
        raise unmet(frame, tried, predicates, met, waiting)
    return attempts


def _hold(frame: Frame, redraw: Redraw, rows: Int64s, attempts: range) -> _Mask:
    """Which predicates hold at which attempt: shape (attempts, predicates, rows)."""
    trials = [frame.take(rows, attempt) for attempt in attempts]
    holds = np.empty((len(trials), len(redraw.predicates), len(rows)), dtype=np.bool_)
    for place, predicate in enumerate(redraw.predicates):
        compiled = frame.world.expression(frame.table, predicate.text)
        columns = {path: pa.concat_arrays([trial.value(path) for trial in trials]) for path in compiled.names}
        found = truth(compiled.evaluate(columns, len(trials) * len(rows)), unknown=True)
        holds[:, place] = found.reshape(len(trials), len(rows))
    return holds


def _is_short(frame: Frame, redraw: Redraw) -> _Mask:
    """Which rows need not be there, and lie in lives so short that these may have no moment which satisfies a rule.

    A claim that lives for one weekend has no payment on a working day. Whether a row is one of these follows from
    its parent and its own draws, so that it is left out of every run, whatever its size and as-of date.
    """
    short = np.zeros(len(frame), dtype=np.bool_)
    if frame.world.must_have_child(frame.table):
        return short
    for name in {predicate.moment for predicate in redraw.predicates if predicate.moment}:
        generator = frame.table.column(name).generator
        assert isinstance(generator, kinds.During)
        begin, end, _ = frame.life(generator.lifecycle)
        short |= end - begin <= SHORT_LIFE
    return short

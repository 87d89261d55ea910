"""States that are only listed: how they follow each other, and what a status says of the row's other columns.

A ticket that is closed has a moment when it was resolved; one that is open has none. That follows from the status, be
it by a column's name (`resolved_at`, `is_closed`, `cancellation_reason`) or by its description ("null while open").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from seedbed.authoring.baseline.names import snake
from seedbed.authoring.baseline.prose import Prose
from seedbed.authoring.baseline.sketch import Sketch, quoted, tokens
from seedbed.plan import kinds
from seedbed.plan.transitions import END
from seedbed.schema import Column

_FAILED = frozenset(
    ["rejected", "withdrawn", "cancelled", "canceled", "declined", "denied", "refused", "expired", "failed", "lost",
     "void", "voided", "abandoned", "lapsed", "terminated", "churned", "aborted", "dropped", "discarded", "no_show",
     "bounced", "written_off", "defaulted", "disqualified", "duplicate", "missed", "uncollectible", "error", "errored",
     "timed_out", "timeout"]
)  # fmt: skip
_GOOD = frozenset(
    ["closed", "completed", "complete", "resolved", "done", "finished", "delivered", "paid", "settled", "won", "solved",
     "fulfilled", "archived", "converted", "graduated", "ended", "succeeded", "success", "successful", "hired"]
)  # fmt: skip
_BACK = frozenset(["reopened", "re_opened", "reactivated", "resumed", "reinstated"])
_UNDONE = frozenset(["returned", "refunded", "reversed", "charged_back", "chargeback"])
_COMES_BACK = frozenset(["rejected", "declined", "denied", "cancelled", "canceled", "churned"])
_STAYS = frozenset(
    ["active", "enabled", "available", "in_use", "in_stock", "live", "published", "operational", "in_service",
     "current", "employed", "enrolled", "online", "occupied", "valid", "on"]
)  # fmt: skip
_LEFT = frozenset(["archived", "closed", "ended", "discontinued", "retired", "inactive", "disabled", "deactivated"])
_HELD = frozenset(
    ["on_hold", "hold", "held", "paused", "suspended", "blocked", "frozen", "dormant", "overdue", "past_due", "late",
     "delayed", "exception", "disputed", "escalated", "maintenance", "in_repair", "out_of_stock", "out_of_service",
     "on_leave", "backordered", "unpaid", "flagged", "locked", "offline"]
)  # fmt: skip
_UNDER_WAY = frozenset(
    ["new", "open", "opened", "created", "draft", "pending", "submitted", "requested", "received", "queued", "planned",
     "scheduled", "proposed", "placed", "booked", "registered", "invited", "issued", "reported", "applied", "started",
     "processing", "running", "assigned", "packed", "picked_up", "dispatched", "initiated", "todo", "backlog", "sent",
     "prospecting", "qualification", "qualified", "negotiation", "proposal", "screening", "interview", "trialing",
     "trial", "label_created", "waiting", "review", "confirmed"]
)  # fmt: skip
_UNDER_WAY_FIRST = frozenset(["pending", "awaiting", "waiting", "in", "under", "partially", "partly", "not", "out"])
_GOOD_IF_LAST = frozenset(
    ["approved", "accepted", "verified", "posted", "shipped", "cleared", "captured", "reviewed", "passed", "collected"]
)
"""States in which things stay, those after they were given up, where they are held up, where they are under way (also
by their first word), and what is a good end where no other is listed."""
_HARD = frozenset(["hired", "won", "converted"])
"""Good ends that only a few come to."""
_SHARES = {"most": 60.0, "almost": 16.0, "way": 18.0, "failed": 9.0, "held": 5.0, "undone": 4.0, "back": 2.0}
_SHARES_STAYING = {**_SHARES, "most": 76.0, "almost": 9.0, "way": 8.0}
_SHARES_HARD = {**_SHARES, "most": 22.0, "failed": 40.0, "way": 34.0}
"""Of a hundred old things, how many are in states of each role."""
_LOST, _RETURNED = 0.1, 0.1
"""Of those who leave a state, the share that fails; of those who came to an end, the share that comes back."""
_STATUS = re.compile(r"status|state|stage|phase|outcome|result|disposition")
_OVER = re.compile(
    r"\b(?:under ?way|in progress|on-?going|still|open|active|alive|running|pending|unfinished|unresolved|current"
    r"|not (?:yet )?(?:over|done|closed|ended|finished|completed?|resolved|final)"
    r"|(?:is|are|was) (?:over|done|final)|(?:it|then) (?:ends|closes)|the end|finish\w*|complet\w*)\b",
    re.I,
)
"""Words for whether something is over, in a description of what is empty while or until it is."""
_ENDED = frozenset(["closed", "resolved", "settled", "solved"])
_ENDED_WELL = frozenset(["completed", "finished", "fulfilled", "ended", "arrived"])
"""Words of a column's name that tell of an end, whatever the last states are called: of any, or a good one."""
_BEGUN = frozenset(["started", "began", "begun", "departed"])
_WAITING = frozenset(
    ["planned", "scheduled", "booked", "confirmed", "pending", "draft", "new", "requested", "queued", "assigned",
     "proposed", "approved", "accepted", "todo", "backlog", "checked_in", "submitted", "created", "open"]
)  # fmt: skip
"""Words of a column's name that tell of a beginning, and states before it."""
_ANSWERED = frozenset(["response", "responded", "acknowledged", "triaged", "assigned"])
_UNSEEN = frozenset(["new", "submitted", "reported", "received", "created", "unassigned", "triggered", "raised"])
"""Words of a column's name that tell that somebody took notice, and states before that."""
_DECIDED = frozenset(["decided", "decision"])
_PAID = frozenset(["paid", "captured"])
_MONEY_CAME = frozenset(["succeeded", "success", "successful", "captured", "settled", "completed", "cleared"])
PLANNED = frozenset(["scheduled", "planned"])
"""First words of columns that tell when something is meant to happen, whatever its state."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The rows whose status is one of some of its values."""

    status: str
    values: tuple[str, ...]
    listed: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The condition, in the shorter of two ways."""
        others = [value for value in self.listed if value not in self.values]
        name, negative = quoted(self.status), len(others) < len(self.values)
        few = ["'" + value.replace("'", "''") + "'" for value in (others if negative else self.values)]
        if len(few) == 1:
            return f"{name} {'<>' if negative else '='} {few[0]}"
        return f"{name} {'not in' if negative else 'in'} ({', '.join(few)})"

    def implies(self, other: Stage) -> bool:
        """Whether its rows are all among those of another."""
        return self.status == other.status and set(self.values) <= set(other.values)


# --- what a status says of other columns ---------------------------------------------------------------------


def stage_of(sketch: Sketch, column: Column, prose: Prose, *, by_name: bool = True) -> Stage | None:
    """The rows in which a column has a value: by its description, else by its name, among the values of a status."""
    name = column.name
    if prose.filled_when and (said := _told(sketch, name, prose.filled_when)):
        return said
    if prose.empty_until and (said := _told(sketch, name, prose.empty_until, passed=True)):
        return said
    if by_name and (named := named_stage(sketch, name)):
        return named
    if prose.empty_when and (said := _told(sketch, name, prose.empty_when)):
        rest = tuple(value for value in said.listed if value not in said.values)
        over = _over(sketch, name) if _OVER.search(prose.empty_when) else None
        return over if over and over.implies(Stage(said.status, rest, said.listed)) else _part(said.status, rest, said)
    if is_over(prose):
        return _over(sketch, name)
    return None


def named_stage(sketch: Sketch, name: str, *, exactly: bool = False) -> Stage | None:
    """The rows that have come as far as a column's name says: `shipped_at` is set in those shipped and delivered.

    With `exactly`, only those that are there now.
    """
    words = set(tokens(name))
    for status, listed in _statuses(sketch, name):
        for value in _exactly_first(
            listed[1:] if _is_in_order(sketch, status, listed) and not exactly else listed, words
        ):
            if names_a_state(name, [value]):
                if exactly:
                    return Stage(status, (value,), listed)
                return Stage(status, _passed(sketch, status, listed, value), listed)
        if found := _told_by_a_word(sketch, status, listed, words):
            return found
    return None


def _told_by_a_word(sketch: Sketch, status: str, listed: tuple[str, ...], words: set[str]) -> Stage | None:
    """The rows that have come as far as a word says, whatever the states are called."""
    values: Sequence[str] = ()
    over = [value for value in _ended(listed) if _is_called(value, _GOOD | _FAILED | _UNDONE)]
    if _ENDED_WELL & words:
        values = [value for value in over if not _is_called(value, _FAILED)] or over
    elif _ENDED & words:
        values = over
    elif _PAID & words:
        came = next((value for value in listed if _is_called(value, _MONEY_CAME)), None)
        values = _passed(sketch, status, listed, came) if came else ()
    elif _BEGUN & words and any(_is_called(value, _WAITING) for value in listed):
        values = [value for value in listed if not _is_called(value, _WAITING | _FAILED)]
    elif _ANSWERED & words:
        values = [value for value in listed if not _is_called(value, _UNSEEN)]
    elif _DECIDED & words:
        values = [value for value in listed if not _is_under_way(value)]
    return Stage(status, tuple(values), listed) if 0 < len(values) < len(listed) else None


def place_of_state(sketch: Sketch, name: str) -> int | None:
    """Where the state that a column is named after stands in a list that is in order; None where there is none."""
    for status, listed in _statuses(sketch, name):
        for value in _exactly_first(listed if _is_in_order(sketch, status, listed) else (), set(tokens(name))):
            if names_a_state(name, [value]) and not _is_called(value, _FAILED | _UNDONE | _BACK):
                return listed.index(value)
    return None


def _exactly_first(listed: Sequence[str], words: set[str]) -> list[str]:
    """The states, first those that a name spells out: of `delivered_at`, `delivered` before `out_for_delivery`."""
    return sorted(listed, key=lambda value: snake(value).rpartition("_")[2] not in words)


def is_an_end(stage: Stage) -> bool:
    """Whether none of some states leads on, or only back."""
    ends = (*_ended(stage.listed), *(value for value in stage.listed if _is_called(value, _HELD | _LEFT)))
    return set(stage.values) <= set(ends)


def _is_in_order(sketch: Sketch, status: str, listed: Sequence[str]) -> bool:
    """Whether the project lists the states of a status, and not just by the alphabet."""
    return bool(sketch.listed(status)) and (len(listed) < 3 or list(listed) != sorted(listed))


def names_a_state(name: str, states: Collection[str]) -> bool:
    """Whether a column is named after one of some states, by the last word of a state that says enough, else by all."""
    words = tokens(name)
    for state in states:
        own = snake(state).split("_")
        telling = own[-1:] if len(own[-1]) > 3 else own
        if all(any(alike(part, word) for word in words) for part in telling):
            return True
    return False


def is_over(prose: Prose) -> bool:
    """Whether a description says that a column is empty until the thing itself has come to an end."""
    return any(words and _OVER.search(words) for words in (prose.empty_when, prose.empty_until))


def alike(one: str, other: str) -> bool:
    """Whether two words are forms of one: cancelled and cancellation, delivered and delivery."""
    if "paid" in (one, other):
        return {one, other} <= {"paid", "payment"}
    short, long = sorted((_root(one), _root(other)), key=len)
    return short == long or (len(short) > 3 and long.startswith(short))


def _root(word: str) -> str:
    if len(word) <= 4:
        return word
    endings = (
        r"lation|ation|ution|ition|tion|ion|(?<=l)ling|(?<=p)ping|ing|(?<=l)led|(?<=p)ped|ved|ed|ery|al|y|es|e|d|s"
    )
    return re.sub(rf"(?:{endings})$", "", word)


def _statuses(sketch: Sketch, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for other in sketch.table.columns:
        generator = sketch.generator(other.name)
        if other.name == name or not isinstance(generator, kinds.Choice) or generator.null or generator.when:
            continue
        values = tuple(value for value in generator.values if isinstance(value, str))
        if len(values) == len(generator.values) > 1 and names_a_status(other.name):
            yield other.name, values


def _told(sketch: Sketch, name: str, words: str, *, passed: bool = False) -> Stage | None:
    """The values that a condition in words names; with `passed`, those that come after them too."""
    spoken = words.lower()
    negative = spoken.startswith("not ")
    said = re.findall(r"\w+", spoken)
    for other in sketch.table.columns:
        generator = sketch.generator(other.name)
        if other.name == name or not isinstance(generator, kinds.Choice):
            continue
        listed = tuple(value for value in generator.values if isinstance(value, str) and len(value) > 1)
        found = [v for v in listed if re.search(rf"\b{re.escape(v.lower().replace('_', ' '))}\b", spoken)]
        found = found or [v for v in listed if all(any(alike(w, s) for s in said) for w in snake(v).split("_"))]
        if found:
            values = _passed(sketch, other.name, listed, found[0]) if passed and len(found) == 1 else tuple(found)
            stage = Stage(other.name, values, listed)
            return _part(other.name, [v for v in listed if v not in values], stage) if negative else stage
    return None


def _part(status: str, values: Sequence[str], of: Stage) -> Stage | None:
    return Stage(status, tuple(values), of.listed) if values else None


def _over(sketch: Sketch, name: str) -> Stage | None:
    return next((Stage(status, _ended(listed), listed) for status, listed in _statuses(sketch, name)), None)


# --- how many are in which state -----------------------------------------------------------------------------


def names_a_status(name: str) -> bool:
    """Whether a column is named as one that holds states."""
    return bool(_STATUS.search(snake(name)))


def shares_of_old(values: Sequence[str], *, lasting: bool = False, named: bool = True) -> dict[str, float]:
    """Of a hundred things that began long ago, how many are in each of some states; empty where nothing tells.

    Most have come to a good end (`delivered`), or stay where things stay (`active`); some are under way, and few have
    failed, are held up or were undone.

    Args:
        values: the states, in the order in which they are listed.
        lasting: whether they are states of things that go on for years, such as accounts.
        named: whether the column is named as one that holds states; else all of the values have to speak of one.
    """
    known = [value for value in values if _is_known(value)]
    if len(known) < (1 if named else len(values)):
        return {}
    stays = _STAYS | {"open", "opened"} if lasting else _STAYS
    held = [value for value in values if _is_called(value, _HELD)]
    # In an alphabetical list the first state can be one that failed.
    way, good, failed, back, undone = _by_role(["", *(value for value in values if value not in held)])
    on = [*way[1:], *good]
    rest = [value for value in on if snake(value) in stays or not _is_under_way(value)]
    staying = [value for value in rest if _is_called(value, stays)]
    if staying and not any(_is_called(value, _GOOD - _LEFT) for value in rest):
        most, shares = staying, _SHARES_STAYING
        almost = [value for value in rest if _is_called(value, _LEFT)]
    else:
        told = any(_is_called(value, _GOOD | _GOOD_IF_LAST) for value in rest)
        if told and list(values) == sorted(values):  # An alphabetical list says nothing of what comes last.
            rest = [value for value in rest if _is_called(value, _GOOD)] or rest
        ends = (rest if told else good[-1:]) or on[-1:] or list(values)
        most, shares = ends[-1:], _SHARES_HARD if _is_called(ends[-1], _HARD) else _SHARES
        almost = [value for value in ends[:-1] if _is_called(value, _GOOD)]
    way = [value for value in on if value not in (*most, *almost)]
    roles = {"most": most, "almost": almost, "way": way, "failed": failed, "held": held, "undone": undone, "back": back}
    whole = sum(shares[role] for role, of in roles.items() if of)
    found: dict[str, float] = {}
    for role, of in roles.items():
        parts = len(of) * (len(of) + 3) / 2  # Falling a little: of three, 4, 3 and 2 of 9.
        share = 100 * shares[role] / whole
        found |= {value: max(1, round(share * (len(of) + 1 - place) / parts)) for place, value in enumerate(of)}
    return {value: found[value] for value in values}


def _is_known(state: str) -> bool:
    words = (_GOOD, _FAILED, _BACK, _UNDONE, _STAYS, _LEFT, _HELD)
    return _is_under_way(state) or any(_is_called(state, of) for of in words)


def _is_under_way(state: str) -> bool:
    name = snake(state)
    return _is_called(name, _UNDER_WAY) or (name.partition("_")[0] in _UNDER_WAY_FIRST and name not in _STAYS)


# --- how states follow each other ----------------------------------------------------------------------------


def likely_moves(values: Sequence[str]) -> dict[str, dict[str, float]]:
    """Moves through states that are only listed: on in their order, out where their names speak of an end.

    A few fail on the way (`rejected`, `withdrawn`), the others come to a good end (`paid`, `closed`), of which a few
    come back (`reopened`) or are undone (`returned`). A good end that other states follow in the list is none: orders
    are paid, then shipped.
    """
    way, good, failed, back, undone = _by_role(values)
    steps: dict[str, dict[str, float]] = {}
    for position, before in enumerate(way):
        onward = way[position + 1 : position + 2] or good[:1]
        lost = 0.0 if not failed else _LOST if onward else 1.0
        moves = {after: round(1 - lost, 6) for after in onward} | {after: lost / len(failed) for after in failed}
        if moves:
            steps[before] = moves
    steps |= {before: {after: 1.0} for before, after in itertools.pairwise(good)}
    if not steps:
        return {before: {after: 1.0} for before, after in itertools.pairwise(values)}
    steps |= {before: {after: 1.0} for before, after in itertools.pairwise(back)}
    if back:
        steps[back[-1]] = {way[min(1, len(way) - 1)]: 1.0}
        steps |= {value: _mostly_the_end(back[:1]) for value in failed if _is_called(value, _COMES_BACK)}
    for end in good[-1:] if back or undone else ():
        steps[end] = _mostly_the_end([*back[:1], *undone])
    return steps


def _mostly_the_end(others: Sequence[str]) -> dict[str, float]:
    return {after: round(_RETURNED / len(others), 6) for after in others} | {END: 1 - _RETURNED}


def _is_called(state: str, words: Collection[str]) -> bool:
    name = snake(state)
    return name in words or name.rpartition("_")[2] in words


def _by_role(values: Sequence[str]) -> tuple[list[str], ...]:
    """The states on the way, at a good end, where things fail, where they begin again, and where they are undone."""
    rest = values[1:]
    failed = [value for value in rest if _is_called(value, _FAILED)]
    back = [value for value in rest if _is_called(value, _BACK)]
    undone = [value for value in rest if _is_called(value, _UNDONE)]
    way = [value for value in values if value not in (*failed, *back, *undone)]
    good: list[str] = []
    while len(way) > 1 and _is_called(way[-1], _GOOD):
        good.insert(0, way.pop())
    if not good and len(way) > 1:
        good = [way.pop()]
    return way, good, failed, back, undone


def _ended(values: Sequence[str]) -> tuple[str, ...]:
    """The states of things that are over."""
    _, good, failed, _, undone = _by_role(values)
    return tuple(value for value in values if value in (*good, *failed, *undone))


def _passed(sketch: Sketch, status: str, values: Sequence[str], value: str) -> tuple[str, ...]:
    """The states of things that have come as far as a state: it and those after it, but where things fail.

    Values that the project does not list have no order: then those that are called an end come after it.
    """
    if _is_called(value, _FAILED):
        return (value,)
    in_order = _is_in_order(sketch, status, values)
    after = values[values.index(value) :] if in_order else values
    ends = () if in_order else _GOOD | _UNDONE
    return tuple(
        state
        for state in after
        if state == value or (_is_called(state, ends) if ends else not _is_called(state, _FAILED | _BACK | _HELD))
    )

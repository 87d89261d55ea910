"""Histories as probes: each version legal by itself and after the one before; each fact inside one version."""

from __future__ import annotations

from collections.abc import Iterator

from seedbed.check.probes import Probe, equal, known, literal, literals, name, names
from seedbed.plan.resolved import HistoryPromise, ResolvedPlan, ResolvedTable, ValidityPromise
from seedbed.schema import TypeKind

_TRUE_WORDS = ("true", "t", "yes", "y", "1")


def history_probes(table: ResolvedTable) -> Iterator[Probe]:
    """What the table's history promises; nothing when it has none."""
    if table.promises.history:
        yield from _History(table, table.promises.history).probes()


def validity_probes(table: ResolvedTable, plan: ResolvedPlan) -> Iterator[Probe]:
    """That each row of the table falls into one version of each history that it refers to."""
    for validity in table.promises.validity:
        history = plan.table(validity.history)
        if history.promises.history:
            yield from _validity(table, history, history.promises.history, validity)


class _History:
    """The probes of one history. They read it as a walk: each version with its place and its neighbours."""

    def __init__(self, table: ResolvedTable, history: HistoryPromise) -> None:
        self.history = history
        self.source = name(table.name)
        self.state, self.valid_from = name(history.state), name(history.valid_from)
        self.valid_to = name(history.valid_to) if history.valid_to else None
        self.open = _is_open(history) if history.valid_to else "false"
        self.version = name(history.version) if history.version else None
        self.current = _is_current(table, history.current) if history.current else None
        self.recorded = (*history.entity, history.state, history.valid_from)
        entity = f"partition by {names(history.entity)}"
        in_order = f"over ({entity} order by {self.valid_from}, rowid)"
        self.walk = (
            f"(select *, rowid + 1 as row_number, row_number() {in_order} as place, "
            f"lag({self.state}) {in_order} as before, lead({self.valid_from}) {in_order} as next_from, "
            f"row_number() {in_order} = count(*) over ({entity}) as last "
            f"from {self.source} where {known(self.recorded)})"
        )

    def probes(self) -> Iterator[Probe]:
        yield self._all("every version has an entity, a state and a beginning", f"not ({known(self.recorded)})")
        yield self._versions(
            "the first state is allowed", "place = 1", f"{self.state} not in ({literals(self.history.initial)})"
        )
        moves = [
            f"(before = {literal(before)} and {self.state} in ({literals(after)}))"
            for before, after in self.history.allowed.items()
            if after
        ]
        yield self._versions("every move is allowed", "place > 1", f"not ({' or '.join(moves) or 'false'})")
        yield from self._endings()
        yield self._versions(
            "an entity's versions begin at different moments", "next_from is not null", f"next_from = {self.valid_from}"
        )
        if self.valid_to:
            yield from self._intervals(self.valid_to)
        if self.current:
            yield self._one_current(self.current)
            yield self._versions("the current version is the last", "true", f"({self.current}) <> last")
        after = f"{self.valid_from} > {literal(self.history.as_of)}"
        if self.valid_to:
            after += f" or (not ({self.open}) and {self.valid_to} > {literal(self.history.as_of)})"
        yield self._versions(f"nothing happens after {self.history.as_of}", "true", after)
        if self.version:
            broken = f"{self.version} is distinct from place"
            yield self._versions("versions are numbered from 1 without a gap", "true", broken)
        if not self.history.revisit:
            yield self._no_revisit()

    def _endings(self) -> Iterator[Probe]:
        if not self.history.terminal:
            return
        ended = f"{self.state} in ({literals(self.history.terminal)})"
        yield self._versions("nothing follows a terminal state", ended, "not last")
        if self.valid_to:
            yield self._versions(
                "what is still under way has an open version", f"last and not ({ended})", f"not ({self.open})"
            )

    def _intervals(self, valid_to: str) -> Iterator[Probe]:
        yield self._versions(
            "each version ends when the next begins",
            "next_from is not null",
            f"({self.open}) or {valid_to} is distinct from next_from",
        )
        yield self._versions(
            "each version ends after it begins",
            f"not ({self.open})",
            f"not coalesce({valid_to} > {self.valid_from}, false)",
        )

    def _one_current(self, current: str) -> Probe:
        entity = names(self.history.entity)
        counted = (
            f'select {entity}, count(*) filter ({current}) as "current versions" '
            f"from {self.source} where {known(self.history.entity)} group by {entity}"
        )
        return Probe(
            "exactly one version is current",
            (*self.history.entity, str(self.history.current)),
            f"select count(*) from ({counted})",
            f'select * from ({counted}) where "current versions" <> 1',
        )

    def _no_revisit(self) -> Probe:
        pair = names((*self.history.entity, self.history.state))
        return Probe(
            "no state is entered twice",
            (*self.history.entity, self.history.state),
            f"select count(*) from {self.walk}",
            f'select {pair}, count(*) as "versions" from {self.walk} group by {pair} having count(*) > 1',
        )

    def _versions(self, promise: str, applies: str, broken: str) -> Probe:
        shown = names(dict.fromkeys(filter(None, (*self.recorded, self.history.valid_to, self.history.version))))
        return Probe(
            promise,
            self.recorded,
            f"select count(*) from {self.walk} where {applies}",
            f"select row_number as row, {shown}, before from {self.walk} where ({applies}) and ({broken})",
        )

    def _all(self, promise: str, broken: str) -> Probe:
        return Probe(
            promise,
            self.recorded,
            f"select count(*) from {self.source}",
            f"select rowid + 1 as row, {names(self.recorded)} from {self.source} where {broken}",
        )


def _kind(table: ResolvedTable, column: str) -> TypeKind:
    return table.column(column).data_type.kind


def _as_told(moment: str, kind: TypeKind, told: TypeKind) -> str:
    """A fact's moment as its history tells time: a moment's day where that is by days, and its key where by keys."""
    days, keys = (TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ), (TypeKind.INTEGER, TypeKind.DECIMAL)
    if kind in days and told in keys:
        return f"cast(strftime({moment}, '%Y%m%d') as bigint)"
    if kind in keys and told in days:
        return f"cast(strptime(cast({moment} as varchar), '%Y%m%d') as date)"
    return f"cast({moment} as date)" if kind in days and told is TypeKind.DATE else moment


def _validity(
    table: ResolvedTable, parent: ResolvedTable, history: HistoryPromise, validity: ValidityPromise
) -> Iterator[Probe]:
    facts, keys = name(table.name), (*validity.entity, validity.at)
    begins = f"v.{name(history.valid_from)}"
    at = _as_told(f"f.{name(validity.at)}", _kind(table, validity.at), _kind(parent, history.valid_from))
    if history.valid_to:
        still = f"({_is_open(history, 'v')} or {at} < v.{name(history.valid_to)})"
        versions = name(parent.name)
    else:
        in_order = f"over (partition by {names(history.entity)} order by {name(history.valid_from)})"
        versions = f"(select *, lead({name(history.valid_from)}) {in_order} as next_from from {name(parent.name)})"
        still = f"(v.next_from is null or {at} < v.next_from)"
    inside = f"{equal('v', history.entity, 'f', validity.entity)} and {begins} <= {at} and {still}"
    counted = (
        f"select f.rowid + 1 as row, {names(keys, 'f')}, count({begins}) as versions "
        f"from {facts} as f left join {versions} as v on {inside} where {known(keys, 'f')} group by all"
    )
    yield Probe(
        f"each row falls into one version of {parent.name} at {validity.at}",
        keys,
        f"select count(*) from {facts} where {known(keys)}",
        f"select * from ({counted}) where versions <> 1",
        (parent.name,),
    )
    if validity.version_key:
        column, key = validity.version_key
        shown = tuple(dict.fromkeys((column, *keys)))
        named = f"select 1 from {versions} as v where v.{name(key)} = f.{name(column)} and {inside}"
        yield Probe(
            f"{column} is the version of {parent.name} that holds at {validity.at}",
            shown,
            f"select count(*) from {facts} where {known(shown)}",
            f"select f.rowid + 1 as row, {names(shown, 'f')} from {facts} as f "
            f"where {known(shown, 'f')} and not exists ({named})",
            (parent.name,),
        )


def _is_open(history: HistoryPromise, of: str | None = None) -> str:
    column = (f"{of}." if of else "") + name(str(history.valid_to))
    if history.open_end is None:
        return f"{column} is null"
    return f"coalesce({column} = {literal(history.open_end)}, false)"


def _is_current(table: ResolvedTable, column: str) -> str:
    """The condition under which a version says that it is the current one, for a flag of any type; null says no."""
    kind = table.column(column).data_type.kind
    if kind is TypeKind.BOOLEAN:
        return f"coalesce({name(column)}, false)"
    if kind is TypeKind.TEXT:
        return f"coalesce(lower({name(column)}) in ({literals(_TRUE_WORDS)}), false)"
    return f"coalesce({name(column)} = 1, false)"

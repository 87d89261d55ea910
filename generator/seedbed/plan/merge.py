"""Re-planning: what an author proposes goes into the plan only where the project changed, and never over a person.

The fingerprint of each entry tells both (see `fingerprints`). `*` stands for what is said of the table as a whole.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seedbed.plan import kinds
from seedbed.plan.beside import BesideError, is_authors, read_beside
from seedbed.plan.fingerprints import facts_of, text_of, text_of_rule, what_changed, written
from seedbed.plan.plan_text import in_one_line, plain
from seedbed.plan.sheets import read_sheet
from seedbed.plan.spec import Author, ColumnEntry, FileRows, Plan, Rows, RuleEntry, TableEntry
from seedbed.schema import Column, Schema, Table

TABLE = "*"
"""The pseudo column under which a table's own entry (rows, history, lifecycle) has its fingerprint."""
_EDITED = "a person edited it"
_UPGRADE = (Author.BASELINE, Author.LLM)
"""Whose entry gives way to whose, although the project did not change."""


class ChangeKind(enum.StrEnum):
    """What re-planning did with an entry."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one entry of the plan, and why; `column` None means the table's own.

    Of a table's own entry, `part` is what of it differs, such as `rows` or `history.states`.
    """

    kind: ChangeKind
    table: str
    column: str | None
    reason: str
    before: str | None = None
    after: str | None = None
    part: str | None = None

    def __str__(self) -> str:
        name = f"{self.table}.{self.column}" if self.column else self.table
        texts = " -> ".join(text for text in (self.before, self.after) if text)
        said = ": ".join(text for text in (self.part, texts) if text)
        return f"{self.kind} {name}{f': {said}' if said else ''} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Changes:
    """How a plan differs from the one before. `kept` are entries that the author would now write differently."""

    all: tuple[Change, ...] = ()
    kept: tuple[Change, ...] = ()

    @property
    def any(self) -> bool:
        """Whether the plan that there was is out of date."""
        return bool(self.all)


def merge_plans(
    old: Plan | None, new: Plan, schema: Schema, *, fresh: bool = False, files: Mapping[str, str] | None = None
) -> tuple[Plan, Changes]:
    """The plan brought up to date.

    Args:
        old: the plan that there is, if any. Its first lines (random seed, dates, locale) stay.
        new: what an author proposes for the whole project.
        schema: what the project says now.
        fresh: propose every entry anew, but for those of a person.
        files: files beside the plan that are not written yet, by path.

    Returns:
        The merged plan with its fingerprints, and what became of each entry.
    """
    before = old or new.head
    merger = _Merger(before, new, schema, fresh, files or {})
    parts: dict[str, Any] = {"tables": merger.tables(), "rules": merger.rules()}
    parts |= {"fingerprints": merger.fingerprints, "rule_fingerprints": merger.rule_fingerprints}
    merged = merger.old.model_copy(update=parts)
    return merged, Changes(tuple(merger.changes), tuple(merger.kept))


def columns_of_file(
    schema: Schema, table: Table, rows: Rows | None, files: Mapping[str, str] | None = None
) -> frozenset[str]:
    """The table's columns that stand in the file of its rows; none where there is no such file, or none legible."""
    if not isinstance(rows, FileRows):
        return frozenset()
    try:
        sheet, _ = read_sheet(read_beside(schema.project.root, rows.file, files), rows.file)
    except BesideError:
        return frozenset()
    found = (table.column(name.strip()) for name in sheet.header)
    return frozenset(column.name for column in found if column)


def without_columns_of_file(entry: TableEntry, in_file: Collection[str]) -> TableEntry:
    """The entry without those columns that stand in the table's file, but for keys: they say where these lead."""
    columns = {
        name: column
        for name, column in entry.columns.items()
        if name not in in_file or isinstance(column.generator, kinds.ForeignKey | kinds.DateKey)
    }
    return entry.model_copy(update={"columns": columns})


@dataclass(slots=True)
class _Merger:
    old: Plan
    new: Plan
    schema: Schema
    fresh: bool
    files: Mapping[str, str]
    changes: list[Change] = field(default_factory=list)
    kept: list[Change] = field(default_factory=list)
    fingerprints: dict[str, dict[str, str]] = field(default_factory=dict)
    rule_fingerprints: tuple[str, ...] = ()

    def tables(self) -> dict[str, TableEntry]:
        merged: dict[str, TableEntry] = {}
        before = {name.casefold(): name for name in self.old.tables}
        for table in self.schema:
            proposed = self.new.tables.get(table.name)
            known = before.pop(table.name.casefold(), None)
            if proposed is not None:
                merged[table.name] = self._table(table, known, proposed)
            elif known is not None:
                self._leave(table.name, known, merged, "the project makes its rows now")
        for name in before.values():
            self._leave(name, name, merged, "the project no longer documents it")
        return merged

    def _leave(self, name: str, known: str, merged: dict[str, TableEntry], reason: str) -> None:
        """A table that is no longer generated leaves, unless it never was: then a person wrote it, perhaps a typo."""
        by_person = bool(self.old.fingerprints) or self.old.author(known) is Author.USER
        if known not in self.old.fingerprints and by_person:
            merged[name] = self.old.tables[known]
            return
        self.changes.append(Change(ChangeKind.REMOVED, name, None, reason))

    def _table(self, table: Table, known: str | None, proposed: TableEntry) -> TableEntry:
        prints = self.fingerprints.setdefault(table.name, {})
        if known is None:
            proposed = without_columns_of_file(proposed, columns_of_file(self.schema, table, proposed.rows, self.files))
            count = len(proposed.columns)
            reason = f"new, with {count} column{'' if count == 1 else 's'}"
            self.changes.append(Change(ChangeKind.ADDED, table.name, None, reason))
            prints[TABLE] = self._print(table, None, proposed)
            for name, planned in proposed.columns.items():
                prints[name] = self._print(table, table.column(name), planned)
            return proposed
        entry = self.old.tables[known]
        printed = {name.casefold(): text for name, text in self.old.fingerprints.get(known, {}).items()}
        head = self._head(table, entry, proposed, printed.get(TABLE), prints)
        in_file = columns_of_file(self.schema, table, head.rows, self.files)
        proposed = without_columns_of_file(proposed, in_file)
        columns = {}
        before = {name.casefold(): name for name in entry.columns}
        for column in table.columns:
            old_name = before.pop(column.name.casefold(), None)
            old = entry.columns[old_name] if old_name else None
            print_of_old = printed.get(column.name.casefold())
            author = self.old.author(known, old_name) if old_name else proposed.by
            chosen = self._column(
                table, column, old, author, proposed, print_of_old, prints, in_file=column.name in in_file
            )
            if chosen is not None:
                columns[column.name] = _signed(chosen[0], chosen[1], head.by)
        for name in before.values():
            if name.casefold() not in printed and (printed or self.old.author(known, name) is Author.USER):
                columns[name] = entry.columns[name]
                continue
            reason = "the project no longer documents it"
            self.changes.append(Change(ChangeKind.REMOVED, table.name, name, reason))
        return head.model_copy(update={"columns": columns})

    def _head(
        self, table: Table, old: TableEntry, new: TableEntry, printed: str | None, prints: dict[str, str]
    ) -> TableEntry:
        """The table's own entry, without its columns."""
        facts = facts_of(self.schema, table, None, old)
        verdict = self._verdict(old, new, _authors_of_head(old, new), facts, printed, self._lost_table(old))
        if isinstance(old.rows, FileRows) and not is_authors(
            self.schema.project.root, old.rows.file, self.old.file_fingerprints
        ):
            verdict = False, _EDITED  # The entry's rows stand in the file.
        kind = self._note(table.name, None, old, new, verdict)
        chosen = new if verdict[0] else old
        prints[TABLE] = printed if kind is ChangeKind.KEPT and printed else self._print(table, None, chosen)
        if kind is ChangeKind.KEPT and not printed:
            del prints[TABLE]
        return old.model_copy(update={name: getattr(chosen, name) for name in ("by", "rows", "history", "lifecycle")})

    def _column(
        self, table: Table, column: Column, old: ColumnEntry | None, author: Author, proposed: TableEntry,
        printed: str | None, prints: dict[str, str], *, in_file: bool,
    ) -> tuple[ColumnEntry, Author] | None:  # fmt: skip
        """The entry that one column gets, and who wrote it; None when it needs none."""
        new = proposed.columns.get(column.name)
        if old is None:
            if new is None:
                return None
            self.changes.append(Change(ChangeKind.ADDED, table.name, column.name, "new", after=written(new)))
            prints[column.name] = self._print(table, column, new)
            return new, new.by or proposed.by
        if new is None:
            if author is Author.USER or (printed and not printed.endswith(text_of(old))):
                return old, author
            reason = "its values stand in a file" if in_file else "the project itself settles it now"
            self.changes.append(Change(ChangeKind.REMOVED, table.name, column.name, reason, before=written(old)))
            return None
        facts = facts_of(self.schema, table, column, old)
        authors = (author, new.by or proposed.by)
        verdict = self._verdict(old, new, authors, facts, printed, self._lost(table, old))
        kind = self._note(table.name, column.name, old, new, verdict)
        if kind is ChangeKind.KEPT:
            if printed:
                prints[column.name] = printed
            return old, author
        chosen = new if verdict[0] else old
        prints[column.name] = self._print(table, column, chosen)
        return chosen, authors[1] if verdict[0] else author

    def _print(self, table: Table, column: Column | None, entry: TableEntry | ColumnEntry) -> str:
        return f"{facts_of(self.schema, table, column, entry)}.{text_of(entry)}"

    def _verdict(
        self, old: Any, new: Any, authors: tuple[Author, Author], facts: str, printed: str | None, lost: str | None
    ) -> tuple[bool, str]:
        """Whether the new entry replaces the old one, and why (not); `authors` are theirs, in that order."""
        if authors[0] is Author.USER:
            return False, "a person wrote it"
        if printed is None or not printed.endswith(f".{text_of(old)}"):
            return False, _EDITED
        if lost:
            return True, lost
        if self.fresh:
            return True, "planned afresh"
        changed = what_changed(printed, facts)
        if changed:
            return True, changed
        if authors == _UPGRADE:
            return True, "the LLM decided it"
        if authors[1] is Author.LLM and _draws_from_pool(new) and not _draws_from_pool(old):
            return True, "an LLM wrote texts for it"
        return False, ""

    def _note(self, table: str, column: str | None, old: Any, new: Any, verdict: tuple[bool, str]) -> ChangeKind | None:
        """Writes down what becomes of an entry; None where there is nothing to say."""
        replaced, reason = verdict
        if not reason:
            return None
        kind, found = (ChangeKind.CHANGED, self.changes) if replaced else (ChangeKind.KEPT, self.kept)
        differing = list(_differing(old, new))
        found += [Change(kind, table, column, reason, before, after, part) for part, before, after in differing]
        return kind if differing or not replaced else None

    def rules(self) -> tuple[RuleEntry, ...]:
        """A person's rules stay; an author's stay for as long as the project says their sentence."""
        said = {sentence.key for sentence in self.schema.rules if not sentence.rule}
        printed = self.old.rule_fingerprints
        of_person = [entry for entry in self.old.rules if text_of_rule(entry) not in printed or entry.by is Author.USER]
        settled = {entry.key for entry in of_person}
        by_author = _by_sentence(entry for entry in self.old.rules if entry not in of_person and entry.key in said)
        proposed = _by_sentence(entry for entry in self.new.rules if entry.key not in settled)
        chosen = proposed | {
            key: entries
            for key, entries in by_author.items()
            if not (key in proposed and (self.fresh or (entries[0].by, proposed[key][0].by) == _UPGRADE))
        }
        mine = [entry for entries in chosen.values() for entry in entries]
        merged = [entry for entry in self.old.rules if entry in of_person or entry in mine]
        merged += [entry for entry in mine if entry not in merged]
        for entry in self.old.rules:
            if entry not in merged:
                reason = "another rule says it now" if entry.key in chosen else "the project no longer says so"
                self.changes.append(Change(ChangeKind.REMOVED, entry.table or "rules", None, reason, str(entry.rule)))
        for entry in merged:
            if entry not in self.old.rules:
                reason = f"the project says: {entry.says}"
                self.changes.append(
                    Change(ChangeKind.ADDED, entry.table or "rules", None, reason, None, str(entry.rule))
                )
        self.rule_fingerprints = tuple(text_of_rule(entry) for entry in mine)
        return tuple(merged)

    def _lost(self, table: Table, entry: ColumnEntry) -> str | None:
        """What an entry speaks of that is no longer there."""
        for name in _tables_of(entry.generator):
            if not self._has_table(name):
                return f"{name} is no longer there"
        for name in _columns_of(entry):
            if "." not in name and table.column(name) is None and not self._has_table(name):
                return f"{table.name}.{name} is no longer there"
        return None

    def _lost_table(self, entry: TableEntry) -> str | None:
        parent = getattr(entry.rows, "parent", None)
        return f"{parent} is no longer there" if parent and not self._has_table(parent) else None

    def _has_table(self, name: str) -> bool:
        """Also a source table by its name alone, the entities of a history, and tables by a column that leads there."""
        folded = name.partition(":")[0].casefold()
        return any(folded in (key, key.rpartition(".")[2]) for key in (table.name.casefold() for table in self.schema))


def _differing(old: TableEntry | ColumnEntry, new: TableEntry | ColumnEntry) -> Iterator[tuple[str | None, str, str]]:
    """What differs between two entries: which part, and how it is written before and after."""
    if isinstance(old, ColumnEntry) or isinstance(new, ColumnEntry):
        if written(old) != written(new):
            yield None, written(old), written(new)
        return
    before, after = _parts(old), _parts(new)
    for part in dict.fromkeys((*before, *after)):
        if before.get(part) != after.get(part):
            yield part, in_one_line(before.get(part)), in_one_line(after.get(part))


def _parts(entry: TableEntry) -> dict[str, Any]:
    """A table's own entry by its parts, a process by its keys."""
    parts = {"rows": plain(entry.rows)}
    for name in ("history", "lifecycle"):
        process = plain(getattr(entry, name)) or {}
        parts |= {f"{name}.{key}": value for key, value in process.items()}
    return parts


def _by_sentence(entries: Iterable[RuleEntry]) -> dict[str, list[RuleEntry]]:
    """The rules by the sentence that they stand for."""
    found: dict[str, list[RuleEntry]] = {}
    for entry in entries:
        found.setdefault(entry.key, []).append(entry)
    return found


def _authors_of_head(old: TableEntry, new: TableEntry) -> tuple[Author, Author]:
    """The authors of two table entries: those of the rows, or of the process where these say more."""
    rows, processes = (old.by, new.by), (old.process_author, new.process_author)
    telling = [pair for pair in (rows, processes) if pair[0] is Author.USER or pair == (Author.BASELINE, Author.LLM)]
    return min(telling, key=lambda pair: pair[0] is not Author.USER, default=rows)


def _signed(entry: ColumnEntry, author: Author, table_author: Author) -> ColumnEntry:
    """The entry with its author, who is left out where he is the table's."""
    return entry.model_copy(update={"by": None if author is table_author else author})


def _draws_from_pool(entry: Any) -> bool:
    return isinstance(entry, ColumnEntry) and isinstance(entry.generator, kinds.Pool)


def _tables_of(generator: kinds.Generator) -> Iterator[str]:
    match generator:
        case kinds.ForeignKey(parent=name) | kinds.DateKey(parent=name):
            yield name
        case kinds.Version(table=name) | kinds.Rollup(table=name):
            yield name
        case kinds.During(lifecycle=name) | kinds.Lifecycle(lifecycle=name):
            yield name


def _columns_of(entry: ColumnEntry) -> Iterator[str]:
    generator: Mapping[str, Any] | Any = entry.generator
    for name in ("column", "of", "at", "via"):
        if not isinstance(generator, kinds.ForeignKey | kinds.Rollup | kinds.Version) or name in ("at", "via"):
            named = getattr(generator, name, None)
            if isinstance(named, str):
                yield named
    if isinstance(entry.generator, kinds.Pool):
        yield from entry.generator.by
    if entry.varies_by:
        yield entry.varies_by

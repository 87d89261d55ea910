"""What became of a business rule: built in or checked, with all that a check of it needs to know."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from seedbed.errors import NOWHERE, Location
from seedbed.plan.rules import Children, Rule, SumOfChildren


@dataclass(frozen=True, slots=True)
class Step:
    """From a row to a parent's: the columns that carry the key, and the parent's that they refer to."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A parent's value that SQL over a row reads: `path`, as it is written there, over `steps` to `column`."""

    path: str
    steps: tuple[Step, ...]
    column: str


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL over one row in canonical form: columns of the row, and quoted paths, which `reads` explains."""

    sql: str
    needs: tuple[str, ...]
    """All columns and paths that it names."""
    reads: tuple[Read, ...] = ()


class Standing(enum.StrEnum):
    """What becomes of a rule. One that is neither is refused, with an error."""

    BUILT_IN = "built in"
    CHECKED = "checked"


@dataclass(frozen=True, slots=True)
class RulePromise:
    """A typed business rule about the rows of a table.

    `rule` names tables and columns as they are spelled; `conditions` are its SQL arguments by their names.
    `key` leads from the child's rows to this table's, in a rule about children.
    """

    says: str
    rule: Rule
    standing: Standing
    how: str
    """By what it is built in, or why it is only checked; for people."""
    origin: Location = NOWHERE
    """Where the typed rule stands."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    key: Step | None = None
    sentence: Location = NOWHERE
    """Where the sentence stands, if not at `origin`."""

    @property
    def named(self) -> str:
        """As messages name it: sentence, rule, and where the sentence stands."""
        place = f" of {self.sentence.short}" if self.sentence.short else ""
        return f'the rule "{self.says}" ({self.rule}){place}'

    @property
    def spoken(self) -> str:
        """The sentence and the rule, or the rule where it has no sentence."""
        return self.says if self.says == str(self.rule) else f"{self.says}: {self.rule}"

    @property
    def tables(self) -> tuple[str, ...]:
        """The other tables that it reads."""
        reads = [read for condition in self.conditions.values() for read in condition.reads]
        found = [step.parent for read in reads for step in read.steps]
        if isinstance(self.rule, Children | SumOfChildren):
            found.append(self.rule.table)
        elif self.key:
            found.append(self.key.parent)
        return tuple(dict.fromkeys(found))

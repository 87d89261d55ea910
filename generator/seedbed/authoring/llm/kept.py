"""What is said of entries that keep the baseline author's."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.authoring.llm.trial import path_of
from seedbed.authoring.llm.undecided import Place
from seedbed.errors import Diagnostic, Location, Severity

_SHOWN = 5


def kept_for(places: Sequence[Place], reason: str) -> Diagnostic:
    """One warning for all entries that keep the baseline's for the same reason."""
    names = [f"{table}.{column}" if column else f"the rows of {table}" for table, column in places]
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    verb = "keeps its" if len(names) == 1 and places[0][1] else "keep their"
    message = f"{shown} {verb} baseline {'entry' if len(names) == 1 else 'entries'}: {reason}"
    return Diagnostic("baseline-kept", message, Location(path=path_of(places[0])), Severity.WARNING)

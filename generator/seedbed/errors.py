"""What Seedbed says when something is wrong.

SeedbedError                 catch this for anything Seedbed can say
├─ ProjectError              the dbt project could not be read into a Schema
├─ PlanError                 the plan does not fit the Schema
├─ AuthoringError            no valid plan was authored
│  ├─ ProviderError          the LLM could not be reached or refused
│  └─ AttemptsExhausted      every answer was invalid
├─ GenerationError           a resolved plan could not be carried out
├─ SinkError                 the output could not be written
└─ CheckFailed               the written output breaks a promise

Rooms collect `Diagnostic`s; whoever calls them raises once, with all of them.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SHOWN_AT_MOST = 20

STOPPED = "Stopped; files are as they were before."
"""What a person reads who pressed Ctrl-C."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as of shells: 128 and the signal's number."""


class Severity(enum.StrEnum):
    """How bad a diagnostic is; only `ERROR` stops the run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the project: file relative to its root, 1-based line and column, path inside the document."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return place or (self.path or "")

    @property
    def short(self) -> str:
        """File and line only, for naming a second place inside a message."""
        return ":".join(str(part) for part in (self.file, self.line) if part is not None)


NOWHERE = Location()


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem in the input.

    `code` is a readable slug that tests and people can search for; `message` says what is wrong, with the
    value, and what was expected; `hint` says what to do.
    """

    code: str
    message: str
    location: Location = NOWHERE
    severity: Severity = Severity.ERROR
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.location}: " if str(self.location) else ""
        path = self.location.path
        subject = f" {path}" if path and self.location.file else ""
        text = f"{where}{self.severity} [{self.code}]{subject}\n  {self.message}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, object]:
        """The JSON form: for `--log-format json`, and to send back to an LLM that wrote the faulty text."""
        fields: dict[str, object] = {
            "severity": str(self.severity),
            "code": self.code,
            "message": self.message,
            "file": self.location.file,
            "line": self.location.line,
            "column": self.location.column,
            "path": self.location.path,
            "hint": self.hint,
        }
        return {name: value for name, value in fields.items() if value is not None}


def render_diagnostics(diagnostics: Iterable[Diagnostic], limit: int = SHOWN_AT_MOST) -> str:
    """The diagnostics as text, at most `limit` of them, worst first, then "... and N more"."""
    order = list(Severity)
    ranked = sorted(diagnostics, key=lambda found: order.index(found.severity))
    shown = [str(found) for found in ranked[:limit]]
    if len(ranked) > limit:
        shown.append(f"... and {len(ranked) - limit} more")
    return "\n".join(shown)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of the diagnostics must stop the run."""
    return any(found.severity is Severity.ERROR for found in diagnostics)


def closest(word: str, known: Iterable[str], ask: str = "did you mean {}?") -> str | None:
    """A hint that names the known word most like `word`, or None when nothing is close.

    One whose last part it is comes first, as `workshop.repairs` for `repairs`.
    """
    by_folded = {candidate.casefold(): candidate for candidate in known}
    last_part = f".{word.casefold()}"
    matches = [folded for folded in by_folded if folded.endswith(last_part)] or difflib.get_close_matches(
        word.casefold(), by_folded, n=1, cutoff=0.6
    )
    return ask.format(by_folded[matches[0]]) if matches else None


@dataclass(eq=False)
class SeedbedError(Exception):
    """Anything that Seedbed can say. `diagnostics` holds all that was found, not only the first."""

    message: str = ""
    diagnostics: Sequence[Diagnostic] = field(default=())

    def __str__(self) -> str:
        parts = [self.message] if self.message else []
        if self.diagnostics:
            parts.append(render_diagnostics(self.diagnostics))
        return "\n".join(parts)


class ProjectError(SeedbedError):
    """The dbt project could not be read into a Schema."""


class PlanError(SeedbedError):
    """The plan does not fit the Schema."""


class AuthoringError(SeedbedError):
    """No valid plan was authored."""


class ProviderError(AuthoringError):
    """The LLM could not be reached or refused; the SDK's exception is `__cause__`."""


class AttemptsExhausted(AuthoringError):
    """Every answer of the LLM was invalid; `diagnostics` belong to the last one."""


class GenerationError(SeedbedError):
    """A resolved plan could not be carried out: a limit was reached, or Seedbed has a bug."""


class SinkError(SeedbedError):
    """The output could not be written; what was there before is untouched."""


class CheckFailed(SeedbedError):
    """The written output breaks a promise."""


class SeedbedWarning(UserWarning):
    """A problem that did not stop a run, where there is no terminal to tell it to: in a notebook or a script."""

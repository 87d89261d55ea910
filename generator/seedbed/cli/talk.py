"""How a command speaks to the person at the terminal, or to a program that reads its lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import click
from rich.console import Console

from seedbed.errors import Diagnostic, SeedbedError, Severity
from seedbed.plan.stated import UNENFORCED
from seedbed.progress import Bar, CallBar, Quiet, Watcher


@dataclass(frozen=True, slots=True)
class Talk:
    """How the run speaks to the person: to the terminal, or as one JSON object a line.

    Rules that nothing enforces are listed by the commands that are about rules, with `lists_rules`; others count them,
    as all count notes.
    """

    quiet: bool
    as_json: bool
    lists_rules: bool = False
    _told: set[Diagnostic] = field(default_factory=set)
    _counted: set[Diagnostic] = field(default_factory=set)

    @property
    def out(self) -> Console:
        # Lines for a file or another program are not folded at the width of a terminal that is not there.
        width = None if sys.stdout.isatty() else 160
        return Console(highlight=False, width=width)

    def say(self, text: str = "", **fields: object) -> None:
        """Tells something that is not a problem; `fields` are its parts, for the JSON form."""
        if self.as_json:
            click.echo(json.dumps({"message": text, **fields}, default=str))
        elif not self.quiet:
            self.out.print(text, markup=False, soft_wrap=True)

    def hint(self, text: str) -> None:
        """Tells a person something beside the output proper, which may go into a file."""
        if not self.quiet and not self.as_json:
            click.echo(text, err=True)

    def report(self, diagnostics: Sequence[Diagnostic], *, notes: bool = False) -> None:
        """Tells of problems that did not stop the run, each once, and of none to a person who wants quiet.

        Notes are only counted unless asked for. What to do stands only at the first of those with the same cure.
        """
        for found in diagnostics:
            is_rule = found.code in UNENFORCED and not self.lists_rules and not self.as_json
            if is_rule or (found.severity is Severity.NOTE and not notes):
                self._counted.add(found)
            elif found not in self._told and not self.quiet:
                cured = any(found.hint == other.hint for other in self._told)
                self._told.add(found)
                shown = replace(found, hint=None) if cured else found
                click.echo(json.dumps(found.as_dict()) if self.as_json else str(shown), err=True)

    def finish(self) -> None:
        """Says how much was not told."""
        rules = {found.message.partition('": ')[0] for found in self._counted if found.code in UNENFORCED}
        notes = len(self._counted) - sum(found.code in UNENFORCED for found in self._counted)
        if rules:
            self.hint(f"nothing enforces {spoken_count(len(rules), 'rule')}; `seedbed explain` says which")
        if notes:
            self.hint(f"{spoken_count(notes, 'note')}; --notes shows {'them' if notes > 1 else 'it'}")

    def fail(self, error: SeedbedError) -> None:
        if not self.as_json:
            # What did not stop the run can wait until what did is mended.
            stopping = [found for found in error.diagnostics if found.severity is Severity.ERROR]
            click.echo(f"Error: {SeedbedError(error.message, stopping or error.diagnostics)}", err=True)
            return
        if error.message:
            click.echo(json.dumps({"severity": "error", "message": error.message}), err=True)
        for found in error.diagnostics:
            click.echo(json.dumps(found.as_dict()), err=True)

    def watcher(self) -> Watcher:
        return Quiet() if self._has_no_bar else Bar()

    @contextmanager
    def caller(self, calls: int) -> Iterator[Callable[[str], None]]:
        """Is told of each call to an LLM, a line at a time: shown as a bar in a terminal, else as they come."""
        if self._has_no_bar:
            yield self.say
            return
        with CallBar(calls) as bar:
            yield bar

    @property
    def _has_no_bar(self) -> bool:
        return self.quiet or self.as_json or not sys.stderr.isatty()


def spoken_count(count: int, what: str) -> str:
    """`1 table`, `2 tables`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"

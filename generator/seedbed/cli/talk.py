"""How a command speaks to the person at the terminal, or to a program that reads its lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
from rich.console import Console

from seedbed.errors import Diagnostic, SeedbedError, Severity
from seedbed.progress import Bar, CallBar, Quiet, Watcher


@dataclass(frozen=True, slots=True)
class Talk:
    """How the run speaks to the person: to the terminal, or as one JSON object a line."""

    quiet: bool
    as_json: bool

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
        """Tells of problems that did not stop the run. Notes are only counted unless asked for, and never told to
        a person who wants quiet."""
        notes = notes and not self.quiet
        shown = [found for found in diagnostics if notes or found.severity is not Severity.NOTE]
        for found in shown:
            click.echo(json.dumps(found.as_dict()) if self.as_json else str(found), err=True)
        hidden = len(diagnostics) - len(shown)
        if hidden and not self.quiet and not self.as_json:
            click.echo(f"{spoken_count(hidden, 'note')}; --notes shows {'them' if hidden > 1 else 'it'}", err=True)

    def fail(self, error: SeedbedError) -> None:
        if not self.as_json:
            click.echo(f"Error: {error}", err=True)
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

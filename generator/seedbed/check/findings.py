"""What a check found, as data and as text."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Status(enum.StrEnum):
    """How a promise stands. With no row to look at it is neither kept nor broken."""

    PASSED = "passed"
    FAILED = "failed"
    NOTHING = "nothing to check"


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise about one table, held against what was written.

    `rows_checked` counts what the promise is about: rows, or the parents or entities that it speaks of.
    `violations` counts those that break it, of which `examples` are a few.
    """

    promise: str
    table: str
    columns: tuple[str, ...]
    rows_checked: int
    violations: int
    status: Status
    examples: tuple[Mapping[str, Any], ...] = ()
    hint: str | None = None


def render_findings(findings: Sequence[Finding], *, failed_only: bool = False) -> str:
    """The findings as a table of text, each failed one with its examples below it, and a line that counts them."""
    shown = [found for found in findings if found.status is Status.FAILED or not failed_only]
    cells = [
        (str(found.status), found.table, found.promise, f"{found.rows_checked:,}", f"{found.violations:,}")
        for found in shown
    ]
    heading = ("status", "table", "promise", "checked", "violations")
    widths = [max(map(len, column)) for column in zip(heading, *cells, strict=True)]
    lines = [_line(heading, widths)]
    for found, row in zip(shown, cells, strict=True):
        lines.append(_line(row, widths))
        lines += [
            "    " + ", ".join(f"{name} = {value}" for name, value in example.items()) for example in found.examples
        ]
        if found.hint:
            lines.append(f"    hint: {found.hint}")
    counted = {status: sum(found.status is status for found in findings) for status in Status}
    lines.append(", ".join(f"{count} {status}" for status, count in counted.items()))
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    *words, checked, violations = cells
    left = [cell.ljust(width) for cell, width in zip(words, widths, strict=False)]
    return "  ".join([*left, checked.rjust(widths[-2]), violations.rjust(widths[-1])]).rstrip()

"""The progress bars of long work: rows being made, and calls to an LLM."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from seedbed.plan.resolved import ResolvedTable


class Watcher:
    """Is told of each batch that was made: the table, its rows so far, and which share of it is done."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        return None

    def __call__(self, table: ResolvedTable, rows: int, share: float) -> None:
        raise NotImplementedError


class Quiet(Watcher):
    """Shows nothing."""

    def __call__(self, table: ResolvedTable, rows: int, share: float) -> None:
        return None


class CallBar:
    """One line on the standard error stream: what the latest call is about, and how many of the calls have begun.

    Args:
        calls: how many calls are expected; repairs and smaller portions come on top.
        console: where it is drawn.
    """

    def __init__(self, calls: int, console: Console | None = None) -> None:
        self._progress = Progress(
            BarColumn(),
            TextColumn("call {task.completed:.0f} of {task.total:.0f}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("", total=calls)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, line: str) -> None:
        task = self._progress.tasks[self._task]
        begun = task.completed + 1
        self._progress.update(
            self._task, description=escape(line), completed=begun, total=max(begun, task.total or 0), refresh=True
        )


class Bar(Watcher):
    """One line for each table, on the standard error stream: rows, rows a second, time left."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            TextColumn("{task.fields[rows]:>13,} rows"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, table: ResolvedTable, rows: int, share: float) -> None:
        if table.name not in self._tasks:
            self._tasks[table.name] = self._progress.add_task(table.name, total=1.0, rows=0, speed="")
        task = self._tasks[table.name]
        elapsed = self._progress.tasks[task].elapsed or 0
        speed = f"{rows / elapsed:,.0f}/s" if elapsed > 0.5 else ""
        self._progress.update(task, completed=share, rows=rows, speed=speed)

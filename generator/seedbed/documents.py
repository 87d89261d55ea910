"""Data with places: every value knows the file, line and column that it was read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seedbed.errors import Location

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A value read from YAML, with the place of each value inside it.

    `value` is plain Python data (dict, list, str, int, float, bool, date, None).
    """

    value: Any
    file: str
    path: Path = ()
    _marks: Mapping[Path, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)

    def location(self, *path: str | int) -> Location:
        """The place of the value at `path` below this one, or of its nearest ancestor that has one."""
        full = self.path + path
        spoken = ".".join(str(part) for part in full) or None
        for length in range(len(full), -1, -1):
            mark = self._marks.get(full[:length])
            if mark:
                return Location(self.file, mark[0], mark[1], spoken)
        return Location(self.file, path=spoken)

    def at(self, *path: str | int) -> Document:
        """The part of the document at `path`; its value is None where there is none."""
        value = self.value
        for part in path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                value = None
        return Document(value, self.file, self.path + path, self._marks)

    def with_value(self, value: Any) -> Document:
        """The same place holding another value, for example after Jinja was rendered."""
        return Document(value, self.file, self.path, self._marks)

    def items(self) -> Iterator[tuple[str, Document]]:
        """The entries of a mapping, each with its own place; nothing when this is no mapping."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield str(key), self.at(key)

    def places(self) -> Iterator[tuple[Path, int]]:
        """Every path of the file that was read, with its line, from the top down."""
        yield from ((path, mark[0]) for path, mark in self._marks.items())

    def elements(self) -> Iterator[Document]:
        """The elements of a list, each with its own place; nothing when this is no list."""
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                yield self.at(index)

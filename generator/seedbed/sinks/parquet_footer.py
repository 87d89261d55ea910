"""Puts Parquet files of one schema one behind the other, as the row groups of one file, without a look at their pages.

The pages of a file stand between its first four bytes and its footer, and nothing in them says where in the file they
are. Only the footer does, by numbers that are moved on here; all else in it is copied as it stands, known or not.
Numbers of fields and types below are those of

- the footer: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, `FileMetaData`;
- its encoding: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import pyarrow as pa

MAGIC = b"PAR1"
_LENGTH = 4
"""Bytes of the footer's length, which stands between it and the magic at the end."""

Edit: TypeAlias = Callable[[int], int] | Mapping[int, Any]
"""What becomes of a number; or of a struct, or each struct of a list, an Edit by the number of a field."""


class JoinedFile:
    """A Parquet file that is made of others.

    Args:
        write: takes the file's bytes, in order.
        empty: a Parquet file of the same schema without any row: how the file looks when nothing is appended.

    Attributes:
        rows: how many it has so far.
    """

    def __init__(self, write: Callable[[bytes | memoryview], None], empty: pa.Buffer) -> None:
        self._write = write
        self._head, self._between, self._tail = _around_row_groups(_footer(empty))
        self._groups: list[bytes] = []
        self._size = len(MAGIC)
        self.rows = 0
        write(MAGIC)

    def append(self, part: pa.Buffer) -> None:
        """Adds the row groups of a Parquet file that is in memory.

        Raises:
            ValueError: its schema is another, or it has a page index, inside which there are places too.
        """
        footer = _footer(part)
        reader = _Reader(footer)
        reader.expect(self._head)
        rows = reader.number()
        reader.expect(self._between)
        by = self._size - len(MAGIC)
        groups = [reader.edited(_moves(by, len(self._groups) + place)) for place, _ in enumerate(reader.elements())]
        reader.expect(self._tail)
        pages = memoryview(part)[len(MAGIC) : -len(footer) - _LENGTH - len(MAGIC)]
        self._write(pages)
        self._size += len(pages)
        self._groups += groups
        self.rows += rows

    def close(self) -> None:
        """Writes the footer."""
        groups = _list_header(len(self._groups), _STRUCT) + b"".join(self._groups)
        footer = b"".join((self._head, _number(self.rows), self._between, groups, self._tail))
        self._write(footer + len(footer).to_bytes(_LENGTH, "little") + MAGIC)


def _footer(file: pa.Buffer) -> bytes:
    view = memoryview(file)
    end = len(view) - len(MAGIC) - _LENGTH
    return bytes(view[end - int.from_bytes(view[end : end + _LENGTH], "little") : end])


def _around_row_groups(footer: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands in FileMetaData before the number of rows, between it and the list of row groups, and behind that."""
    spans, reader = {}, _Reader(footer)
    for field, kind in reader.fields():
        start = reader.at
        reader.skip(kind)
        spans[field] = start, reader.at
    (rows, behind_rows), (groups, behind_groups) = spans[3], spans[4]  # num_rows, row_groups
    return footer[:rows], footer[behind_rows:groups], footer[behind_groups:]


def _moves(by: int, ordinal: int) -> Edit:
    """For a RowGroup: whatever counts from the beginning of the file, and which of the file's groups it is."""

    def move(place: int) -> int:
        return place + by if place else 0  # where the magic stands nothing else does: 0 means that there is none

    def refuse(_: int) -> int:
        raise ValueError("a part of a Parquet file has a page index")

    # data_page_offset, index_page_offset, dictionary_page_offset, bloom_filter_offset
    column = {9: move, 10: move, 11: move, 14: move}
    # file_offset, meta_data, offset_index_offset, column_index_offset
    chunk = {2: move, 3: column, 4: refuse, 6: refuse}
    # columns, file_offset, ordinal
    return {1: chunk, 5: move, 7: lambda _: ordinal}


# --- Thrift's compact protocol -------------------------------------------------------------------------------------

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_SIZES = {_TRUE: 0, _FALSE: 0, _BYTE: 1, _DOUBLE: 8}


class _Reader:
    """Goes through a struct from its beginning; `at` is where it is."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field of a struct, whose value must be read or skipped before the next."""
        number = 0
        while header := self._byte():
            number = number + (header >> 4) if header >> 4 else self.number()
            yield number, header & 15

    def elements(self) -> Iterator[int]:
        """The type of each element of a list, which must be read or skipped before the next."""
        header = self._byte()
        count, kind = header >> 4, header & 15
        if count == 15:
            count = self._varint()
        for _ in range(count):
            yield _BYTE if kind in (_TRUE, _FALSE) else kind  # a field's header holds its boolean, a list's does not

    def number(self) -> int:
        """An integer of 16, 32 or 64 bits."""
        zigzag = self._varint()
        return zigzag >> 1 ^ -(zigzag & 1)

    def skip(self, kind: int) -> None:
        """Passes a value; there are no sets and maps in footers."""
        if kind in (_I16, _I32, _I64):
            self._varint()
        elif kind == _BINARY:
            size = self._varint()
            self.at += size
        elif kind == _STRUCT:
            for _, held in self.fields():
                self.skip(held)
        elif kind == _LIST:
            for held in self.elements():
                self.skip(held)
        else:
            self.at += _SIZES[kind]

    def expect(self, text: bytes) -> None:
        """Passes this text.

        Raises:
            ValueError: there is another.
        """
        start, self.at = self.at, self.at + len(text)
        if self._data[start : self.at] != text:
            raise ValueError("the parts of a Parquet file differ in more than their row groups")

    def edited(self, edit: Edit) -> bytes:
        """The struct that begins here, with some of its numbers replaced."""
        copied, out = self.at, []

        def walk(edit: Edit, kind: int) -> None:
            nonlocal copied
            if callable(edit):
                out.append(self._data[copied : self.at])
                out.append(_number(edit(self.number())))
                copied = self.at
            elif kind == _LIST:
                for element in self.elements():
                    walk(edit, element)
            else:
                for field, held in self.fields():
                    if field in edit:
                        walk(edit[field], held)
                    else:
                        self.skip(held)

        walk(edit, _STRUCT)
        return b"".join((*out, self._data[copied : self.at]))

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) > 127:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift


def _number(value: int) -> bytes:
    """An integer of at most 64 bits."""
    return _varint(value << 1 ^ value >> 63)


def _list_header(count: int, kind: int) -> bytes:
    return bytes([count << 4 | kind]) if count < 15 else bytes([15 << 4 | kind]) + _varint(count)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)

"""A plan as YAML that a person likes to read in a diff: one line for each column, quotes only where needed."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from seedbed.documents import Document, Path
from seedbed.plan.spec import (
    Author,
    ColumnEntry,
    DateRows,
    Dwell,
    FileRows,
    FixedRows,
    Plan,
    RowsPer,
    RuleEntry,
    TableEntry,
)

HEADER = """\
# How Seedbed makes each table: one generator for each column that the project itself does not settle.
# Edit any line: what a person changed is never planned again. `by: user` says so for a whole table.
# `seedbed plan` adds what is new in the project; `seedbed explain TABLE` says where each decision came from.
"""

_PLAIN = re.compile(r"[A-Za-z_](?:[\w .,()'=+*/<>|&-]*[\w.()'=+*/<>|&-])?", re.ASCII)
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z_](?:[\w .()/<>=+-]*[\w.()])?", re.ASCII)
_MISREAD = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
"""Words that YAML 1.1, or a reader of it, takes for something else than text."""
_NOT_PRINTED = re.compile("[\x7f-\x9f\u00ad\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_WIDTH = 110

Comments = Mapping[Path, tuple[tuple[str, ...], str]]
"""By the path of an entry: the comment lines above it, and the comment at the end of its line."""


def render_plan(plan: Plan, comments: Comments | None = None) -> str:
    """The plan's YAML, which reads back to an equal plan, with a person's comments where they stood."""
    return "".join(_with_comments(_lines(plan), comments or {}))


def read_comments(text: str, document: Document) -> Comments:
    """A person's comments in a plan's text, by the entry that they stand above or beside.

    Args:
        text: the plan's text.
        document: what was read from it.
    """
    first_path: dict[int, Path] = {}
    for path, place in document.places():
        if path[:1] == ("rules",) and len(path) > 1 and isinstance(entry := document.at(*path[:2]).value, dict):
            path = (*_rule_path(entry), *path[2:])
        first_path.setdefault(place, path)
    found: dict[Path, tuple[tuple[str, ...], str]] = {}
    above: list[str] = []
    ours = frozenset(HEADER.splitlines())
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            if line not in ours:
                above.append(stripped)
        elif number in first_path:
            beside = _comment_beside(line)
            if above or beside:
                found[first_path[number]] = (tuple(above), beside)
            above = []
    if above:
        found[()] = (tuple(above), "")
    return found


def _comment_beside(line: str) -> str:
    quote = ""
    for index, character in enumerate(line):
        if quote:
            quote = "" if character == quote and not (quote == '"' and line[index - 1] == "\\") else quote
        elif character in "'\"" and (index == 0 or line[index - 1] in " {[,("):
            quote = character
        elif character == "#" and index and line[index - 1] == " ":
            return line[index:].strip()
    return ""


def _with_comments(lines: Iterator[tuple[Path, str]], comments: Comments) -> Iterator[str]:
    yield HEADER
    for path, line in lines:
        above, beside = comments.get(path, ((), ""))
        indent = " " * (len(line) - len(line.lstrip()))
        for comment in above:
            yield f"{indent}{comment}\n"
        yield f"{line}  {beside}\n" if beside else f"{line}\n"
    for comment in comments.get((), ((), ""))[0]:
        yield f"{comment}\n"


def _lines(plan: Plan) -> Iterator[tuple[Path, str]]:
    yield ("version",), f"version: {plan.version}"
    yield ("random_seed",), f"random_seed: {plan.random_seed}"
    yield ("start",), f"start: {plan.start}"
    yield ("as_of",), f"as_of: {plan.as_of}"
    if plan.locale != Plan.model_fields["locale"].default:
        yield ("locale",), f"locale: {plan.locale}"
    yield ("tables",), "tables:" if plan.tables else "tables: {}"
    for name, table in plan.tables.items():
        yield from _table(("tables", name), table)
    if plan.rules:
        yield ("rules",), "rules:"
        for entry in plan.rules:
            yield from _rule(plain(entry))
    if plan.fingerprints:
        yield ("fingerprints",), "fingerprints:"
        for name, prints in plan.fingerprints.items():
            yield ("fingerprints", name), f"  {scalar(name)}: {in_one_line(prints)}"
    if plan.rule_fingerprints:
        yield ("rule_fingerprints",), f"rule_fingerprints: {in_one_line(list(plan.rule_fingerprints))}"
    if plan.file_fingerprints:
        yield ("file_fingerprints",), "file_fingerprints:"
        for name, print_of_file in plan.file_fingerprints.items():
            yield ("file_fingerprints", name), f"  {scalar(name)}: {scalar(print_of_file)}"


def _table(path: Path, table: TableEntry) -> Iterator[tuple[Path, str]]:
    parts: dict[str, Any] = {}
    if table.by is not Author.USER:
        parts["by"] = table.by.value
    if table.rows is not None:
        parts["rows"] = plain(table.rows)
    for name in ("history", "lifecycle"):
        process = getattr(table, name)
        if process is not None:
            parts[name] = plain(process)
    for name in ("arrives", "deletes"):
        record = getattr(table, name)
        if record is not None:
            parts[name] = plain(record)
    if table.columns:
        parts["columns"] = {name: plain(column) for name, column in table.columns.items()}
    yield from _entry(path, parts, 1)


def _rule(entry: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """A rule on lines of its own: sentences are long."""
    path = _rule_path(entry)
    for index, (name, part) in enumerate(entry.items()):
        yield (*path, name) if index else path, f"  {' ' if index else '-'} {name}: {scalar(part)}"


def _rule_path(entry: dict[str, Any]) -> Path:
    """Under which a rule's comments are kept: rules come and go, so that their places in the list tell nothing."""
    return ("rules", *(str(entry.get(name)) for name in ("says", "table", "rule")))


def _entry(path: Path, value: Any, depth: int) -> Iterator[tuple[Path, str]]:
    """One key of a block: on its line if it is short, else its parts on lines of their own."""
    key = f"{'  ' * depth}{scalar(str(path[-1]))}:"
    is_block = isinstance(value, dict) and (depth < 2 or path[-1] in ("columns", "history", "lifecycle"))
    if isinstance(value, dict | list) and value:
        flow = f"{key} {in_one_line(value)}"
        if not is_block and len(flow) <= _WIDTH:
            yield path, flow
        elif isinstance(value, dict):
            yield path, key
            for name, part in value.items():
                yield from _entry((*path, name), part, depth + 1)
        else:
            yield path, key
            for index, part in enumerate(value):
                yield (*path, index), f"{'  ' * (depth + 1)}- {in_one_line(part)}"
    else:
        yield path, f"{key} {scalar(value)}" if not isinstance(value, dict | list) else f"{key} {in_one_line(value)}"


def plain(value: Any) -> Any:
    """An entry of the plan as dicts, lists and scalars, as a person would write it."""
    match value:
        case ColumnEntry():
            if value.varies_by is None and value.by is None:
                return str(value.generator)
            parts = {"generator": str(value.generator), "varies_by": value.varies_by, "by": value.by and value.by.value}
            return {name: part for name, part in parts.items() if part is not None}
        case RuleEntry():
            by = None if value.by is Author.USER else value.by.value
            parts = {"says": value.says, "table": value.table, "rule": str(value.rule), "by": by}
            return {name: part for name, part in parts.items() if part is not None}
        case FixedRows():
            return value.count
        case RowsPer() | DateRows() | FileRows():
            return str(value)
        case Dwell():
            return _dwell(value)
        case BaseModel():
            fields = type(value).model_fields
            given = {name: getattr(value, name) for name in fields if getattr(value, name) != fields[name].default}
            return {name: plain(part) for name, part in given.items()}
        case dt.datetime():
            return value.isoformat(" ")
        case dict():
            return {str(name): plain(part) for name, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
    return value


def _dwell(dwell: Dwell) -> dict[str, Any]:
    """As a person writes it: `{lognormal: {median: 3d, sigma: 0.8}}`."""
    arguments: dict[str, Any] = {}
    for name in ("value", "median", "mean", "min", "max"):
        seconds = getattr(dwell, name)
        if seconds is not None:
            arguments[name] = _duration(seconds)
    if dwell.sigma != Dwell.model_fields["sigma"].default:
        arguments["sigma"] = dwell.sigma
    return {dwell.distribution: arguments}


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s" if seconds == int(seconds) else f"{seconds:.12f}".rstrip("0") + "s"


def in_one_line(value: Any) -> str:
    """A plain value as YAML in flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(str(k), flow=True)}: {in_one_line(item)}" for k, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(in_one_line(item) for item in value) + "]"
    return scalar(value, flow=True)


def scalar(value: Any, *, flow: bool = False) -> str:
    """A scalar as YAML 1.1 and 1.2 both read it; text that either would misread, or Jinja render, in quotes."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    text = str(value)
    pattern = _PLAIN_IN_FLOW if flow else _PLAIN
    if pattern.fullmatch(text) and text.lower() not in _MISREAD:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    quoted = _NOT_PRINTED.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
    return re.sub(r"\{(?=[{%#])", r"\\u007b", quoted)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    text = repr(value)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")

"""Finds Mermaid diagrams in files and takes away what surrounds the diagram proper.

A diagram is a `.mmd` or `.mermaid` file, or a fence in a Markdown text: three or more backticks or tildes
with `mermaid` behind them (`{mermaid}` too), or `:::mermaid`; indented, quoted with `>`, or inside a dbt
`{% docs %}` block. A fence that stands inside another fence is an example of Markdown and no diagram.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

from seedbed.errors import Diagnostic, Location, ProjectError, Severity
from seedbed.yaml_text import read_yaml

Kind = Literal["er", "state", "other"]

_KINDS: dict[str, Kind] = {"erdiagram": "er", "statediagram": "state", "statediagram-v2": "state"}
_SPELLING = {"erdiagram": "erDiagram", "statediagram": "stateDiagram", "statediagram-v2": "stateDiagram-v2"}
_FENCE = re.compile(r"^(?P<indent>(?:[ \t]|>)*)(?P<mark>`{3,}|~{3,}|:{3,})[ \t]*(?P<info>.*)$")
_MERMAID_INFO = re.compile(r"^\{?\.?mermaid\b(?!-)", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A\s*^([ \t]*)---[ \t]*\n(.*?)^[ \t]*---[ \t]*$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*%%.*$", re.MULTILINE)
_KEYWORD = re.compile(r"\s*([A-Za-z][\w-]*)")
_LINE_BREAK = re.compile(r"\r\n?")
_LINE_MARK = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)
_ENTITY_CODE = re.compile(r"#(\d+|[A-Za-z]\w*);")


@dataclass(frozen=True, slots=True)
class Diagram:
    """The text of one Mermaid diagram and its place.

    `text` has `\\n` line ends and no fence; its first line is line `line` of `file`, and `indent` columns
    of fence indentation were taken off each of its lines. `keyword` is the diagram's first word as
    written, for naming a diagram of a kind that Seedbed does not read.
    """

    kind: Kind
    keyword: str
    text: str
    file: str
    line: int = 1
    name: str = ""
    indent: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()
    """What is wrong around the diagram: its fence, its front matter. The parsers pass it on."""

    def location(self, line: int, column: int | None = None) -> Location:
        """The place in the file of 1-based `line` and `column` of the text."""
        return Location(self.file, self.line + line - 1, column + self.indent if column else None)

    @property
    def body(self) -> str:
        """The text from behind the header word on, with all that Mermaid drops replaced by blanks.

        Front matter, directives, comment lines and the header go; lines and columns stay where they were.
        """
        text = _stripped(self.text)
        header = _KEYWORD.match(text)
        return text if header is None else _blank(header[0]) + text[header.end() :]


def find_diagrams(text: str, file: str) -> list[Diagram]:
    """All Mermaid diagrams of a file, in order; those of kinds that Seedbed does not read are `other`.

    Args:
        text: the file's content.
        file: its name relative to the project; the suffix decides whether the whole file is one diagram.
    """
    text = _LINE_BREAK.sub("\n", text.removeprefix("\ufeff"))
    path = PurePath(file)
    found = list(_fenced(text, file))
    if path.suffix.lower() in (".mmd", ".mermaid"):
        if found:
            fence = Diagnostic(
                "fence-in-diagram-file",
                "the file holds a Markdown fence, which Mermaid refuses here; the fenced diagrams were read",
                Location(file, max(1, found[0].line - 1)),
                Severity.WARNING,
                "delete the fence's lines, or name the file .md",
            )
            found[0] = replace(found[0], diagnostics=(fence, *found[0].diagnostics))
        elif text.strip():
            found = [Diagram("other", "", text, file)]
    return [_identified(diagram, path.stem) for diagram in found]


def warning(
    diagram: Diagram, code: str, message: str, line: int, column: int = 0, hint: str | None = None
) -> Diagnostic:
    """A warning about a line of the diagram."""
    return Diagnostic(code, message, diagram.location(line, column or None), Severity.WARNING, hint)


def error(diagram: Diagram, code: str, message: str, line: int, column: int = 0, hint: str | None = None) -> Diagnostic:
    """An error about a line of the diagram: what stands there was not read."""
    return Diagnostic(code, message, diagram.location(line, column or None), Severity.ERROR, hint)


def decode_text(text: str) -> str:
    """The characters that Mermaid's codes (`#quot;`, `#35;`) stand for, and a blank for each `<br/>`."""
    text = _ENTITY_CODE.sub(lambda code: html.unescape(f"&{'#' if code[1].isdigit() else ''}{code[1]};"), text)
    return _LINE_MARK.sub(" ", text)


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics by place."""
    return sorted(diagnostics, key=lambda found: (found.location.line or 0, found.location.column or 0))


def _fenced(text: str, file: str) -> Iterator[Diagram]:
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        opening = _FENCE.match(lines[index])
        index += 1
        if not opening:
            continue
        mark, info = opening["mark"], opening["info"]
        is_mermaid = bool(_MERMAID_INFO.match(info.strip()))
        if mark[0] == ":" and not is_mermaid:
            continue  # any other ::: container is a wrapper around ordinary Markdown
        if mark[0] == "`" and "`" in info:
            continue  # inline code
        first = index
        closing = re.compile(rf"^[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
        while index < len(lines) and not (closing.match(lines[index]) or (is_mermaid and "{% enddocs" in lines[index])):
            index += 1
        if is_mermaid:
            body, indent = _dedented(lines[first:index], opening["indent"])
            closed = index < len(lines) and closing.match(lines[index])
            unclosed = Diagnostic(
                "unclosed-fence",
                f"the fence {mark}mermaid is not closed",
                Location(file, first),
                Severity.WARNING,
                f"end the diagram with a line {mark}",
            )
            yield Diagram("other", "", body, file, first + 1, "", indent, () if closed else (unclosed,))
        index += 1


def _dedented(lines: list[str], prefix: str) -> tuple[str, int]:
    """The fenced lines without the fence's own indentation or quote marks."""
    width = len(prefix)
    if ">" in prefix:
        quote = re.compile(rf"^[ \t>]{{0,{width}}}")
        return "\n".join(quote.sub("", line) for line in lines), width
    shared = min((len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()), default=0)
    width = min(width, shared)
    return "\n".join(line[width:] if line.strip() else "" for line in lines), width


def _identified(diagram: Diagram, stem: str) -> Diagram:
    title, problems = _title(diagram)
    text = _stripped(diagram.text)
    match = _KEYWORD.match(text)
    keyword = match[1] if match else ""
    line = text[: match.start(1)].count("\n") + 1 if match else 1
    kind = _KINDS.get(keyword.lower(), "other")
    spelling = _SPELLING.get(keyword.lower(), keyword)
    if keyword != spelling:
        told = f"Mermaid does not recognise {keyword}; it was read as {spelling}"
        problems.append(warning(diagram, "header-spelling", told, line, 1, f"write {spelling}"))
    return replace(
        diagram, kind=kind, keyword=keyword, name=title or stem, diagnostics=(*diagram.diagnostics, *problems)
    )


def _title(diagram: Diagram) -> tuple[str | None, list[Diagnostic]]:
    front = _FRONT_MATTER.match(diagram.text)
    if front is None:
        return None, []
    try:
        value = read_yaml(front[2], diagram.file).value
    except ProjectError as problem:
        told = "; ".join(found.message for found in problem.diagnostics)
        return None, [error(diagram, "front-matter", f"the front matter cannot be read: {told}", 1)]
    problems = []
    if front[1]:
        told = "Mermaid reads front matter only where its --- stands at the line's very start"
        problems.append(warning(diagram, "indented-front-matter", told, 1, 1, "take the indentation away"))
    title = value.get("title") if isinstance(value, dict) else None
    return (str(title).strip() or None) if title is not None else None, problems


def _stripped(text: str) -> str:
    front = _FRONT_MATTER.match(text)
    if front:
        text = _blank(front[0]) + text[front.end() :]
    while (start := text.find("%%{")) >= 0 and (end := text.find("}%%", start)) >= 0:
        text = text[:start] + _blank(text[start : end + 3]) + text[end + 3 :]
    return _COMMENT.sub(lambda found: _blank(found[0]), text)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)

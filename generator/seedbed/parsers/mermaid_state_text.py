"""Reads Mermaid's stateDiagram into statements: states, edges, notes and regions, nested as written.

What Mermaid accepts is read to the same statements. What it refuses or misreads is read as meant where that is
clear (`In Progress --> Done`, `in-progress`, `->`), with a warning, and is an error otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from seedbed.errors import Diagnostic
from seedbed.parsers.mermaid_problems import spoken_unexpected
from seedbed.parsers.mermaid_text import Diagram, decode_text, error, warning

MAX_LINE = 4_000
"""Characters of one line; nobody writes more, and time grows with it."""


@dataclass(frozen=True, slots=True)
class StateMention:
    """A state by its id, with what this statement says about it; `body` is a composite state's inside."""

    id: str
    line: int
    descriptions: tuple[str, ...] = ()
    stereotype: str = ""
    body: tuple[Statement, ...] | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition between two ids; `[*]` is the start as a source and the end as a target."""

    source: str
    target: str
    label: str
    line: int


@dataclass(frozen=True, slots=True)
class Note:
    """A note beside a state."""

    id: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class RegionBreak:
    """The line `--` between two regions that run side by side."""

    line: int


Statement = StateMention | Edge | Note | RegionBreak


def read_statements(diagram: Diagram, diagnostics: list[Diagnostic]) -> tuple[Statement, ...]:
    """The diagram's statements; problems are added to `diagnostics`."""
    return _Reader(diagram, diagnostics).read()


@dataclass
class _Scope:
    """The inside of the diagram, or of a composite state that is still open."""

    line: int = 0
    head: StateMention | None = None
    statements: list[Statement] = field(default_factory=list)


_DIRECTION = re.compile(r"direction\s+(?:TB|BT|LR|RL)\b", re.IGNORECASE)
_NOTE = re.compile(r"note\s+(?:(?:left|right)\s+of|over)\s+(?P<id>[^:\n]+?)\s*(?::(?P<text>.*))?$", re.IGNORECASE)
_FLOATING_NOTE = re.compile(r'note\s+"[^"]*"(?:\s+as\s+\S+)?\s*$', re.IGNORECASE)
_PASSED_OVER = re.compile(
    r"accTitle\s*:|accDescr\s*:|direction\s+(?:TB|BT|LR|RL)\b|hide\s+empty\s+description\b|scale\s+\d+\s+width\s*$"
    r"|(?:classDef|class|style)\s+[^\s:,\-]+(?:\s*,\s*[^\s:,\-]+)*\s+[^\s:\-]|click\s+[^\s\-]\S*\s+(?:href\s+)?\"",
    re.IGNORECASE,
)
_KEYWORDS = frozenset(["default", "class", "classdef", "style", "note", "click", "scale", "href", "state", "direction"])
_CUT = re.compile(r'"[^"]*"|#\w+;|(?P<end>;)')
_EXPECTED = (("ARROW", "-->"), ("NAME", "a state"), ("LABEL", ": and a label"))


@cache
def grammar() -> Lark:
    """The parser of one line, built when first used."""
    text = files("seedbed.parsers").joinpath("mermaid_state.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start="line", maybe_placeholders=False)


class _Reader:
    def __init__(self, diagram: Diagram, diagnostics: list[Diagnostic]) -> None:
        self.diagram = diagram
        self.diagnostics = diagnostics
        self.scopes = [_Scope()]
        self.lines = diagram.body.split("\n")
        self.index = 0
        self.missing: set[str] = set()
        """Ends that do not come any more, so that many beginnings do not each look for them."""

    @property
    def line(self) -> int:
        return self.index

    def read(self) -> tuple[Statement, ...]:
        while self.index < len(self.lines):
            text = self.lines[self.index]
            self.index += 1
            if len(text) > MAX_LINE:
                told = f"the line has {len(text):,} characters; at most {MAX_LINE:,} are read"
                self._error("line-too-long", told)
            elif text.strip() and not self._special(text.strip()):
                for statement in self._cut(text):
                    self._line(statement)
        while len(self.scopes) > 1:
            line = self.scopes[-1].line
            self.diagnostics.append(error(self.diagram, "unclosed-state", "the state that opens here has no }", line))
            self._close()
        return tuple(self.scopes[0].statements)

    # lines with a form of their own

    def _special(self, text: str) -> bool:
        if re.match(r"accDescr\s*\{", text, re.IGNORECASE):
            self._skip_to(re.compile(r"\}"), text.partition("{")[2], "accDescr", "}")
            return True
        if _PASSED_OVER.match(text):
            return True
        if re.match(r"direction\s+\w+\s*$", text, re.IGNORECASE):
            self._warn("direction", f"there is no {text}; expected direction TB, BT, LR or RL")
            return True
        if re.match(r"scale\s+\d+\s*$", text, re.IGNORECASE):
            self._warn("scale", "Mermaid wants the word width behind the number")
            return True
        if re.match(r"(?:title|accTitle)\s+\w[^\->]*$", text, re.IGNORECASE):
            self._warn(
                "not-in-state-diagram",
                "title is no statement here; Mermaid takes its words for states",
                "give the title in front matter",
            )
            return True
        if _FLOATING_NOTE.match(text):
            return True
        note = _NOTE.match(text)
        if note:
            self._note(note)
            return True
        if _DIRECTION.search(text.partition('"')[0]):
            self._warn("direction", "Mermaid takes all of this line for a direction; it was read as it stands")
        return False

    def _note(self, match: re.Match[str]) -> None:
        line, said = self.line, match["text"]
        if re.match(r"note\s+over", match[0], re.IGNORECASE):
            self._warn("note-position", "Mermaid knows notes left of and right of a state, not over it")
        if said is None:
            said = self._skip_to(re.compile(r"^\s*end\s+note\b", re.IGNORECASE), "", "note", "end note")
        elif ";" in said:
            self._warn("semicolon", "Mermaid ends the note at the ; and takes the rest for states; all of it was read")
        elif ":" in said.strip():
            self._warn(
                "note-colon",
                "Mermaid refuses a second colon in a note; all of it was read",
                "write the note over several lines, with end note",
            )
        self.scopes[-1].statements.append(Note(match["id"].strip(), decode_text(" ".join(said.split())), line))

    def _skip_to(self, end: re.Pattern[str], first: str, what: str, expected: str) -> str:
        """The text up to the line that matches `end`; nothing is skipped where there is none."""
        if end.search(first):
            return first
        if expected not in self.missing:
            for index in range(self.index, len(self.lines)):
                if end.search(self.lines[index]):
                    between = self.lines[self.index : index]
                    self.index = index + 1
                    return "\n".join([first, *between])
            self.missing.add(expected)
        self._error("unclosed-note", f"the {what} that begins here has no {expected}")
        return ""

    # statements

    def _cut(self, text: str) -> Iterator[str]:
        """The statements of a line, cut at `;`; what follows a label's `;` goes on with it unless it is an edge."""
        start = 0
        for found in _CUT.finditer(text):
            if not found["end"] or found.start() < start:
                continue
            rest = text[found.end() :]
            in_label = ":" in text[start : found.start()].replace(":::", "")
            if in_label and rest.strip() and "-->" not in rest:
                self._warn(
                    "semicolon", "Mermaid ends the label at the ; and takes the rest for states; all of it was read"
                )
                break
            self._warn("semicolon", "Mermaid takes a ; for part of a state; it was read as the statement's end")
            yield " " * start + text[start : found.start()]
            start = found.end()
        if text[start:].strip():
            yield " " * start + text[start:]

    def _line(self, text: str) -> None:
        try:
            tree = grammar().parse(text)
        except UnexpectedInput as problem:
            self._syntax_error(problem, text)
            if text.rstrip().endswith("{"):
                self.scopes.append(_Scope(self.line))
            return
        parts = [part for part in tree.children if isinstance(part, Tree)]
        for index, part in enumerate(parts):
            following = parts[index + 1] if index + 1 < len(parts) else None
            opens = following is not None and following.data == "brace" and _token(following).type == "OPEN"
            if part.data == "path":
                self._path(part, opens)
            elif part.data == "declaration":
                self._declaration(part, opens)
            else:
                before = parts[index - 1] if index else None
                brace = _token(part)
                if brace.type == "CLOSE" and text[: brace.start_pos][-1:] not in ("", " ", "\t", "{", "}"):
                    self._warn(
                        "brace-in-name",
                        "Mermaid takes the } for part of the word before it; it was read as an end",
                        "put a blank before the }",
                        brace.column,
                    )
                self._brace(brace, named=before is not None and before.data != "brace")

    def _brace(self, token: Token, named: bool) -> None:
        if token.type == "DIVIDER":
            if len(self.scopes) == 1:
                self._warn(
                    "region-outside-state", "Mermaid wants -- only inside a composite state", column=token.column
                )
            self.scopes[-1].statements.append(RegionBreak(self.line))
        elif token.type == "CLOSE":
            if len(self.scopes) == 1:
                self._error("unmatched-brace", "this } closes nothing", token.column)
            else:
                self._close()
        elif not named:
            last = self.scopes[-1].statements[-1] if self.scopes[-1].statements else None
            if isinstance(last, StateMention) and last.body is None:
                self.scopes[-1].statements.pop()
                self.scopes.append(_Scope(self.line, last))
            else:
                self._error("block-without-name", "a { needs state and a name before it", token.column)
                self.scopes.append(_Scope(self.line))

    def _close(self) -> None:
        scope = self.scopes.pop()
        outer = self.scopes[-1].statements
        if scope.head is None:
            outer.extend(scope.statements)
        else:
            head = scope.head
            body = tuple(scope.statements)
            outer.append(StateMention(head.id, head.line, head.descriptions, head.stereotype, body))

    def _path(self, tree: Tree[Token], opens: bool) -> None:
        groups = [child for child in tree.children if isinstance(child, Tree) and child.data == "group"]
        arrow_nodes = [child for child in tree.children if isinstance(child, Tree) and child.data == "arrow"]
        arrows = [_token(node) for node in arrow_nodes]
        label = next((self._label(child) for child in tree.children if isinstance(child, Token)), None)
        closes = label is not None and label.endswith(" }") and "{" not in label and len(self.scopes) > 1
        if label is not None and closes:
            self._warn("brace-in-label", "Mermaid takes the } for part of the label; it was read as the state's end")
            label = label[:-1].rstrip()
        for arrow in arrows:
            if arrow.type == "OTHER_ARROW":
                self._warn(
                    "arrow", f"Mermaid does not accept the arrow {arrow}; it was read as -->", "write -->", arrow.column
                )
        for node in arrow_nodes:
            if len(node.children) > 1:
                piped = str(node.children[1])
                told = f"Mermaid takes {piped} for a state's name here; it was read as the label"
                self._warn(
                    "flowchart-label", told, f"write the label behind the target: A --> B : {piped[1:-1].strip()}"
                )
                label = " ".join(filter(None, (decode_text(piped[1:-1]).strip(), label)))
        if arrows:
            self._edges(groups, label or "")
        else:
            self._mention(groups[0], label, opens)
        if closes:
            self._close()

    def _edges(self, groups: list[Tree[Token]], label: str) -> None:
        """One edge per arrow; between two arrows the last word is the next edge's source."""
        source = self._joined(self._names(groups[0]))
        for position, group in enumerate(groups[1:], 1):
            names = self._names(group)
            is_last = position == len(groups) - 1
            if is_last:
                target = following = self._joined(names)
            elif len(names) == 1:
                self._warn(
                    "chain",
                    "Mermaid refuses a chain of arrows; it was read as one transition after the other",
                    "write one transition per line",
                )
                target = following = names[0]
            else:
                target, following = self._joined(names[:-1]), names[-1]
            self.scopes[-1].statements.append(Edge(source, target, label if is_last else "", self.line))
            source = following

    def _mention(self, group: Tree[Token], label: str | None, opens: bool) -> None:
        names = self._names(group)
        if opens:
            self._warn(
                "state-keyword", "Mermaid wants the word state before a composite state", f"write state {names[-1]} {{"
            )
            self.scopes.append(_Scope(self.line, StateMention(self._joined(names), self.line)))
            return
        if label is not None or len(names) == 1:
            names = [self._joined(names)]
        else:
            self._warn(
                "several-states",
                f"{len(names)} states on one line: {', '.join(names)}",
                f'for one name with blanks write state "{" ".join(names)}" as {"_".join(names)}',
            )
        said = (label,) if label else ()
        self.scopes[-1].statements.extend(StateMention(name, self.line, said) for name in names)

    def _declaration(self, tree: Tree[Token], opens: bool) -> None:
        tokens = {child.type: child for child in tree.children if isinstance(child, Token)}
        said = [decode_text(tokens["QUOTED"][1:-1]).strip()] if "QUOTED" in tokens else []
        if said == [""]:
            self._warn("empty-description", "Mermaid refuses an empty name", column=tokens["QUOTED"].column)
        name = self._joined(self._names(next(child for child in tree.children if isinstance(child, Tree))))
        if "LABEL" in tokens:
            said.append(self._label(tokens["LABEL"]))
            if "QUOTED" not in tokens:
                told = f"Mermaid drops the state {name} here; it was read with its description"
                self._warn("state-description", told, f"write {name} : {said[-1]}")
        stereotype = tokens["STEREOTYPE"].strip("<>[] ").lower() if "STEREOTYPE" in tokens else ""
        if stereotype and stereotype not in ("choice", "fork", "join"):
            self._warn("stereotype", f"<<{stereotype}>> is not known; expected choice, fork or join")
            stereotype = ""
        mention = StateMention(name, self.line, tuple(filter(None, said)), stereotype)
        if opens:
            self.scopes.append(_Scope(self.line, mention))
        else:
            self.scopes[-1].statements.append(mention)

    # words

    def _names(self, group: Tree[Token]) -> list[str]:
        names = []
        for node in group.children:
            assert isinstance(node, Tree)
            token = _token(node)
            if token.type == "QUOTED":
                self._warn(
                    "quoted-state",
                    f"Mermaid does not accept {token} here; it was read as a state's name",
                    f"write state {token} as {_as_id(token[1:-1])}",
                    token.column,
                )
                names.append(decode_text(token[1:-1]).strip() or "?")
                continue
            if "-" in token:
                self._warn(
                    "hyphen-in-state",
                    f"Mermaid does not accept the - in {token}; it was read as a state",
                    f'write state "{token}" as {_as_id(str(token))}',
                    token.column,
                )
            elif token.lower() in _KEYWORDS:
                self._warn(
                    "keyword-as-name", f"{token} is a keyword of Mermaid; it was read as a state", column=token.column
                )
            names.append(decode_text(str(token)))
        return names

    def _joined(self, names: list[str]) -> str:
        name = " ".join(names)
        if len(names) > 1:
            self._warn(
                "state-name-with-blanks",
                f"Mermaid takes {name!r} for {len(names)} states; it was read as one",
                f'write state "{name}" as {_as_id(name)}',
            )
        return name

    def _label(self, token: Token) -> str:
        text, comment, _ = token[1:].partition("%%")
        if comment:
            self._warn(
                "trailing-comment",
                "Mermaid takes the comment for part of the label; it was passed over",
                "write it on a line of its own",
                token.column,
            )
        if not token[1:]:
            self._warn("empty-label", "Mermaid refuses a colon with nothing behind it", column=token.column)
        elif "::" in text:
            self._warn("colons-in-label", "Mermaid refuses :: in a label; it was read", column=token.column)
        return decode_text(text).strip()

    # problems

    def _syntax_error(self, problem: UnexpectedInput, text: str) -> None:
        at_end = isinstance(problem, UnexpectedToken) and problem.token.type == "$END"
        told = spoken_unexpected(problem, text, _EXPECTED)
        column = len(text) + 1 if at_end else problem.column
        self.diagnostics.append(
            error(self.diagram, "state-syntax", told, self.line, column, f"in: {' '.join(text.split())[:80]}")
        )

    def _warn(self, code: str, message: str, hint: str | None = None, column: int | None = None) -> None:
        self.diagnostics.append(warning(self.diagram, code, message, self.line, column or 0, hint))

    def _error(self, code: str, message: str, column: int | None = None) -> None:
        self.diagnostics.append(error(self.diagram, code, message, self.line, column or 0))


def _as_id(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_") or "state_1"


def _token(tree: Tree[Token]) -> Token:
    token = tree.children[0]
    assert isinstance(token, Token)
    return token

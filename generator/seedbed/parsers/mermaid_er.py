"""Reads Mermaid's erDiagram: entities, attributes and relationships, each with its place.

What Mermaid accepts is read to the same structure. What Mermaid refuses, or silently reads as something that
nobody means (`Line Item` as two entities, `NOT NULL` as one more attribute), is read as meant where that is
clear, with a warning, and is an error otherwise; the rest of the diagram is still read. Styles, classes,
directions, subgraphs, titles and links say nothing about data and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from seedbed.errors import NOWHERE, Diagnostic, Location
from seedbed.parsers.mermaid_attributes import Attribute, AttributeReader
from seedbed.parsers.mermaid_problems import spoken_unexpected
from seedbed.parsers.mermaid_text import Diagram, decode_text, error, in_order, warning
from seedbed.schema import Cardinality

MAX_STATEMENT = 4_000
"""Characters of one statement or one line of a block; nobody writes more, and time grows with it."""


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity with the attributes of all its blocks, in order; duplicates are kept."""

    name: str
    alias: str | None = None
    attributes: tuple[Attribute, ...] = ()
    origin: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Relationship:
    """A line between two entities, by name.

    `left_cardinality` says how many rows of `left` belong to one row of `right`, and the other way round:
    `A ||--o{ B` is 1..1 on the left and 0..many on the right.
    """

    left: str
    right: str
    left_cardinality: Cardinality
    right_cardinality: Cardinality
    identifying: bool = True
    label: str = ""
    origin: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class ErDiagram:
    """An erDiagram as written: entities in order of appearance, names compared with case as in Mermaid."""

    name: str
    entities: tuple[Entity, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    origin: Location = NOWHERE


def parse_er(diagram: Diagram) -> tuple[ErDiagram, list[Diagnostic]]:
    """The diagram's entities and relationships, and what could not be read or was read leniently."""
    reader = _Reader(diagram)
    reader.read()
    entities = tuple(entity for name, entity in reader.entities.items() if name not in reader.subgraphs)
    result = ErDiagram(diagram.name, entities, tuple(reader.relationships), diagram.location(1))
    return result, [*diagram.diagnostics, *in_order(reader.diagnostics)]


# ---- cutting the text into statements ----


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the diagram that is read on its own: a statement, a block's head, line or end."""

    kind: str
    text: str
    line: int
    column: int


_BLANKS = re.compile(r"\s*")
_LINE_STATEMENT = re.compile(
    r"(?P<keyword>accTitle|accDescr|classDef|class|style|linkStyle|direction|title|click|subgraph|end)\b"
    r"(?P<brace>[ \t]*\{[^}]*\}?(?=[ \t]*$))?(?P<rest>[^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_GLYPH_AHEAD = re.compile(r"[ \t]*(?:[|}][o|]|[o|][|{]|\{|:::|\[)|[ \t]*$")
_TOP_TOKEN = re.compile(
    r'"[^"]*"|(?:--|\.\.|\.-|-\.|\bto\b|(?<!\S))[ \t]*[o|]\{|\|\{|[{\n]|(?:(?!--|\.\.|\.-|-\.)[\w\-.*])+|.',
)
_BLOCK_TOKEN = re.compile(r"\"[^\"]*\"|'[^'\n]*'|`[^`\n]*`|[}\n]|[^\"'`}\n]+|.")
_LINE_OF_RELATIONSHIP = re.compile(r"(?:[|}][o|]|o\{|\|\{)[ \t]*(?:--|\.\.)[ \t]*(?:[o|][|{]|[|}][o|])")
_QUOTED = re.compile(r'"[^"]*"')
_MARK = re.compile(r"[|<>}{]|--|\.\.|-o$")
_NAME_AND_LABEL = re.compile(r"[ \t{|o]*(?:\"[^\"]+\"|[\w\-.*]+)[ \t]*(?::(?!::)|$)")


class _Cutter:
    """Cuts a diagram's body into pieces, each with its place; quotes and blocks decide where a line ends."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.line_start = 0

    def pieces(self) -> Iterator[_Piece]:
        while self.at < len(self.text):
            self._skip_blanks()
            special = _LINE_STATEMENT.match(self.text, self.at)
            if special and _is_line_statement(special):
                yield self._cut("line", special.end())
            elif self.at < len(self.text):
                yield from self._statement()

    def _statement(self) -> Iterator[_Piece]:
        position = self.at
        while position < len(self.text):
            token = self._token(_TOP_TOKEN, position)
            if token == "\n":
                break
            if token == "{" and not self._is_in_relationship(position):
                yield self._cut("head", position)
                self._advance(position + 1)
                yield from self._block()
                return
            position += len(token)
        yield self._cut("statement", position)

    def _is_in_relationship(self, brace: int) -> bool:
        """Whether a brace belongs to a mark that is no cardinality, as in `A ||-o{ B : has`, and opens no block."""
        behind = self.text[brace + 1 : self.text.find("\n", brace) if "\n" in self.text[brace:] else None]
        return (
            bool(_MARK.search(_QUOTED.sub("", self.text[self.at : brace])))
            and "}" not in behind
            and bool(_NAME_AND_LABEL.match(behind))
        )

    def _block(self) -> Iterator[_Piece]:
        position = self.at
        while position < len(self.text):
            token = self._token(_BLOCK_TOKEN, position)
            if token == "\n":
                yield self._cut("attributes", position)
                self._advance(position + 1)
                following = self.text[self.at : self.text.find("\n", self.at) + 1 or None]
                if _LINE_OF_RELATIONSHIP.search(following.partition('"')[0]):
                    break
            elif token == "}":
                yield self._cut("attributes", position)
                yield self._cut("close", position + 1)
                return
            position += len(token)
        else:
            yield self._cut("attributes", position)
        yield self._cut("unclosed", self.at)

    def _token(self, pattern: re.Pattern[str], position: int) -> str:
        """The next token; a quote that spans lines counts only where quotes then add up."""
        match = pattern.match(self.text, position)
        token = match[0] if match else self.text[position]
        if token[0] == '"' and "\n" in token:
            end = position + len(token)
            rest = self.text[end : self.text.find("\n", end) if "\n" in self.text[end:] else None]
            if rest.count('"') % 2 or len(token) > MAX_STATEMENT:
                return '"'
        return token

    def _cut(self, kind: str, end: int) -> _Piece:
        piece = _Piece(kind, self.text[self.at : end], self.line, self.at - self.line_start + 1)
        self._advance(end)
        return piece

    def _advance(self, end: int) -> None:
        breaks = self.text.count("\n", self.at, end)
        if breaks:
            self.line += breaks
            self.line_start = self.text.rfind("\n", self.at, end) + 1
        self.at = end

    def _skip_blanks(self) -> None:
        match = _BLANKS.match(self.text, self.at)
        self._advance(match.end() if match else self.at)


def _is_line_statement(match: re.Match[str]) -> bool:
    """Whether a word that opens the line is a statement of its own and not the name of an entity."""
    keyword, rest = match["keyword"].lower(), match["rest"]
    if keyword in ("acctitle", "accdescr"):
        return bool(match["brace"]) or rest.lstrip().startswith(":")
    if match["brace"] or _GLYPH_AHEAD.match(rest):
        return keyword == "end" and not match["brace"] and not rest.strip()
    if keyword == "end":
        return False
    return rest[:1] in (" ", "\t") and not _LINE_OF_RELATIONSHIP.search(rest.partition('"')[0])


# ---- reading the pieces ----

_CARDINALITIES = {
    "ZERO_OR_ONE": Cardinality(0, 1),
    "ONE_OR_MORE": Cardinality(1, None),
    "ZERO_OR_MORE": Cardinality(0, None),
    "ONLY_ONE": Cardinality(1, 1),
    "EXACTLY_ONE": Cardinality(1, 1),
    "MARKDOWN_PARENT": Cardinality(1, 1),
}
_KEYWORD_NAME = re.compile(r"(?:one|to|many|class|style|classDef|subgraph|end|erDiagram)\Z|u[.\-|]", re.IGNORECASE)
_SPLIT_NAME = re.compile(r"\d(?!\d*(?:\.\d+)?\Z)")
_PLAIN_LABEL = re.compile(
    r"(?!(?:one|to|many|class|style|classDef|subgraph|end|erDiagram|u(?=[.\-]))\b)"
    r"(?!\d)[A-Za-z0-9_\-*.\u0080-\U0010ffff]+",
    re.IGNORECASE,
)
_DIRECTION = re.compile(r"\s+(?:TB|BT|LR|RL)\b", re.IGNORECASE)
_DIRECTION_INSIDE = re.compile(r"direction\s+(?:TB|BT|LR|RL)", re.IGNORECASE)
_STYLES = {
    "style": re.compile(r"\s+[^\s,:]+(?:\s*,\s*[^\s,:]+)*\s+[^\s:]+:.*"),
    "classdef": re.compile(r"\s+[^\s,:]+(?:\s*,\s*[^\s,:]+)*\s+[^\s:]+:.*"),
    "class": re.compile(r"\s+[^\s,]+(?:\s*,\s*[^\s,]+)*\s+[^\s,]+(?:\s*,\s*[^\s,]+)*\s*"),
}
_EXPECTED = (
    ("IDENTIFYING", "a line, -- or .."),
    ("ONLY_ONE", "a cardinality such as ||, o{ or }|"),
    ("LABEL", "a label"),
    ("RSQB", "]"),
    ("WORD", "an entity's name"),
    ("COLON", ": and a label"),
)


@cache
def grammar() -> Lark:
    """The parser of statements and of block lines, built when first used."""
    text = files("seedbed.parsers").joinpath("mermaid_er.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start=["statement", "attributes"], maybe_placeholders=False)


@dataclass
class _Reader:
    diagram: Diagram
    entities: dict[str, Entity] = field(default_factory=dict)
    relationships: list[Relationship] = field(default_factory=list)
    subgraphs: dict[str, int] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def read(self) -> None:
        attributes = AttributeReader(self.diagram, self.diagnostics)
        owner: str | None = None
        open_subgraphs: list[int] = []
        last: _Piece | None = None
        head: _Piece | None = None
        for piece in _Cutter(self.diagram.body).pieces():
            if len(piece.text) > MAX_STATEMENT:
                told = f"the line has {len(piece.text):,} characters; at most {MAX_STATEMENT:,} are read"
                self.diagnostics.append(error(self.diagram, "line-too-long", told, piece.line, piece.column))
                continue
            match piece.kind:
                case "line":
                    self._line_statement(piece, open_subgraphs)
                case "statement":
                    self._statement(piece)
                case "head":
                    head = piece
                    owner = self._block_head(piece, last)
                case "attributes":
                    attributes.read_line(grammar(), piece.text, piece.line, piece.column)
                case "close" | "unclosed":
                    found = attributes.finish()
                    if owner:
                        entity = self.entities[owner]
                        self.entities[owner] = replace(entity, attributes=entity.attributes + found)
                    if piece.kind == "unclosed" and head is not None:
                        told = "the block that opens here has no closing }"
                        self.diagnostics.append(error(self.diagram, "unclosed-block", told, head.line, head.column))
            if piece.kind != "attributes":
                last = piece
        for line in open_subgraphs:
            self.diagnostics.append(error(self.diagram, "unclosed-subgraph", "the subgraph has no end", line))
        self._leave_out_subgraphs()

    # statements of one line that say nothing about data

    def _line_statement(self, piece: _Piece, open_subgraphs: list[int]) -> None:
        match = _LINE_STATEMENT.match(piece.text)
        if match is None:
            return
        keyword, rest = match["keyword"].lower(), match["rest"]
        if keyword == "subgraph":
            open_subgraphs.append(piece.line)
            name = rest.partition("[")[0].strip().strip('"')
            self.subgraphs[name] = piece.line
        elif keyword == "end":
            if not open_subgraphs:
                told = "this end closes nothing; expected a subgraph before it"
                self.diagnostics.append(error(self.diagram, "unmatched-end", told, piece.line, piece.column))
            else:
                open_subgraphs.pop()
        elif keyword == "direction":
            if not _DIRECTION.match(rest):
                self._warn(piece, "direction", f"there is no direction{rest}; expected TB, BT, LR or RL")
        elif keyword in ("title", "click", "linkstyle"):
            told = f"{match['keyword']} is no statement of an erDiagram; Mermaid takes its words for entities"
            hint = "give the title in front matter" if keyword == "title" else "delete the line"
            self._warn(piece, "not-in-er-diagram", told, hint)
        elif keyword in _STYLES and not _STYLES[keyword].fullmatch(rest):
            self._warn(piece, "style", f"Mermaid does not accept this {match['keyword']} line; it was passed over")

    # entities and relationships

    def _statement(self, piece: _Piece) -> None:
        if re.match(r"erDiagram\b", piece.text):
            told = "a second erDiagram begins inside the first; expected one diagram in a file or fence"
            self.diagnostics.append(error(self.diagram, "second-header", told, piece.line, piece.column))
            return
        if _DIRECTION_INSIDE.search(piece.text):
            told = "Mermaid takes all of this line for a direction; it was read as it stands"
            self._warn(piece, "direction", told, "change the words direction TB in it")
        tree = self._parse(piece)
        if tree is None:
            return
        if tree.data == "relationship":
            self._relationship(tree, piece)
        else:
            self._entities(tree, piece)

    def _block_head(self, piece: _Piece, last: _Piece | None) -> str | None:
        if not piece.text.strip():
            if last is not None and last.kind == "statement" and self.entities and not self._is_relationship(last):
                self._warn(piece, "brace-on-next-line", "Mermaid wants the { on the line of the entity's name")
                return list(self.entities)[-1]
            told = "a block needs the name of its entity before the {"
            self.diagnostics.append(error(self.diagram, "block-without-name", told, piece.line, piece.column))
            return None
        tree = self._parse(piece)
        if tree is None:
            return None
        if tree.data == "relationship":
            told = "a block belongs behind an entity's name, not behind a relationship"
            self.diagnostics.append(error(self.diagram, "block-after-relationship", told, piece.line, piece.column))
            self._relationship(tree, piece)
            return None
        return self._entities(tree, piece, block=True)

    def _is_relationship(self, piece: _Piece) -> bool:
        return any(relationship.origin.line == self._line(piece) for relationship in self.relationships)

    def _line(self, piece: _Piece) -> int | None:
        return self.diagram.location(piece.line).line

    def _entities(self, tree: Tree[Token], piece: _Piece, block: bool = False) -> str | None:
        name: str | None = None
        for index, node in enumerate(tree.children):
            assert isinstance(node, Tree)
            is_last = index == len(tree.children) - 1
            joined = (block and is_last) or node.data == "decorated"
            name = self._operand(node, piece, joined=joined)
        return name

    def _operand(self, node: Tree[Token], piece: _Piece, joined: bool, in_relationship: bool = False) -> str:
        """Adds the entity that `node` names, and gives its name.

        Bare words that stand side by side are one name where `joined`, several entities otherwise.
        """
        parts = {
            part.data: part for part in ([node] if node.data == "name" else node.children) if isinstance(part, Tree)
        }
        tokens = [token for token in parts["name"].children if isinstance(token, Token)]
        names = [self._name(token, piece) for token in tokens]
        line = piece.line + (tokens[0].line or 1) - 1
        if len(tokens) > 1:
            if joined:
                told = f"Mermaid takes {' '.join(names)!r} for {len(names)} entities; it was read as one name"
                self._warn(piece, "name-needs-quotes", told, f'write "{" ".join(names)}"')
                names = [" ".join(names)]
            elif all(token.type == "WORD" for token in tokens):
                told = f"{len(names)} entities on one line: {', '.join(names)}"
                self._warn(piece, "several-entities", told, "put quotes around a name with blanks")
        alias = None
        if "alias" in parts:
            alias = self._alias(parts["alias"], piece)
            if in_relationship:
                told = "Mermaid refuses an alias inside a relationship; it was read"
                self._warn(piece, "alias-in-relationship", told, "give the alias on a line of its own")
        for name in filter(str.strip, names):
            known = self.entities.get(name)
            if known is None:
                self.entities[name] = Entity(name, alias, (), self.diagram.location(line))
            elif alias and not known.alias:
                self.entities[name] = replace(known, alias=alias)
        return names[-1]

    def _name(self, token: Token, piece: _Piece) -> str:
        if token.type == "QUOTED":
            name = decode_text(token[1:-1])
            if not name.strip():
                told = "an entity's name is empty"
                self.diagnostics.append(error(self.diagram, "empty-name", told, piece.line, piece.column))
                return ""
            if re.search(r"[%\\]", token):
                self._warn(piece, "name-characters", f"Mermaid refuses % and \\ in a name; {token} was read")
            return name
        if _KEYWORD_NAME.match(token):
            told = f"{token} is a keyword of Mermaid; it was read as an entity's name"
            self._warn(piece, "keyword-as-name", told, f'write "{token}"')
        elif _SPLIT_NAME.match(token):
            told = f"Mermaid cuts the name {token} behind its digits; it was read as one name"
            self._warn(piece, "name-needs-quotes", told, f'write "{token}"')
        return decode_text(str(token))

    def _alias(self, node: Tree[Token], piece: _Piece) -> str:
        token = node.children[0]
        assert isinstance(token, Token)
        if token.type == "QUOTED":
            if len(token) == 2:
                self._warn(piece, "empty-alias", "Mermaid refuses an empty alias; it was passed over")
            return decode_text(token[1:-1])
        text = token.strip()
        if not _PLAIN_LABEL.fullmatch(text):
            self._warn(
                piece, "alias-needs-quotes", f"Mermaid wants quotes around the alias {text}", f'write ["{text}"]'
            )
        return decode_text(text)

    def _relationship(self, tree: Tree[Token], piece: _Piece) -> None:
        left_node, left_mark, line, right_mark, right_node, *labels = tree.children
        assert isinstance(left_node, Tree)
        assert isinstance(right_node, Tree)
        left = self._operand(left_node, piece, joined=True, in_relationship=True)
        right = self._operand(right_node, piece, joined=True, in_relationship=True)
        if not (left.strip() and right.strip()):
            return
        mark = _only_token(line)
        if mark.lower() == "optional to":
            self._warn(piece, "cardinality-words", "Mermaid says optionally to; optional to was read as that")
        label, rest = "", None
        if labels:
            label, rest = self._label(labels[0], piece)
        else:
            told = f"Mermaid wants a label on {left} to {right}; it was read without one"
            self._warn(piece, "no-label", told, 'write : "" behind it')
        self.relationships.append(
            Relationship(
                left,
                right,
                self._cardinality(_only_token(left_mark), piece),
                self._cardinality(_only_token(right_mark), piece),
                mark.type == "IDENTIFYING",
                label,
                self.diagram.location(piece.line + (mark.line or 1) - 1),
            )
        )
        if rest is not None:
            above = (rest.line or 1) - 1
            column = (rest.column or 1) + (0 if above else piece.column - 1)
            self._statement(_Piece("statement", str(rest), piece.line + above, column))

    def _cardinality(self, mark: Token, piece: _Piece) -> Cardinality:
        if mark.type == "EXACTLY_ONE":
            told = "Mermaid takes exactly for an entity; exactly one was read as a cardinality"
            self._warn(piece, "cardinality-words", told, "write only one")
        elif mark.type == "MARKDOWN_PARENT":
            self._warn(piece, "markdown-parent", "the mark u says no number; it was read as exactly one", "write ||")
        return _CARDINALITIES[mark.type]

    def _label(self, node: Tree[Token] | Token, piece: _Piece) -> tuple[str, Token | None]:
        """The label, and what stands behind it on the line: one more statement."""
        assert isinstance(node, Tree)
        first, *more = [token for token in node.children if isinstance(token, Token)]
        if first.type == "LABEL_QUOTED":
            rest = more[0] if more else None
            if rest and rest.startswith("%%"):
                self._warn(
                    piece, "trailing-comment", "Mermaid refuses a comment behind a statement; it was passed over"
                )
                rest = None
            return decode_text(first[1:-1]), rest
        text, comment, _ = first.partition("%%")
        if comment:
            self._warn(piece, "trailing-comment", "Mermaid refuses a comment behind a statement; it was passed over")
        text = text.rstrip()
        word, _, behind = text.partition(" ")
        if behind and _LINE_OF_RELATIONSHIP.search(behind.partition('"')[0]):
            rest = Token.new_borrow_pos("REST", behind.lstrip(), first)
            return decode_text(word), rest
        if text.endswith(";"):
            self._warn(piece, "stray-punctuation", "Mermaid refuses a ; at the end of a line; it was passed over")
            text = text[:-1].rstrip()
        unquoted = text.strip("'\"") if text[:1] == text[-1:] == "'" else text
        if not _PLAIN_LABEL.fullmatch(text):
            told = f"Mermaid wants quotes around the label {text}; all of it was read as the label"
            self._warn(piece, "label-needs-quotes", told, f'write : "{unquoted}"')
        return decode_text(unquoted), None

    # help

    def _parse(self, piece: _Piece) -> Tree[Token] | None:
        text = piece.text.rstrip()
        if text.startswith("%%"):
            self._warn(piece, "trailing-comment", "Mermaid refuses a comment behind a block; it was passed over")
            return None
        if text.endswith(";") and '"' not in text[text.rfind(";") :]:
            self._warn(piece, "stray-punctuation", "Mermaid refuses a ; at the end of a line; it was passed over")
            text = text[:-1]
        try:
            return grammar().parse(text, start="statement")
        except UnexpectedInput as problem:
            bare, _, comment = text.partition("%%")
            if comment and bare.strip() and '"' not in comment:
                self._warn(
                    piece, "trailing-comment", "Mermaid refuses a comment behind a statement; it was passed over"
                )
                return self._parse(replace(piece, text=bare))
            self.diagnostics.append(self._syntax_error(problem, piece, text))
            return None

    def _syntax_error(self, problem: UnexpectedInput, piece: _Piece, text: str) -> Diagnostic:
        at_end = isinstance(problem, UnexpectedToken) and problem.token.type == "$END"
        line = piece.line if at_end or problem.line < 1 else piece.line + problem.line - 1
        column = piece.column + (len(text) if at_end else problem.column - 1)
        told = spoken_unexpected(problem, text, _EXPECTED)
        return error(self.diagram, "er-syntax", told, line, column, f"in: {' '.join(text.split())[:80]}")

    def _leave_out_subgraphs(self) -> None:
        for relationship in list(self.relationships):
            if relationship.left in self.subgraphs or relationship.right in self.subgraphs:
                self.relationships.remove(relationship)
                line = (relationship.origin.line or 1) - self.diagram.line + 1
                told = "a relationship with a subgraph says nothing about tables; it was left out"
                self.diagnostics.append(warning(self.diagram, "relationship-with-subgraph", told, line))

    def _warn(self, piece: _Piece, code: str, message: str, hint: str | None = None) -> None:
        self.diagnostics.append(warning(self.diagram, code, message, piece.line, piece.column, hint))


def _only_token(node: Tree[Token] | Token) -> Token:
    assert isinstance(node, Tree)
    token = node.children[0]
    assert isinstance(token, Token)
    return token

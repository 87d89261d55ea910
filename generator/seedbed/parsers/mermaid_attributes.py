"""Reads the attributes in an entity's block of an erDiagram, line by line.

Mermaid reads a block as one run of words, two to an attribute, wherever the lines end. People write one
attribute per line and SQL habits on it (`NOT NULL`, `double precision`, `= 0`), which Mermaid refuses or
silently turns into other attributes. Here a line is read first, and what it means decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lark import Lark, Token, Tree

from seedbed.errors import NOWHERE, Diagnostic, Location
from seedbed.parsers.mermaid_text import Diagram, decode_text, error, warning
from seedbed.schema import parse_data_type


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of an entity.

    `type` is the text as written, without a `?`, and empty where the diagram gives none; `keys` are out of
    PK, FK and UK; `nullable` is None where nothing is said.
    """

    name: str
    type: str = ""
    keys: tuple[str, ...] = ()
    comment: str | None = None
    nullable: bool | None = None
    origin: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    kind: str
    line: int
    column: int
    end: int
    optional: bool = False


_INTEGER = r"(?:big|small|tiny|medium)?int(?:eger)?(?:\(\d+\))?"
_LONG_TYPE = re.compile(
    r"double precision|long (?:raw|varchar|text)|(?:character|char|bit|nchar) varying(?:\(.*\))?"
    r"|national char(?:acter)?(?:\(.*\))?(?: varying(?:\(.*\))?)?"
    r"|time(?:stamp)?(?:\(\d\))? with(?:out)? (?:local )?(?:time ?zone|tz|timezone)(?:\(.*\))?"
    rf"|{_INTEGER} (?:un)?signed|(?:un)?signed {_INTEGER}|(?:float|double|decimal)(?:\(.*\))? unsigned"
    r"|interval \w+ to \w+"
)
_CONSTRAINTS: dict[tuple[str, ...], tuple[str, bool | tuple[str, ...]]] = {
    ("not", "null"): ("nullable", False),
    ("not_null",): ("nullable", False),
    ("notnull",): ("nullable", False),
    ("not-null",): ("nullable", False),
    ("nn",): ("nullable", False),
    ("required",): ("nullable", False),
    ("null",): ("nullable", True),
    ("nullable",): ("nullable", True),
    ("optional",): ("nullable", True),
    ("primary", "key"): ("key", ("PK",)),
    ("foreign", "key"): ("key", ("FK",)),
    ("unique", "key"): ("key", ("UK",)),
    ("unique",): ("key", ("UK",)),
    ("pk_fk",): ("key", ("PK", "FK")),
    ("fk_pk",): ("key", ("PK", "FK")),
    ("references",): ("references", ()),
    ("default",): ("default", ()),
    ("auto_increment",): ("nothing", ()),
    ("autoincrement",): ("nothing", ()),
    ("identity",): ("nothing", ()),
}
_PLAIN_SIZED = re.compile(r"[^\s'\"]*\Z")
_NAME_LIKE = re.compile(r"\w")


@dataclass
class AttributeReader:
    """Collects the attributes of one block after the other; problems go to `diagnostics`."""

    diagram: Diagram
    diagnostics: list[Diagnostic]
    _found: list[Attribute] = field(default_factory=list)
    _dangling: _Word | None = None

    def read_line(self, grammar: Lark, text: str, line: int, column: int) -> None:
        """Reads one line of the block, which may hold several attributes or go on with the last one."""
        if not text.strip():
            return
        tree = grammar.parse(text, start="attributes")
        marks: list[Token] = []
        entries: list[tuple[list[_Word], list[Token]]] = []
        for child in tree.children:
            assert isinstance(child, Tree)
            if child.data == "mark":
                marks.append(_place(_token(child), line, column))
            else:
                entries.append(_entry(child, line, column))
        if marks and entries and all(mark.type in ("KEY", "COMMA") for mark in marks):
            told = "Mermaid gives a key in front of the type to the attribute before; it was given to the one behind"
            self._warn("key-before-type", told, line, marks[0].column or 0)
            entries[0] = (entries[0][0], marks + entries[0][1])
            marks = []
        self._marks(marks)
        for words, behind in entries:
            self._entry(self._words(words), behind, same_line=bool(self._found) and words is not entries[0][0])

    def finish(self) -> tuple[Attribute, ...]:
        """The block's attributes; the reader is ready for the next block."""
        self._drop_dangling()
        found, self._found = tuple(self._found), []
        return found

    # words

    def _words(self, words: Sequence[_Word]) -> list[_Word]:
        """Joins what was written together or belongs together, and drops stray punctuation."""
        joined: list[_Word] = []
        for word in words:
            before = joined[-1] if joined else None
            if before and (word.kind == "SIZE" or (word.column == before.end and not before.optional)):
                kind = "SPACED" if word.kind == "SIZE" else "ODD"
                joined[-1] = replace(
                    before, text=before.text + word.text, kind=kind, end=word.end, optional=word.optional
                )
            else:
                joined.append(word)
        kept = []
        for word in joined:
            text = word.text if word.kind in ("BACKTICKS", "GENERIC", "ANGLED") else word.text.rstrip(",;")
            if text != word.text:
                told = f"{word.text[len(text) :]} does not belong between attributes; it was passed over"
                self._warn("stray-punctuation", told, word.line, word.column)
                word = replace(
                    word, text=text, kind="WORDLIKE" if word.kind == "ODD" and text.isidentifier() else word.kind
                )
            if not text:
                continue
            if set(text) <= {".", "…"}:
                self._warn("left-out", "the attributes that ... stands for are not known", word.line, word.column)
            elif not _NAME_LIKE.search(text):
                told = f"{text[:40]} cannot be read as part of an attribute; expected a type and a name"
                self._error("er-attribute", told, word.line, word.column)
            else:
                kept.append(word)
        return kept

    def _checked(self, word: _Word) -> _Word:
        if word.kind == "BACKTICKS":
            return replace(word, text=word.text[1:-1])
        if word.kind in ("ANGLED", "SPACED") or (word.kind == "SIZED" and not _PLAIN_SIZED.match(word.text)):
            told = f"Mermaid does not accept the type {word.text}; it was read as it stands"
            self._warn(
                "type-spelling", told, word.line, word.column, "leave blanks and quotes out, and write ~ for < and >"
            )
        elif word.kind in ("OTHER", "ODD"):
            told = f"Mermaid does not accept {word.text} as a type or name; it was read as it stands"
            self._warn("odd-characters", told, word.line, word.column, "use letters, digits, - and _")
        return word

    # attributes

    def _entry(self, words: list[_Word], marks: list[Token], same_line: bool) -> None:
        if not words:
            self._marks(marks)
            return
        if same_line and _constraint(words, 0):
            self._constraints(words, marks)
            return
        start = next((i for i in range(2, len(words)) if _constraint(words, i)), len(words))
        self._pairs(words[:start], marks if start == len(words) else [])
        if start < len(words):
            self._constraints(words[start:], marks)

    def _pairs(self, words: list[_Word], marks: list[Token]) -> None:
        words = [self._checked(word) for word in words]
        size = _long_type_size(words)
        if size:
            spoken = " ".join(word.text for word in words[:size])
            told = f"Mermaid takes the words of the type {spoken} for other attributes; it was read as one type"
            self._warn("several-word-type", told, words[0].line, words[0].column, f"write {spoken.replace(' ', '_')}")
            whole = replace(words[0], text=spoken, optional=words[size - 1].optional)
            words = [whole, *words[size:]]
        if self._dangling and len(words) == 1:
            words = [self._dangling, *words]
            self._dangling = None
        self._drop_dangling()
        if len(words) == 1:
            self._lone_word(words[0], marks)
            return
        if len(words) == 3 and _is_type(words[0]) and not _is_type(words[2]):
            name = f"{words[1].text} {words[2].text}"
            told = f"Mermaid takes the words {name} for two attributes; they were read as one name"
            self._warn("several-word-name", told, words[1].line, words[1].column, f"write {name.replace(' ', '_')}")
            words = [words[0], replace(words[1], text=name)]
        elif sum(word.kind == "GENERIC" for word in words) > 1:
            told = "Mermaid takes all from the first ~ to the last one on the line for one type"
            self._warn("several-attributes", told, words[0].line, words[0].column, "write one attribute per line")
        elif len(words) > 2 and _is_type(words[0]) and not all(map(_is_type, words[2::2])):
            told = f"{len(words)} words are read as {len(words) // 2} attributes, two words each"
            self._warn("several-attributes", told, words[0].line, words[0].column, "write one attribute per line")
        for kind, named in zip(words[::2], words[1::2], strict=False):
            self._add(kind, named.text, kind)
        if len(words) % 2:
            self._lone_word(words[-1], marks)
        else:
            self._marks(marks)

    def _lone_word(self, word: _Word, marks: list[Token]) -> None:
        """A word with no partner on its line: a type whose name follows, or a name without a type."""
        known = _is_type(word)
        first = marks[0] if marks else None
        if first is None and known:
            self._dangling = word
        elif first is not None and first.type == "COMMENT" and known:
            told = f"Mermaid does not accept the quoted name {first}; it was read"
            self._warn("quoted-name", told, word.line, word.column, "write the name without quotes")
            self._add(word, decode_text(first[1:-1]), word)
            self._marks(marks[1:])
        elif first is not None and first.type == "KEY" and known and first.islower():
            told = f"Mermaid takes {first} for a key, not for the attribute's name; it was read as the name"
            self._warn("keyword-as-name", told, word.line, word.column)
            self._add(word, str(first), word)
            self._marks(marks[1:])
        else:
            told = f"the attribute {word.text} has no type; Mermaid wants a type and a name"
            self._warn("attribute-without-type", told, word.line, word.column, f"write for example string {word.text}")
            self._add(None, word.text, word)
            self._marks(marks)

    def _drop_dangling(self) -> None:
        if self._dangling:
            told = f"{self._dangling.text} stands alone; expected a type and a name"
            self._error("attribute-incomplete", told, self._dangling.line, self._dangling.column)
            self._dangling = None

    def _add(self, kind: _Word | None, name: str, place: _Word) -> None:
        origin = self.diagram.location(place.line, place.column)
        nullable = True if kind and kind.optional else None
        self._found.append(Attribute(decode_text(name), kind.text if kind else "", (), None, nullable, origin))

    def _constraints(self, words: list[_Word], marks: list[Token]) -> None:
        """SQL's words behind an attribute; what follows them is one more attribute."""
        index = 0
        while index < len(words) and (found := _constraint(words, index)):
            size, effect, value = found
            spoken = " ".join(word.text for word in words[index : index + size])
            told = f"Mermaid takes {spoken} for one more attribute, or refuses it; it was read as in SQL"
            hint = "write int? for a nullable column, or say it in the comment" if effect == "nullable" else None
            self._warn("constraint-words", told, words[index].line, words[index].column, hint)
            index += size
            following = words[index].text if index < len(words) else None
            if isinstance(value, bool):
                self._change(nullable=value)
            elif effect == "key":
                self._keys(value)
            elif effect == "references" and following:
                target = following.removesuffix(")").replace("(", ".")
                self._change(comment=" ".join(filter(None, (self._last_comment(), f"-> {target}"))))
                self._keys(("FK",))
                index += 1
            elif effect == "default":
                if following is not None:
                    index += 1
                elif marks and marks[0].type in ("COMMENT", "SINGLE_QUOTED"):
                    marks = marks[1:]
        if index < len(words):
            self._pairs(words[index:], marks)
        else:
            self._marks(marks)

    # keys, comments and what else stands behind the name

    def _marks(self, marks: Sequence[Token]) -> None:
        comma = False
        seen_key = seen_comment = False
        for mark in marks:
            line, column = mark.line or 1, mark.column or 0
            if mark.type == "UNCLOSED":
                self._error("unclosed-quote", f"the quote in {mark[:40]} is not closed", line, column)
                continue
            if mark.type == "TRAILING":
                told = f"Mermaid does not accept the comment {mark[:40]} here; it was passed over"
                self._warn("trailing-comment", told, line, column, "write it on a line of its own, or in quotes")
                continue
            if not self._found:
                told = f"{mark[:40]} stands in front of the first attribute; expected a type and a name"
                self._error("er-attribute", told, line, column)
                continue
            if mark.type == "COMMA":
                comma = True
                if not seen_key or seen_comment:
                    self._warn("stray-punctuation", "the comma does not belong here; it was passed over", line, column)
                    comma = False
                elif mark != ",":
                    self._warn("keys-without-comma", "Mermaid wants a comma between keys", line, column, "write PK, FK")
            elif mark.type == "KEY":
                if seen_key and not comma:
                    self._warn("keys-without-comma", "Mermaid wants a comma between keys", line, column, "write PK, FK")
                if seen_comment:
                    self._warn("comment-before-key", "Mermaid wants the key before the comment", line, column)
                self._keys((mark.upper(),))
                seen_key, comma = True, False
            elif mark.type in ("COMMENT", "SINGLE_QUOTED"):
                if mark.type == "SINGLE_QUOTED":
                    self._warn("single-quotes", f"Mermaid wants double quotes around {mark[:40]}", line, column)
                if comma:
                    self._warn("stray-punctuation", "the comma behind the key was passed over", line, column)
                    comma = False
                before = self._last_comment()
                if before:
                    self._warn("two-comments", "Mermaid takes one comment; both were read", line, column)
                text = decode_text(mark[1:-1])
                self._change(comment=f"{before} {text}" if before else text)
                seen_comment = True
            elif mark.type == "DEFAULT":
                told = f"Mermaid does not accept the default {mark[:40]}; it was passed over"
                self._warn("constraint-words", told, line, column, "say it in the comment")
        if comma:
            last = marks[-1]
            self._warn(
                "stray-punctuation", "the comma behind the key was passed over", last.line or 1, last.column or 0
            )

    def _last_comment(self) -> str | None:
        return self._found[-1].comment

    def _keys(self, keys: tuple[str, ...]) -> None:
        self._change(keys=tuple(dict.fromkeys(self._found[-1].keys + keys)))

    def _change(self, **changes: object) -> None:
        self._found[-1] = replace(self._found[-1], **changes)  # type: ignore[arg-type]

    def _warn(self, code: str, message: str, line: int, column: int, hint: str | None = None) -> None:
        self.diagnostics.append(warning(self.diagram, code, message, line, column, hint))

    def _error(self, code: str, message: str, line: int, column: int) -> None:
        self.diagnostics.append(error(self.diagram, code, message, line, column))


def _is_type(word: _Word) -> bool:
    return parse_data_type(re.sub(r"(?:\[\d*\]|~.*~|<.*>)+\Z", "", word.text)) is not None


def _long_type_size(words: Sequence[_Word]) -> int:
    """How many of the words, at least two, are one SQL type with a name behind it; 0 when none are."""
    for size in range(min(5, len(words) - 1), 1, -1):
        if _LONG_TYPE.fullmatch(" ".join(word.text for word in words[:size]).lower()):
            return size
    return 0


def _constraint(words: Sequence[_Word], index: int) -> tuple[int, str, bool | tuple[str, ...]] | None:
    for size in (2, 1):
        found = _CONSTRAINTS.get(tuple(word.text.lower() for word in words[index : index + size]))
        if found:
            return size, *found
    return None


def _entry(tree: Tree[Token], line: int, column: int) -> tuple[list[_Word], list[Token]]:
    words: list[_Word] = []
    marks: list[Token] = []
    for child in tree.children:
        assert isinstance(child, Tree)
        token = _place(_token(child), line, column)
        if child.data == "mark":
            marks.append(token)
        else:
            end = (token.column or 0) + len(token)
            words.append(
                _Word(str(token), token.type, token.line or 1, token.column or 0, end, len(child.children) > 1)
            )
    return words, marks


def _token(tree: Tree[Token]) -> Token:
    token = tree.children[0]
    assert isinstance(token, Token)
    return token


def _place(token: Token, line: int, column: int) -> Token:
    """The token with its place in the diagram instead of the line's own."""
    above = (token.line or 1) - 1
    token.column = (token.column or 1) + (0 if above else column - 1)
    token.line = line + above
    return token

"""Text pools: free text that somebody wrote once, in files beside the plan, drawn for any number of rows.

A pool is `seedbed/pools/<name>.jsonl` below the project's root, one JSON object a line:

    {"stratum": {"category": "Audio"}, "text": "Closed-back headphones for long days, in {color}."}
    {"text": "A solid choice."}

The stratum are the values of the columns that the text depends on. A line without one is for every row whose
stratum has no line of its own. `{color}` and `{product_id.name}` are slots, filled from the row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed.errors import Diagnostic, Location, Severity, closest, has_errors
from seedbed.plan.beside import BesideError, fingerprint_of, read_beside
from seedbed.plan.hygiene import find_unclean
from seedbed.schema import Scalar

FOLDER = "seedbed/pools"
TEXTS = 24
"""Texts that an author writes for a pool, unless a person wants more."""
MAX_TEXTS = 20_000
MAX_CHARACTERS = 4_000
MAX_SLOTS = 8
"""Slots of one text."""

_SLOT = re.compile(r"\{([^{}]+)\}")
_PATH = re.compile(r"[^\s.{}][^.{}]*(?:\.[^\s.{}][^.{}]*)*")
_KEYS = ("stratum", "text")
_SHOWN_PROBLEMS = 50

Stratum = tuple[str | None, ...]
"""The values of the columns that a text depends on, spelled as text, in the order of the generator's `by`."""


@dataclass(frozen=True, slots=True)
class PoolText:
    """One text. `pieces` are words and slots in turn, words first and last; `stratum` is empty where it is for any row.

    `line` is the text's line in its file, 0 while it has none.
    """

    pieces: tuple[str, ...]
    stratum: Mapping[str, Scalar | None]
    line: int = 0

    @property
    def slots(self) -> tuple[str, ...]:
        """The columns, or paths to parents' columns, that fill it."""
        return self.pieces[1::2]

    @property
    def words(self) -> str:
        """The text without what fills its slots."""
        return "".join(self.pieces[::2])

    def __str__(self) -> str:
        return "".join(f"{{{piece}}}" if place % 2 else piece for place, piece in enumerate(self.pieces))


@dataclass(frozen=True, slots=True)
class TextPool:
    """All texts of one file, in its order."""

    name: str
    texts: tuple[PoolText, ...]

    @property
    def file(self) -> str:
        """The file, relative to the project's root."""
        return file_of(self.name)

    @property
    def slots(self) -> tuple[str, ...]:
        """Every slot of every text, without repeats."""
        return tuple(dict.fromkeys(slot for text in self.texts for slot in text.slots))

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits: of two pools that have the same, the same rows are drawn."""
        return fingerprint_of(render_pool(self.texts))

    def by_stratum(self, by: Iterable[str]) -> dict[Stratum, list[int]]:
        """The places of the texts of each stratum; of those for any row under the empty one."""
        names = [name.casefold() for name in by]
        found: dict[Stratum, list[int]] = {}
        for place, text in enumerate(self.texts):
            folded = {name.casefold(): value for name, value in text.stratum.items()}
            key = tuple(spelled(folded.get(name)) for name in names) if folded else ()
            found.setdefault(key, []).append(place)
        return found


def file_of(name: str) -> str:
    """The pool's file, relative to the project's root."""
    return f"{FOLDER}/{name}.jsonl"


def spelled(value: Scalar | None) -> str | None:
    """A value as it is compared: its text, as it would stand in a file."""
    return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)


def spoken_stratum(stratum: Mapping[str, object]) -> str:
    """`category = 'Audio', status = null`; `any` for none."""
    parts = (f"{name} = {'null' if value is None else repr(value)}" for name, value in stratum.items())
    return ", ".join(parts) or "any"


def with_stand_ins(root: Path, names: Iterable[str]) -> dict[str, str]:
    """The contents of pools with a text for every stratum that has none: to look at a plan that still lacks texts."""
    files = {}
    for name in names:
        try:
            content = read_beside(root, file_of(name))
        except BesideError:
            content = ""
        files[file_of(name)] = f'{content.rstrip()}\n{{"text": "?"}}\n'
    return files


# --- reading and writing -------------------------------------------------------------------------------------


def read_pool(
    root: Path, name: str, files: Mapping[str, str] | None = None
) -> tuple[TextPool | None, list[Diagnostic]]:
    """Reads a pool's file; the pool is None where that holds an error, or is not there.

    Args:
        root: the project's root.
        name: the pool's.
        files: texts of files that are not written yet, by path.
    """
    file = file_of(name)
    try:
        return parse_pool(read_beside(root, file, files), name)
    except BesideError as error:
        hint = "write it, one JSON object a line, or have an LLM write it: seedbed pools --rebalance"
        return None, [Diagnostic("no-pool", str(error), Location(file), hint=hint)]


def parse_pool(text: str, name: str) -> tuple[TextPool | None, list[Diagnostic]]:
    """The pool that the content of its file means, or None; and what is wrong with it, line by line."""
    file, found = file_of(name), list[Diagnostic]()
    texts: list[PoolText] = []
    first: dict[tuple[str, str], int] = {}
    # Not splitlines(), which also breaks at characters that JSON leaves alone.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = Location(file, number)
        if len(texts) == MAX_TEXTS or len(found) > _SHOWN_PROBLEMS:
            said = f"reading stops here: at most {MAX_TEXTS:,} texts and {_SHOWN_PROBLEMS} problems are taken"
            found.append(Diagnostic("pool-too-large", said, place))
            break
        read = _read_line(line, place, found)
        if read is None:
            continue
        texts.append(read)
        key = (json.dumps(sorted((k, spelled(v)) for k, v in read.stratum.items())), str(read))
        before = first.setdefault(key, number)
        if before != number:
            said = f"the text of line {before} stands here again, which makes it twice as likely"
            found.append(Diagnostic("pool-twice", said, place, Severity.WARNING, "remove one of them"))
    if not texts and not found:
        found.append(Diagnostic("empty-pool", "the pool holds no text", Location(file), hint="write one a line"))
    return (None if has_errors(found) else TextPool(name, tuple(texts))), found


def render_pool(texts: Iterable[PoolText]) -> str:
    """The content of a file that holds the texts."""
    lines = []
    for text in texts:
        said: dict[str, object] = {"stratum": dict(text.stratum)} if text.stratum else {}
        lines.append(json.dumps(said | {"text": str(text)}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def read_text(
    text: str, place: Location, stratum: Mapping[str, Scalar | None], found: list[Diagnostic]
) -> PoolText | None:
    """The text with its slots; None where something is wrong with it, which is reported."""
    pieces = tuple(_SLOT.split(text))
    # What is unclean first: the braces of Jinja are no slots.
    problems = list(find_unclean(text, max_length=MAX_CHARACTERS, location=place)) or list(_wrong_slots(pieces, place))
    found += problems
    return None if problems else PoolText(pieces, stratum, place.line or 0)


def _wrong_slots(pieces: tuple[str, ...], place: Location) -> Iterator[Diagnostic]:
    words, slots = pieces[::2], pieces[1::2]
    how = "write slots as {column} or {foreign_key.column}"
    if not slots and not words[0].strip():
        yield Diagnostic("pool-empty-text", "the text is empty", place, hint="remove the line")
    if any("{" in piece or "}" in piece for piece in words):
        yield Diagnostic("pool-brace", "the text holds a brace that belongs to no slot", place, hint=how)
    if len(slots) > MAX_SLOTS:
        yield Diagnostic("pool-slots", f"the text has {len(slots)} slots; at most {MAX_SLOTS} are filled", place)
    for slot in slots:
        if not _PATH.fullmatch(slot):
            yield Diagnostic("pool-slot", f'"{slot}" is no column and no path to one', place, hint=how)


def _read_line(line: str, place: Location, found: list[Diagnostic]) -> PoolText | None:
    try:
        value = json.loads(line, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        hint = 'write a line as {"stratum": {"column": "value"}, "text": "..."}'
        found.append(Diagnostic("pool-json", f"this line is no JSON object: {said}", place, hint=hint))
        return None
    problems = list(_misshapen(value, place))
    found += problems
    return None if problems else read_text(value["text"], place, value.get("stratum") or {}, found)


def _misshapen(value: Any, place: Location) -> Iterator[Diagnostic]:
    if not isinstance(value, dict):
        yield Diagnostic("pool-json", "this line is no JSON object", place, hint='write {"text": "..."}')
        return
    for key in value:
        if key not in _KEYS:
            hint = closest(key, _KEYS) or f"known are {', '.join(_KEYS)}"
            yield Diagnostic("unknown-key", f'"{key}" is not known here', place, hint=hint)
    if not isinstance(value.get("text"), str):
        yield Diagnostic("pool-text", 'the line has no "text" that is a text', place)
    stratum = value.get("stratum", {})
    if not isinstance(stratum, dict) or not all(_is_scalar(item) for item in stratum.values()):
        said = '"stratum" maps columns to single values'
        yield Diagnostic("pool-stratum", said, place, hint='write {"stratum": {"category": "Audio"}, ...}')


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
        raise ValueError(f'the key "{twice}" stands twice')
    return result


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")

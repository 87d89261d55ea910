"""The call that has an LLM write texts of one pool, for some of its strata at once."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from seedbed.authoring.client.calls import Message, Request
from seedbed.authoring.llm.answer import TEXT, at_most, misshapen, wire_object
from seedbed.authoring.llm.prompts import Templates
from seedbed.authoring.llm.untrusted import clean, data_block
from seedbed.authoring.llm.wishes import Wish
from seedbed.errors import Diagnostic, Location
from seedbed.plan.text_pools import PoolText, read_text
from seedbed.schema import Scalar, Schema

AT_ONCE = 40
"""Texts of one call: in longer answers they repeat each other."""
AVOIDED = 100
"""Texts that the LLM is shown as written already."""
_SHOWN = 60
"""Characters of each of them."""
_TOKENS_OF_LONG, _TOKENS_OF_NAME, _TOKENS = 75, 9, 18
"""About how many tokens a text of several sentences has, a name, and another text."""
_DOMAIN = 200
_USABLE = 0.5
"""An answer of which a smaller share can be used goes back to the LLM."""
_MANNERS = (
    "a busy clerk who notes the least", "somebody thorough who explains", "an expert who uses the words of the trade",
    "somebody who is annoyed", "somebody who is pleased", "a newcomer who is unsure", "somebody who quotes another",
    "a manager who looks at the whole", "somebody who tells what happened step by step", "a person of few, blunt words",
)  # fmt: skip
"""Who writes, three of them a call, so that the tenth call does not repeat the first."""

TEXTS_FORMAT = wire_object(
    strata={
        "type": "array",
        "items": wire_object(stratum=TEXT, texts={"type": "array", "items": TEXT}),
    }
)


class _Answered(BaseModel):
    stratum: str | int
    texts: list[str]


class _TextsAnswer(BaseModel):
    strata: list[_Answered]


@dataclass(frozen=True, slots=True)
class Shortage:
    """How many texts a stratum still needs, those that were written last for it, and the words that are worn."""

    stratum: Mapping[str, Scalar | None]
    count: int
    written: Sequence[str] = ()
    worn: Sequence[str] = ()


def texts_request(
    schema: Schema, templates: Templates, domain: str, wish: Wish, shortages: Sequence[Shortage], batch: int
) -> Request:
    """The question for the texts that some strata of a pool are short of; `batch` counts the calls for this pool."""
    lines = [
        f"{number}: {_spoken(shortage.stratum)}, {shortage.count} texts" for number, shortage in enumerate(shortages, 1)
    ]
    each = _TOKENS_OF_LONG if wish.is_long else _TOKENS_OF_NAME if wish.is_name else _TOKENS
    expected = sum(12 + each * shortage.count for shortage in shortages)
    plain = wish.is_name or wish.is_line
    said = templates.fill(
        "texts",
        domain=f"{data_block(clean(domain, _DOMAIN))}\n" if domain else "",
        about=_about(schema, wish),
        column=clean(wish.column),
        form=wish.form,
        length=f"At most {wish.length} characters. " if wish.length else "",
        slots=_slots(wish),
        manner="" if plain else f"- Written by, in turn: {'; '.join(_manners(batch))}.",
        strata=data_block("\n".join(lines)),
        avoid=_avoid(shortages),
    )
    return Request(
        "texts",
        (Message("user", said),),
        TEXTS_FORMAT,
        batch=batch,
        answer_tokens=expected,
        max_tokens=at_most(expected),
    )


def read_texts(
    value: object, wish: Wish, shortages: Sequence[Shortage]
) -> tuple[list[list[PoolText]], list[Diagnostic]]:
    """The texts of each stratum that can be used, and what is wrong with the others.

    There is nothing wrong with an answer of which at least half can be used: the others are left out.
    """
    found: list[list[PoolText]] = [[] for _ in shortages]
    try:
        answer = _TextsAnswer.model_validate(value)
    except ValidationError as error:
        return found, [misshapen(error)]
    problems: list[Diagnostic] = []
    count = 0
    for answered in answer.strata:
        number = str(answered.stratum).strip()
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= len(shortages):
            hint = f"strata are 1 to {len(shortages)}"
            problems.append(Diagnostic("unasked-stratum", f'there is no stratum "{clean(number, 40)}"', hint=hint))
            continue
        place = int(number) - 1
        for text in answered.texts[: 2 * AT_ONCE]:
            count += 1
            path = Location(path=f"strata.{number}")
            written = _read(text, wish, shortages[place].stratum, path, problems)
            if written is not None:
                found[place].append(written)
    usable = sum(map(len, found))
    if not count and not problems:
        problems.append(Diagnostic("not-answered", "there is no text"))
    return found, [] if usable and usable >= _USABLE * count else problems


def _read(
    text: str, wish: Wish, stratum: Mapping[str, Scalar | None], place: Location, problems: list[Diagnostic]
) -> PoolText | None:
    said = unicodedata.normalize("NFC", " ".join(text.split()))
    written = read_text(said, place, stratum, problems)
    if written is None:
        return None
    unknown = [slot for slot in written.slots if slot not in wish.slots]
    room = len(written.words) + sum(wish.slots.get(slot) or 0 for slot in written.slots)
    if unknown:
        hint = f"slots are {', '.join(f'{{{slot}}}' for slot in wish.slots)}" if wish.slots else "write it without"
        problems.append(Diagnostic("pool-slot", f"{{{clean(unknown[0], 60)}}} is no slot", place, hint=hint))
    elif written.slots and not written.pieces[0].strip():
        problems.append(
            Diagnostic("pool-slot", f'"{clean(said, 60)}" begins with a slot', place, hint="begin in words")
        )
    elif wish.length is not None and room > wish.length:
        message = f'"{clean(said, 60)}" has {room} characters, its slots filled; {wish.length} are allowed'
        problems.append(Diagnostic("text-too-long", message, place))
    else:
        return written
    return None


def _about(schema: Schema, wish: Wish) -> str:
    """What is known of the table and the column, with the names of the other columns."""
    table = schema.table(wish.table)
    column = table.column(wish.column) if table else None
    said = [f"table: {clean(wish.table)}"]
    if table and table.description:
        said[0] += f". {clean(table.description.value, 200)}"
    said.append(f"column: {clean(wish.column)}")
    if column and column.description:
        said[1] += f". {clean(column.description.value, 200)}"
    others = [clean(item.name, 60) for item in (table.columns if table else ()) if item.name != wish.column]
    said.append(f"beside it: {', '.join(others[:20])}")
    return data_block("\n".join(said))


def _spoken(stratum: Mapping[str, Scalar | None]) -> str:
    said = {clean(name): clean(str(value), 80) if value is not None else None for name, value in stratum.items()}
    return json.dumps(said, ensure_ascii=False) if said else "any row"


def _slots(wish: Wish) -> str:
    if not wish.slots:
        return "They stand as they are: no placeholders."
    listed = " ".join(f"{{{slot}}}" for slot in wish.slots)
    return f"One in four may quote its row, within the sentence: {listed}. No other placeholders."


def _manners(batch: int) -> list[str]:
    return [_MANNERS[(3 * batch + place) % len(_MANNERS)] for place in range(3)]


def _avoid(shortages: Sequence[Shortage]) -> str:
    share = max(1, AVOIDED // max(1, len(shortages)))
    shown = [clean(text, _SHOWN) for shortage in shortages for text in shortage.written[-share:]]
    worn = list(dict.fromkeys(word for shortage in shortages for word in shortage.worn))
    parts = []
    if shown:
        parts.append(f"These are written already; write nothing like them:\n{data_block(chr(10).join(shown))}")
    if worn:
        parts.append(f"These words are worn, turn to other subjects:\n{data_block(', '.join(worn[:20]))}")
    return "\n".join(parts)

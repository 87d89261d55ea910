"""What an LLM wrote, read as JSON: tolerant of what stands around the object, strict about the object itself."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from seedbed.authoring.client.outcomes import Invalid
from seedbed.errors import Diagnostic, Location

MAX_CHARACTERS = 2_000_000
MAX_DEPTH = 40

_THOUGHT = re.compile(r"\s*(?:<(think|thinking|reasoning)>)?.*?</(?:think|thinking|reasoning)>", re.S)
_OBJECT = re.compile(r'\{\s*["}]')


def read_answer(text: str) -> dict[str, Any]:
    """The JSON object in an answer. A byte order mark, thoughts, a code fence and prose around it are left out.

    Raises:
        Invalid: there is no such object, or more than one; or it has a key twice, a number that JSON does not have,
            half a surrogate pair, or more than `MAX_DEPTH` levels.
    """
    if len(text) > MAX_CHARACTERS:
        raise _invalid(
            "answer-too-long", f"the answer has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
        )
    text = text.lstrip("\ufeff")
    if not text.lstrip().startswith("{") and (thought := _THOUGHT.match(text)):
        text = text[thought.end() :]
    if not text.strip():
        raise _invalid("answer-empty", "the answer is empty; expected was one JSON object")
    # Only the first brace that can open an object counts: inside a broken object, smaller ones would still parse.
    begin = _OBJECT.search(text)
    if begin is None or text.lstrip().startswith("["):
        raise _invalid("answer-not-json", f'the answer is not one JSON object; it begins "{_begin(text)}"')
    try:
        value, end = _DECODER.raw_decode(text, begin.start())
    except json.JSONDecodeError as error:
        at = Location(line=error.lineno, column=error.colno)
        near = _begin(text[max(0, error.pos - 20) :])
        raise _invalid("answer-not-json", f'the JSON cannot be read: {error.msg}, near "{near}"', at) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _invalid("answer-not-json", str(error)) from None
    if _OBJECT.search(text, end):
        raise _invalid("answer-twice", "the answer holds more than one JSON object; only one can count")
    _check(value)
    return value  # type: ignore[no-any-return]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f'the key "{key}" stands twice in one object; only one of them can count')
        result[key] = value
    return result


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)


def _check(root: object) -> None:
    values: list[tuple[object, int]] = [(root, 1)]
    while values:
        value, depth = values.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, dict):
            values += [(key, depth) for key in value]
            values += [(child, depth + 1) for child in value.values()]
        elif isinstance(value, list):
            values += [(child, depth + 1) for child in value]
        elif isinstance(value, str) and not value.isascii() and re.search(r"[\ud800-\udfff]", value):
            raise _invalid("answer-surrogate", f"the text {ascii(value)[:80]} holds half a surrogate pair")


def _too_deep() -> Invalid:
    return _invalid("answer-too-deep", f"values are nested more than {MAX_DEPTH} deep")


def _begin(text: str) -> str:
    return " ".join(text[:60].split())


def _invalid(code: str, message: str, at: Location | None = None) -> Invalid:
    return Invalid("The answer cannot be read.", [Diagnostic(code, message, at or Location())])

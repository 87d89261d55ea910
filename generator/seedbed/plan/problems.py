"""What pydantic finds wrong with text from outside, in our words: which value stands where, and what was expected."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from seedbed.documents import Document
from seedbed.errors import Diagnostic, closest

_LONGEST = 60
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "dict": "a mapping",
    "list": "a list",
    "tuple": "a list",
    "model": "a mapping",
    "date": "a date such as 2026-01-31",
    "datetime": "a date and time such as 2026-01-31 08:00:00",
}
_BOUNDS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}
_PATTERNS = {"^[a-z]{2,3}_[A-Z]{2}$": "a language and a country such as de_DE"}
_GENERATOR = "a generator such as integer(1, 9)"
_ROWS = "a number of rows such as 40, or a text such as per orders, poisson(2)"
_CLASSES = {
    "Generator": _GENERATOR,
    "ColumnEntry": _GENERATOR,
    "Rule": "a rule such as row('amount > 0')",
    "FixedRows": _ROWS,
    "Dwell": "a time such as 3d or lognormal(median='3d')",
}
"""How a person writes what is read into one of these classes."""


_FAULTS = (
    "type", "parsing", "from_float", "parsing_size", "attributes_type", "from_datetime_parsing",
    "from_datetime_inexact", "from_date_parsing", "unicode",
)  # fmt: skip


def wanted(problem: Mapping[str, Any]) -> str | None:
    """What one of pydantic's problems says that should stand there; None for a message of our own, or a rare one."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _BOUNDS:
        return _BOUNDS[kind].format_map({name: f"{end:.12g}" for name, end in context.items()})
    if kind in ("literal_error", "enum"):
        return str(context["expected"])
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"a text that matches {context['pattern']}")
    if kind == "finite_number":
        return "a finite number"
    if kind.startswith("model_") and context.get("class_name") in _CLASSES:
        return _CLASSES[context["class_name"]]
    name, _, fault = kind.partition("_")
    return _TYPES.get(name) if fault in _FAULTS else None


def shown(value: Any) -> str:
    """A value, as short as a message can hold."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def spoken_problems(
    error: ValidationError, document: Document, model: type[BaseModel], code: str | None = None
) -> Iterator[Diagnostic]:
    """One diagnostic for each place, however many readings of it were tried there.

    Args:
        error: what pydantic found.
        document: the YAML that the value was read from.
        model: the class that it was to be read as.
        code: of all diagnostics; by default `unknown-key`, `missing-key` or `invalid-plan`.
    """
    seen: dict[tuple[str | int, ...], Diagnostic] = {}
    meant: set[tuple[str | int, ...]] = set()
    """Places of keys that are not missing, but misspelt."""
    for problem in error.errors(include_url=False):
        path = _inside(document, problem["loc"])
        place = document.location(*path)
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            inside = path[:-1] if path and str(path[-1]) == key else path
            known = _known_keys(model, inside)
            near = closest(key, known, "{}")
            hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}" if known else None
            found = Diagnostic(code or "unknown-key", f'"{key}" is not known here', place, hint=hint)
            meant |= {(*inside, near)} if near else set()
        elif problem["type"] == "missing":
            key = str(problem["loc"][-1])
            path = (*path, key)
            found = Diagnostic(code or "missing-key", f'"{key}" is missing', place, hint=f"add `{key}:`")
        else:
            value = document.at(*path).value
            if isinstance(value, dict | list) and not isinstance(problem["input"], dict | list):
                value = problem["input"]  # of a part that the document spells otherwise
            found = Diagnostic(code or "invalid-plan", _message(problem, value), place, hint=_meant(problem, value))
        seen.setdefault(path, found)
    for path, found in seen.items():
        # A whole entry is not wrong beside what is wrong inside it.
        whole = any(other != path and other[: len(path)] == path for other in seen)
        if not whole and path not in meant:
            yield found


def _message(problem: Mapping[str, Any], value: Any) -> str:
    expected, said = wanted(problem), str(problem["msg"])
    if expected is None and said.startswith("Value error, "):
        return said.removeprefix("Value error, ")
    return f"{shown(value)} stands here; it should be {expected or said.removeprefix('Input should be ')}"


def _meant(problem: Mapping[str, Any], value: Any) -> str | None:
    """One of few values that was misspelt."""
    if problem["type"] not in ("literal_error", "enum"):
        return None
    return closest(str(value), re.findall(r"'([^']*)'", problem["ctx"]["expected"]))


def _inside(document: Document, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The part of a path that the document has: pydantic adds the names of the types that it tried."""
    inside: tuple[str | int, ...] = ()
    value = document.value
    for part in path:
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if in_list or (isinstance(value, dict) and part in value):
            value = value[part]
            inside = (*inside, part)
    return inside


def _known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that may stand at that path below a value of that class."""
    kinds: list[Any] = [model]
    for part in path:
        kinds = [below for kind in kinds for below in _below(kind, str(part))]
    return tuple(dict.fromkeys(name for kind in kinds if _is_model(kind) for name in kind.model_fields))


def _below(kind: Any, key: str) -> Iterator[Any]:
    """The types that a value of type `kind` may hold under a key."""
    if typing.get_origin(kind) is dict:
        yield from _options(typing.get_args(kind)[1])
    elif _is_model(kind) and key in kind.model_fields:
        yield from _options(kind.model_fields[key].annotation)


def _options(annotation: Any) -> Iterator[Any]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            yield from _options(part)
    elif typing.get_origin(annotation) is typing.Annotated:
        yield from _options(typing.get_args(annotation)[0])
    else:
        yield annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)

"""Reads the generator strings of a plan, such as `lognormal(median=120, sigma=0.6)`.

A string is a call with literal arguments. It is parsed with Python's grammar, never evaluated, and validated
by the class of its kind.
"""

from __future__ import annotations

import ast
import math
import warnings
from typing import Any

from pydantic import ValidationError

from seedbed.errors import closest
from seedbed.plan.kinds import KINDS, Generator

MAX_CHARACTERS = 4_000
MAX_BRACKETS = 12


class GeneratorError(ValueError):
    """A generator string that cannot be used; the message says why, and `hint` what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def parse_generator(text: str) -> Generator:
    """The generator that a string such as `choice({'a': 3, 'b': 1}, null=0.1)` describes.

    Raises:
        GeneratorError: with what is wrong, and the nearest thing that is right.
    """
    call = _parse_call(text)
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    cls = KINDS.get(name)
    if cls is None:
        hint = closest(name, KINDS) or f"known are {', '.join(KINDS)}"
        raise GeneratorError(f'there is no generator "{name}"', hint)
    arguments: dict[str, Any] = {}
    for position, node in enumerate(call.args):
        if position >= len(cls.positional):
            raise GeneratorError(f"{name} takes {len(cls.positional)} arguments without a name, not {len(call.args)}")
        arguments[cls.positional[position]] = _literal(node)
    for keyword in call.keywords:
        if keyword.arg is None:
            raise GeneratorError(f"{name}: arguments cannot be unpacked with **")
        if keyword.arg in arguments:
            raise GeneratorError(f"{name}: {keyword.arg} is given twice")
        if keyword.arg not in cls.model_fields:
            hint = closest(keyword.arg, cls.model_fields) or f"{name} takes {', '.join(cls.model_fields)}"
            raise GeneratorError(f'{name} has no argument "{keyword.arg}"', hint)
        arguments[keyword.arg] = _literal(keyword.value)
    try:
        return cls(**arguments)
    except ValidationError as error:
        raise GeneratorError(f"{name}: {spoken_errors(error)}") from None


def spoken_errors(error: ValidationError, limit: int = 4) -> str:
    """A pydantic error as one line: where, and what was expected."""
    parts = []
    for found in error.errors()[:limit]:
        where = ".".join(str(part) for part in found["loc"])
        message = str(found["msg"]).removeprefix("Value error, ")
        parts.append(f"{where}: {message}" if where else message)
    return "; ".join(parts)


def parse_call(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Name, positional and named literal arguments of a call; for the small languages of the plan.

    Raises:
        GeneratorError: the text is no single call with literal arguments.
    """
    call = _parse_call(text)
    assert isinstance(call.func, ast.Name)
    return (
        call.func.id,
        [_literal(node) for node in call.args],
        {k.arg or "**": _literal(k.value) for k in call.keywords},
    )


def _parse_call(text: str) -> ast.Call:
    if not text.strip():
        raise GeneratorError("the generator is empty", "write for example integer(1, 10)")
    if len(text) > MAX_CHARACTERS:
        raise GeneratorError(f"the generator has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_BRACKETS:
            raise GeneratorError(f"brackets are nested more than {MAX_BRACKETS} deep")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise GeneratorError(f"{text!r} cannot be read: {said}", "write it as kind(arguments)") from None
    if isinstance(body, ast.Name):
        body = ast.Call(func=body, args=[], keywords=[])
    if not (isinstance(body, ast.Call) and isinstance(body.func, ast.Name)):
        raise GeneratorError(f"{text!r} is not a generator", "write it as kind(arguments), for example integer(1, 10)")
    return body


_WORDS = {"true": True, "false": False, "null": None}


def _literal(node: ast.expr, depth: int = 0) -> Any:
    if depth > 6:
        raise GeneratorError("arguments are nested too deep")
    match node:
        case ast.Constant(value=None | bool() | str()):
            return node.value
        case ast.Constant(value=int() | float() as number):
            if not (math.isfinite(number) and abs(number) <= 2**62):
                raise GeneratorError("a number is out of range")
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
            number, bool
        ):
            return -_literal(node.operand, depth + 1)
        case ast.List() | ast.Tuple():
            return [_literal(item, depth + 1) for item in node.elts]
        case ast.Dict():
            result: dict[Any, Any] = {}
            for key_node, value_node in zip(node.keys, node.values, strict=True):
                if key_node is None:
                    raise GeneratorError("values cannot be unpacked with **")
                key = _literal(key_node, depth + 1)
                if isinstance(key, list | dict) or key is None:
                    raise GeneratorError("the keys of {...} must be texts, numbers, true or false")
                if key in result:
                    raise GeneratorError(f"{key!r} stands twice in {{...}}")
                result[key] = _literal(value_node, depth + 1)
            return result
        case ast.Name(id="true" | "false" | "null"):
            return _WORDS[node.id]
    raise GeneratorError(f"only literal values are allowed, not {ast.unparse(node)[:60]!r}")

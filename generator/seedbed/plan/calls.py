"""The short strings of a plan: calls with literal arguments, such as `lognormal(median=120, sigma=0.6)`.

A string is parsed with Python's grammar, never evaluated, and validated by the class of its kind.
"""

from __future__ import annotations

import ast
import datetime as dt
import math
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from seedbed.errors import closest
from seedbed.plan.problems import wanted

MAX_CHARACTERS = 4_000
MAX_BRACKETS = 12
# Before Python 3.12.2, and 3.11.8, threads that parse at once count their depth together and fail
# (https://github.com/python/cpython/issues/106905).
_PARSING = threading.Lock()


class CallError(ValueError):
    """A string that cannot be used; the message says why, and `hint` what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Call(BaseModel):
    """What every kind of call has: a name, arguments, and the string that stands in a plan."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
    kind: ClassVar[str]
    positional: ClassVar[tuple[str, ...]] = ()
    nests: ClassVar[bool] = False
    """Whether its arguments may be calls of the same family themselves."""

    def __str__(self) -> str:
        return _format(self)

    @model_validator(mode="after")
    def _consistent(self) -> Call:
        self.check()
        return self

    def check(self) -> None:
        """Raises ValueError when arguments that are each valid do not fit together."""

    def literal(self, name: str) -> Any:
        """An argument as it is written."""
        return getattr(self, name)


C = TypeVar("C", bound=Call)


def build_validators(kinds: Iterable[type[Call]]) -> None:
    """Makes classes of calls ready to take arguments, where such are read.

    A worker process gets its calls ready-made and does without. Otherwise pydantic would build each validator when it
    is first used, during which, before version 2.14, another thread can be given that of the base class.
    """
    for kind in kinds:
        kind.model_rebuild()


def read_call(text: str, kinds: Mapping[str, type[C]], noun: str) -> C:
    """The call that a string describes.

    Args:
        text: for example `choice({'a': 3, 'b': 1}, null=0.1)`.
        kinds: the known kinds by name.
        noun: what they are, for messages.

    Raises:
        CallError: with what is wrong, and the nearest thing that is right.
    """
    return _read(_parse(text, noun), kinds, noun)


def _read(call: ast.Call, kinds: Mapping[str, type[C]], noun: str) -> C:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    cls = kinds.get(name)
    if cls is None:
        hint = closest(name, kinds) or f"known are {', '.join(kinds)}"
        raise CallError(f'there is no {noun} "{name}"', hint)
    inner = (lambda node: _read(node, kinds, noun)) if cls.nests else None
    arguments: dict[str, Any] = {}
    for position, node in enumerate(call.args):
        if position >= len(cls.positional):
            raise CallError(f"{name} takes {len(cls.positional)} arguments without a name, not {len(call.args)}")
        arguments[cls.positional[position]] = _literal(node, inner)
    for keyword in call.keywords:
        if keyword.arg is None:
            raise CallError(f"{name}: arguments cannot be unpacked with **")
        if keyword.arg in arguments:
            raise CallError(f"{name}: {keyword.arg} is given twice")
        if keyword.arg not in cls.model_fields:
            hint = closest(keyword.arg, cls.model_fields) or f"{name} takes {', '.join(cls.model_fields)}"
            raise CallError(f'{name} has no argument "{keyword.arg}"', hint)
        arguments[keyword.arg] = _literal(keyword.value, inner)
    try:
        return cls(**arguments)
    except ValidationError as error:
        raise CallError(f"{name}: {spoken_errors(error)}") from None


def spoken_errors(error: ValidationError, limit: int = 4) -> str:
    """A pydantic error as one line: where, and what was expected."""
    parts = []
    for found in error.errors()[:limit]:
        where = ".".join(str(part) for part in found["loc"])
        expected = _expected(found)
        message = expected or str(found["msg"]).removeprefix("Value error, ")
        parts.append(f"{where}{' ' if expected else ': '}{message}" if where else message)
    return "; ".join(parts)


def _expected(problem: Mapping[str, Any]) -> str | None:
    """What one of pydantic's problems says of an argument, in the words of the other messages."""
    kind, value = problem["type"], problem["input"]
    if kind == "missing":
        return "is missing"
    if kind in ("too_short", "string_too_short") and problem["ctx"]["min_length"] == 1:
        return "must not be empty"
    expected = wanted(problem)
    if expected is None or "_than" in kind:
        return expected and f"must be {expected}"
    near = closest(str(value), re.findall(r"'([^']*)'", expected), "; did you mean {}?") if "_error" in kind else None
    return f"must be {expected}, not {_short(value)}{near or ''}"


def _short(value: Any) -> str:
    return repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}..."


def parse_call(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Name, positional and named literal arguments of a call; for the small languages of the plan.

    Raises:
        CallError: the text is no single call with literal arguments.
    """
    call = _parse(text, "generator")
    assert isinstance(call.func, ast.Name)
    return (
        call.func.id,
        [_literal(node) for node in call.args],
        {k.arg or "**": _literal(k.value) for k in call.keywords},
    )


_EXAMPLES = {"generator": "integer(1, 10)", "rule": "row('amount > 0')"}


def _parse(text: str, noun: str) -> ast.Call:
    if not text.strip():
        raise CallError(f"the {noun} is empty", f"write for example {_EXAMPLES[noun]}")
    if len(text) > MAX_CHARACTERS:
        raise CallError(f"the {noun} has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_BRACKETS:
            raise CallError(f"brackets are nested more than {MAX_BRACKETS} deep")
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise CallError(f"{text!r} cannot be read: {said}", "write it as kind(arguments)") from None
    if isinstance(body, ast.Name):
        body = ast.Call(func=body, args=[], keywords=[])
    if not (isinstance(body, ast.Call) and isinstance(body.func, ast.Name)):
        raise CallError(f"{text!r} is not a {noun}", f"write it as kind(arguments), for example {_EXAMPLES[noun]}")
    return body


_WORDS = {"true": True, "false": False, "null": None}


def _literal(node: ast.expr, inner: Callable[[ast.Call], Call] | None = None, depth: int = 0) -> Any:
    """The value of a literal; `inner` reads a call in it, where there may be one."""
    if depth > 6:
        raise CallError("arguments are nested too deep")
    match node:
        case ast.Constant(value=None | bool() | str()):
            return node.value
        case ast.Constant(value=int() | float() as number):
            if not (math.isfinite(number) and abs(number) <= 2**62):
                raise CallError("a number is out of range")
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
            number, bool
        ):
            return -_literal(node.operand, inner, depth + 1)
        case ast.List() | ast.Tuple():
            return [_literal(item, inner, depth + 1) for item in node.elts]
        case ast.Dict():
            result: dict[Any, Any] = {}
            for key_node, value_node in zip(node.keys, node.values, strict=True):
                if key_node is None:
                    raise CallError("values cannot be unpacked with **")
                key = _literal(key_node, None, depth + 1)
                if isinstance(key, list | dict) or key is None:
                    raise CallError("the keys of {...} must be texts, numbers, true or false")
                if key in result:
                    raise CallError(f"{key!r} stands twice in {{...}}")
                result[key] = _literal(value_node, inner, depth + 1)
            return result
        case ast.Name(id="true" | "false" | "null"):
            return _WORDS[node.id]
        case ast.Call(func=ast.Name()) if inner:
            return inner(node)
    raise CallError(f"only literal values are allowed, not {ast.unparse(node)[:60]!r}")


def _format(call: Call) -> str:
    """The string of a call, which `read_call` reads back to an equal one."""
    parts = []
    values = {
        name: call.literal(name)
        for name, info in type(call).model_fields.items()
        if info.is_required() or getattr(call, name) != info.default
    }
    for name in call.positional:
        if name not in values:
            break
        parts.append(_format_literal(values.pop(name)))
    parts.extend(f"{name}={_format_literal(value)}" for name, value in values.items())
    return f"{call.kind}({', '.join(parts)})"


def _format_literal(value: Any) -> str:
    """A literal argument as it is written in a plan."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Call):
        return str(value)
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.date):
        return repr(value.isoformat(" ") if isinstance(value, dt.datetime) else value.isoformat())
    if isinstance(value, dict):
        if value and all(item == 1 for item in value.values()):
            return "[" + ", ".join(_format_literal(key) for key in value) + "]"
        return "{" + ", ".join(f"{_format_literal(key)}: {_format_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_format_literal(item) for item in value) + "]"
    return repr(value)

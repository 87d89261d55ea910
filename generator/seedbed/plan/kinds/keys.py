"""Kinds that make keys: unique values of a row by itself."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import Field

from seedbed.plan.kinds.base import Generator


class Sequence(Generator):
    """Whole numbers `start, start + step, ...` in row order: unique."""

    kind = "sequence"
    positional = ("start", "step")
    start: Annotated[int, Field(ge=-(2**62), le=2**62)] = 1
    step: Annotated[int, Field(ge=1, le=10**9)] = 1


class Uuid(Generator):
    """A version-4 UUID as text, lower case with hyphens (RFC 9562): unique."""

    kind = "uuid"


class HashKey(Generator):
    """32 hexadecimal digits, as `dbt_utils.generate_surrogate_key` makes them: unique."""

    kind = "hash_key"


class Pattern(Generator):
    """Text made from a template such as `CASE-{yyyy}-{n:06}` or `{LETTERS:2}-{digits:6}`; `{n}` is the row's number.

    `{n:06}` is padded with zeros; `{shuffled:06}` is that number in a scattered
    order without repeats; `{yyyy}` the year of the date or moment `of`, else of the plan's as-of date;
    `{digits:k}`, `{letters:k}`, `{LETTERS:k}`, `{hex:k}`, `{alnum:k}` are k random characters.
    Unique when it holds `{n}` or `{shuffled}`.
    """

    kind = "pattern"
    positional = ("template",)
    template: Annotated[str, Field(min_length=1, max_length=200)]
    of: str | None = None
    """The column whose year is `{yyyy}`."""

    TOKENS: ClassVar[re.Pattern[str]] = re.compile(
        r"\{(n|shuffled|yyyy|digits|letters|LETTERS|hex|alnum)(?::(0?\d{1,2}))?\}"
    )

    @property
    def unique(self) -> bool:
        return any(token[0] in ("n", "shuffled") for token in self.TOKENS.findall(self.template))

    def check(self) -> None:
        rest = self.TOKENS.sub("", self.template)
        if "{" in rest or "}" in rest:
            raise ValueError(
                f"{self.template!r} has a brace that starts no known token; known are "
                "{n}, {n:06}, {shuffled:06}, {yyyy}, {digits:k}, {letters:k}, {LETTERS:k}, {hex:k}, {alnum:k}"
            )

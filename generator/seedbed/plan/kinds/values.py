"""Kinds that make or choose one value for a row."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from seedbed.plan.kinds.base import MAX_VALUES, Drawn, Generator, Share, Weights, check_weights
from seedbed.schema import Scalar


class Constant(Generator):
    """The same value in every row; `constant(null)` leaves the column empty."""

    kind = "constant"
    positional = ("value",)
    value: Scalar | None


class Each(Generator):
    """The values in turn, one a row, starting over when they run out; unique while rows are no more than values."""

    kind = "each"
    positional = ("values",)
    values: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=MAX_VALUES)]


class Choice(Drawn):
    """One of some values: `choice(['a', 'b'])`, or with weights `choice({'a': 70, 'b': 30})`."""

    kind = "choice"
    positional = ("values",)
    values: Weights

    def check(self) -> None:
        check_weights(self.values)


class ChoiceBy(Drawn):
    """One of some values, by another column's value: `choice_by('country', {'DE': {'EUR': 1}}, otherwise={...})`.

    A value of that column without a case of its own takes the case `otherwise`; without one it is an error.
    """

    kind = "choice_by"
    positional = ("column", "cases")
    column: str
    cases: Annotated[dict[Scalar, Weights], Field(min_length=1, max_length=200)]
    otherwise: Weights | None = None

    def check(self) -> None:
        for weights in (*self.cases.values(), *((self.otherwise,) if self.otherwise else ())):
            check_weights(weights)


class Boolean(Drawn):
    """True in a share `p` of the rows."""

    kind = "boolean"
    positional = ("p",)
    p: Share = 0.5


class Fake(Generator):
    """A person, company, address or internet value of the plan's locale, from the library Faker.

    Columns of one row that are drawn from the same person agree: the e-mail address is made of the name.
    `unique` adds what is needed to tell rows apart.
    """

    kind = "fake"
    positional = ("what",)
    what: Literal[
        "first_name", "last_name", "full_name", "email", "username", "phone", "company", "job", "street", "city",
        "region", "postal_code", "country", "country_code", "address", "latitude", "longitude", "url", "domain",
        "ipv4", "user_agent", "iban", "currency_code", "color", "word", "sentence", "paragraph", "product",
        "department",
    ]  # fmt: skip
    unique: bool = False
    locale: str | None = None
    """A locale such as `de_DE`, when it is not the plan's."""

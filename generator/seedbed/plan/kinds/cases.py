"""The kind that is another kind for each value of a column."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from seedbed.plan.kinds.base import Drawn, Generator
from seedbed.plan.kinds.derived import Template
from seedbed.plan.kinds.keys import Pattern
from seedbed.plan.kinds.values import Constant, Fake
from seedbed.schema import Scalar


def _generator(value: Any) -> Any:
    if value is not None and not isinstance(value, Generator):
        written = f"'{value}'" if isinstance(value, str) else value
        raise ValueError(f"{written} is no generator; write one without quotes, such as uniform(5, 50) or constant(0)")
    return value


class CaseBy(Drawn):
    """A generator for each value of a column: `case_by('type', {'fee': uniform(1, 5), 'sale': lognormal(90, 0.6)})`.

    A value without a case of its own takes the case `otherwise`; without one it is an error.
    """

    kind = "case_by"
    positional = ("column", "cases")
    nests = True
    column: str
    """The deciding column, or a path to a parent's."""
    cases: Annotated[
        dict[Scalar, Annotated[Generator, BeforeValidator(_generator)]], Field(min_length=1, max_length=200)
    ]
    """All follow from the same random number, so that a row whose case changes keeps its place in the order."""
    otherwise: Annotated[Generator | None, BeforeValidator(_generator)] = None

    ALONE: ClassVar = (Drawn, Constant, Fake, Pattern, Template)
    """What a case can be: what follows from the row alone."""

    @property
    def all_cases(self) -> tuple[Generator, ...]:
        return (*self.cases.values(), *((self.otherwise,) if self.otherwise else ()))

    def check(self) -> None:
        for case in self.all_cases:
            if not isinstance(case, self.ALONE) or isinstance(case, CaseBy):
                raise ValueError(f"{case.kind} cannot be a case, which is drawn for one row; try sql('case when ...')")
            if case.when or (isinstance(case, Drawn) and case.correlated):
                raise ValueError("when= and correlated= belong to case_by, not to one of its cases")

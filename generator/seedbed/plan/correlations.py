"""Columns of one row that are correlated, whatever their distributions: a Gaussian copula.

Each drawn column has normal scores, from which its values follow in order. Those of a correlated column are a sum
of the scores of the columns that it names, and of scores of its own: a row of the Cholesky factor of the
correlation matrix. What is not said follows: columns correlated with the same third one are so with each other as
far as that alone makes them. A column is thus drawn the same whichever later ones are correlated with it.

A correlation is Spearman's, of the ranks: what can be seen in the values of any distribution. That of the normal
scores is 2 sin(pi/6 * rho) (Kruskal 1958, Ordinal measures of association).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from seedbed.plan import kinds
from seedbed.plan.draft import Draft, Drafts

Scores = Mapping[str, float]
"""Weights of the columns whose own scores are summed; their squares sum to 1."""


def mixtures(drafts: Drafts, draft: Draft) -> dict[str, Scores]:
    """The correlated columns of a table; what cannot be carried out is reported."""
    found: dict[str, Scores] = {}
    waiting = {name for name, item in draft.generators.items() if isinstance(item, kinds.Drawn) and item.correlated}
    changed = True
    while changed:  # Those in a circle never get their turn; the circle is reported where all are.
        changed = False
        for name in sorted(waiting):
            generator = draft.generators[name]
            assert isinstance(generator, kinds.Drawn)
            if not waiting.isdisjoint(generator.correlated):
                continue
            if _check(drafts, draft, name, generator.correlated):
                found[name] = _mixture(drafts, draft, name, generator.correlated, found)
            waiting.remove(name)
            changed = True
    return found


def _check(drafts: Drafts, draft: Draft, name: str, correlated: Mapping[str, float]) -> bool:
    """Reports columns with which one cannot be correlated."""
    place = draft.place(name)
    for other in correlated:
        if other not in draft.generators:
            if "." in other:  # What is no path either is reported with all such names.
                message = f"{draft.name}.{name} is to be correlated with {other}, which is not in the same row"
                drafts.error("not-beside", message, place, "only columns of one row can be correlated")
            return False
        generator = draft.generators[other]
        if not isinstance(generator, kinds.Drawn) or other in draft.carried:
            drafts.error(
                "not-drawn",
                f"{draft.name}.{name} is to be correlated with {other}, but {generator} is not drawn in order",
                place,
                "name a column that is drawn: a number, a date, a choice or a boolean",
            )
            return False
        by, others = (_varies_by(draft, column) for column in (name, other))
        if by is not None and by != others:
            drafts.error(
                "varies-otherwise",
                f"{draft.name}.{name} varies by {by}, but {other}, with which it is correlated, does not",
                place,
                f"let {other} vary by {by} as well, or take out varies_by",
            )
            return False
    return True


def _varies_by(draft: Draft, name: str) -> str | None:
    said = draft.said.columns.get(name)
    return said.varies_by.casefold() if said and said.varies_by else None


def _mixture(
    drafts: Drafts, draft: Draft, name: str, correlated: Mapping[str, float], known: Mapping[str, Scores]
) -> Scores:
    """The scores of a column; reported where no numbers have the correlations that are asked for."""
    others = list(correlated)
    scores = [known.get(other, {other: 1.0}) for other in others]
    wanted = [2 * math.sin(math.pi / 6 * correlated[other]) for other in others]
    between = [[_product(one, two) for two in scores] for one in scores]
    weights: list[float] = []
    for count in range(1, len(others) + 1):
        weights = _solve([row[:count] for row in between[:count]], wanted[:count])
        if _product_of(weights, wanted[:count]) > 1 - 1e-9:
            low, high = _room(between, wanted, count - 1)
            last, before = others[count - 1], others[: count - 1]
            with_them = " and ".join(f"{correlated[other]:g} with {other}" for other in before)
            drafts.error(
                "impossible-correlation",
                f"{draft.name}.{name} cannot be correlated {correlated[last]:g} with {last} and {with_them}, as these "
                "are correlated themselves",
                draft.place(name),
                f"{last} leaves room between {low:.2f} and {high:.2f}",
            )
            return {name: 1.0}
    mixed: dict[str, float] = {}
    for weight, part in zip(weights, scores, strict=True):
        for column, share in part.items():
            mixed[column] = mixed.get(column, 0.0) + weight * share
    return {**mixed, name: math.sqrt(1 - _product_of(weights, wanted))}


def _room(between: Sequence[Sequence[float]], wanted: Sequence[float], at: int) -> tuple[float, float]:
    """Between which rank correlations that with the column `at` must lie, given those with the ones before it."""
    before = [list(row[:at]) for row in between[:at]]
    towards = _solve(before, [between[at][i] for i in range(at)])
    middle = _product_of(towards, wanted[:at])
    left = (1 - _product_of(towards, between[at][:at])) * (1 - _product_of(_solve(before, wanted[:at]), wanted[:at]))
    reach = math.sqrt(max(left, 0.0))
    low, high = (6 / math.pi * math.asin(max(-1.0, min(1.0, end)) / 2) for end in (middle - reach, middle + reach))
    return low, high


def _product(one: Scores, two: Scores) -> float:
    return sum(weight * two.get(column, 0.0) for column, weight in one.items())


def _product_of(one: Sequence[float], two: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


def _solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of a symmetric positive definite system, by Cholesky's method."""
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - _product_of(lower[i][:j], lower[j][:j])
            lower[i][j] = math.sqrt(rest) if i == j else rest / lower[j][j]
    forward: list[float] = []
    for i in range(size):
        forward.append((right[i] - _product_of(lower[i][:i], forward)) / lower[i][i])
    result = [0.0] * size
    for i in reversed(range(size)):
        later = sum(lower[j][i] * result[j] for j in range(i + 1, size))
        result[i] = (forward[i] - later) / lower[i][i]
    return result

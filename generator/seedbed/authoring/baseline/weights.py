"""How often each of some listed values occurs: by the column's name, by what the words mean, else falling in order."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable

from seedbed.authoring.baseline.names import LASTING, snake
from seedbed.authoring.baseline.stages import names_a_status, shares_of_old
from seedbed.plan.calls import parse_call
from seedbed.schema import Scalar

_GROUPS: tuple[dict[str, float], ...] = (
    {"lowest": 8, "very_low": 8, "low": 32, "minor": 45, "trivial": 15, "cosmetic": 10, "normal": 45, "medium": 40,
     "med": 40, "moderate": 30, "mid": 40, "high": 15, "major": 18, "very_high": 4, "highest": 4, "severe": 5,
     "urgent": 5, "critical": 4, "emergency": 2, "immediate": 2, "blocker": 2, "fatal": 1, "informational": 12},
    {"p0": 2, "p1": 6, "p2": 20, "p3": 42, "p4": 25, "p5": 8,
     "sev0": 1, "sev1": 4, "sev2": 15, "sev3": 40, "sev4": 30, "sev5": 10, "s0": 1, "s1": 4, "s2": 15, "s3": 40,
     "s4": 30},
    {"free": 45, "freemium": 45, "trial": 10, "basic": 30, "starter": 28, "lite": 25, "standard": 35, "plus": 15,
     "pro": 18, "professional": 18, "team": 12, "growth": 12, "premium": 10, "business": 10, "enterprise": 5,
     "bronze": 50, "silver": 28, "gold": 14, "platinum": 5, "diamond": 2, "none": 30},
    {"retail": 78, "consumer": 70, "private": 6, "premium": 14, "affluent": 14, "smb": 50, "small_business": 28,
     "mid_market": 25, "corporate": 12, "enterprise": 8, "wholesale": 8, "government": 4, "vip": 3},
    {"owner": 6, "admin": 8, "administrator": 8, "superuser": 2, "super_admin": 1, "manager": 9, "supervisor": 8,
     "team_lead": 9, "lead": 9, "editor": 20, "contributor": 25, "member": 55, "user": 60, "agent": 70, "viewer": 24,
     "reader": 24, "read_only": 20, "guest": 8, "billing": 3, "moderator": 4, "support": 10, "staff": 60},
    {"full_time": 70, "fulltime": 70, "permanent": 74, "part_time": 17, "parttime": 17, "contractor": 7, "contract": 8,
     "temporary": 5, "temp": 5, "seasonal": 3, "freelance": 3, "intern": 4, "apprentice": 3},
    {"female": 49, "male": 49, "f": 49, "m": 49, "x": 1, "o": 1, "u": 1, "d": 1, "other": 1, "diverse": 1,
     "non_binary": 1, "nonbinary": 1, "unknown": 1, "unspecified": 1, "not_specified": 1, "prefer_not_to_say": 2},
    {"xs": 8, "s": 20, "m": 34, "l": 26, "xl": 12, "xxl": 5, "small": 45, "large": 15, "xlarge": 6},
    {"beginner": 30, "novice": 20, "elementary": 25, "intermediate": 38, "advanced": 24, "expert": 8, "master": 3,
     "native": 5, "fluent": 12, "proficient": 20},
    {"junior": 30, "medior": 38, "mid_level": 38, "senior": 25, "staff": 5, "principal": 3, "lead": 6, "executive": 2},
    {"debit": 66, "credit": 34},
    {"positive": 58, "neutral": 28, "negative": 14, "mixed": 8},
    {"standard": 68, "regular": 68, "economy": 12, "express": 20, "expedited": 12, "priority": 10, "overnight": 4,
     "same_day": 4, "next_day": 10, "pickup": 8},
)  # fmt: skip
"""Words that stand in one list, each with the share that it usually has, whatever their order there."""
_ORDERED = re.compile(r"(?:^|_)(?:priority|severity|urgency|prio)(?:_|$)")
"""Names of columns in whose numbers 1 is what is most urgent."""
_REST = frozenset(
    ["other", "others", "unknown", "misc", "miscellaneous", "none", "n_a", "na", "unspecified", "undefined"]
)
_YES, _NO = frozenset(["y", "yes", "true", "t", "1"]), frozenset(["n", "no", "false", "f", "0"])
_MANY = 12
"""So many values are of one kind rather than of some that are frequent."""


def weigh(name: str, about: str, values: tuple[Scalar, ...], found: tuple[str, str] | None) -> dict[Scalar, float]:
    """The values with their weights, in the order in which they are listed.

    Args:
        name: the column's.
        about: what its table is about.
        values: two or more.
        found: what the column's name suggests, as `read_name` has it.
    """
    words = [snake(str(value)) for value in values]
    weights = _known_to_the_name(words, found) or _known_as_words(snake(name), words)
    if weights is None and all(isinstance(value, str) for value in values):
        shares = shares_of_old(words, lasting=bool(LASTING.search(about)), named=names_a_status(name))
        weights = [shares[word] for word in words] if shares else None
    if weights is None:
        alike = len(values) == 2 or len(values) > _MANY or any(isinstance(value, float) for value in values)
        weights = [1.0] * len(values) if alike else _falling(words)
    return dict(zip(values, map(float, weights), strict=True))


def _known_to_the_name(words: list[str], found: tuple[str, str] | None) -> list[float] | None:
    """The weights that a rule for the column's name has for all of the values, or for yes and no."""
    generator = found[1] if found else ""
    if generator.startswith("choice({"):
        known = {snake(str(value)): float(weight) for value, weight in parse_call(generator)[1][0].items()}
        return [known[word] for word in words] if known.keys() >= set(words) else None
    if generator.startswith("boolean(") and len(words) == 2 and set(words) & _YES and set(words) & _NO:
        share = round(100 * parse_call(generator)[1][0])
        return [share if word in _YES else 100 - share for word in words]
    return None


def _known_as_words(name: str, words: list[str]) -> list[float] | None:
    """The weights of words of one group, one of which may be unknown."""
    if _ORDERED.search(name) and all(word.isdigit() for word in words):
        words = [f"p{word}" for word in words]
    for group in _GROUPS:
        known = [next((group[part] for part in _parts(word) if part in group), None) for word in words]
        told = [weight for weight in known if weight is not None]
        if len(told) >= max(2, len(words) - 1):
            usual = statistics.median(told)
            return [usual if weight is None else weight for weight in known]
    return None


def _parts(word: str) -> Iterable[str]:
    """A value's name, and the part of it that may say all: `1_critical`, `low_risk`."""
    first, _, _ = word.partition("_")
    return word, word.rpartition("_")[2], first


def _falling(words: list[str]) -> list[float]:
    return [0.5 if word in _REST else float(len(words) - index) for index, word in enumerate(words)]

"""Reads the probability that a transition's label carries.

Mermaid has no syntax for it; people write it into the label. The rule:

- the label is the number (`0.4`, `40%`, `1/3`, `(0.4)`, `p=0.4`), or it stands at the label's end
  (`approve: 0.4`, `fast track 10%`, `[guard] 0.3`) or beginning (`0.4 approve`, `10 %: fast track`);
- or it stands anywhere behind `p=`, `prob=`, `probability:`, `chance` or `share`;
- a percent sign or a fraction makes any number a probability, a bare number must be a decimal (`0.4`, `.4`,
  `0,4`) unless it is the whole label: `step 1` says nothing, `1` does;
- what stands in `[guard]` brackets or behind `<`, `>` or `=` is no probability, unless brackets hold only it.

The rest of the label is its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Share:
    """A label taken apart. `problem` says what is wrong with a number that the label holds, or seems to hold."""

    probability: float | None
    text: str
    problem: str | None = None
    kind: Literal["", "out-of-range", "not-read", "ambiguous"] = ""


_NUMBER = r"[-+]?(?:\d{1,9}(?:[.,]\d{1,17})?|[.,]\d{1,17})(?:e-?\d{1,2})?"
_VALUE = rf"(?:(?P<percent>{_NUMBER})[ \t]?%|(?P<over>\d{{1,9}})[ \t]?/[ \t]?(?P<under>\d{{1,9}})|(?P<plain>{_NUMBER}))"
_WORD = r"(?:p|prob|probability|chance|share)"
_BEFORE = r"(?:[(\[][ \t]?)?(?:[~≈][ \t]?|ca\.? )?"
_AFTER = r"(?:[ \t]?[)\]])?"
_NAMED = re.compile(
    rf"(?:(?<=[\s,;:/|(\[])|\A)[(\[]?{_WORD}[ \t]*[=:≈~]?[ \t]*{_VALUE}(?![\w.%]){_AFTER}", re.IGNORECASE
)
_WHOLE = re.compile(rf"{_BEFORE}{_VALUE}{_AFTER}", re.IGNORECASE)
_AT_START = re.compile(rf"{_BEFORE}{_VALUE}{_AFTER}(?=[\s:,;/|])(?![ \t]*[-–<>=][ \t]?\d)", re.IGNORECASE)
_AT_END = re.compile(rf"(?<=[\s:,;/|(\[~≈\])]){_BEFORE}{_VALUE}{_AFTER}\Z", re.IGNORECASE)
_GUARD = re.compile(r"\[[^\[\]]*\]")
_COMPARED = re.compile(r"(?:[<>=≤≥]|\d[ \t]*[-–])[ \t]*\Z")
_LOOKS_LIKE_ONE = re.compile(r"(?<![\w.,])(?:0?[.,]\d+|\d+(?:[.,]\d+)?[ \t]?%)(?!\w)")
_TRIM = " \t:,;|/–=-"


def read_share(label: str) -> Share:
    """The probability in the label, if it holds one, and the label's text without it."""
    label = label.strip()
    visible = _GUARD.sub(lambda guard: guard[0] if _WHOLE.fullmatch(guard[0]) else "\0" * len(guard[0]), label)
    whole = _WHOLE.fullmatch(visible)
    found = [whole] if whole else list(_NAMED.finditer(visible))
    if found:
        return _taken(label, found[-1], sure=True, ambiguous=len(found) > 1)
    candidates = [
        match for match in (_AT_START.match(visible), _AT_END.search(visible)) if match and _counts(match, visible)
    ]
    if candidates:
        return _taken(label, candidates[-1], sure=False, ambiguous=len(candidates) > 1)
    seeming = _LOOKS_LIKE_ONE.search(visible)
    if seeming and not _COMPARED.search(visible[: seeming.start()]):
        told = f"{seeming[0]} stands in the middle of the label and was not read as a probability"
        return Share(None, label, told, "not-read")
    return Share(None, label)


def _counts(match: re.Match[str], text: str) -> bool:
    plain = match["plain"]
    if _COMPARED.search(text[: match.start()]):
        return False
    return plain is None or "." in plain or "," in plain


def _taken(label: str, match: re.Match[str], sure: bool, ambiguous: bool) -> Share:
    value = _value(match)
    written = match[0].strip()
    rest = f"{label[: match.start()].rstrip(_TRIM)} {label[match.end() :].lstrip(_TRIM)}".strip()
    if value is None or not 0 <= value <= 1:
        if not sure and match["plain"] and value is not None and value > 1:
            return Share(None, label, f"{written} is above 1 and was not read as a probability", "not-read")
        return Share(None, rest, f"{written} is no probability; expected 0 to 1, or 0% to 100%", "out-of-range")
    if ambiguous:
        return Share(
            value, rest, f"the label holds several numbers; {written} was read as the probability", "ambiguous"
        )
    return Share(value, rest)


def _value(match: re.Match[str]) -> float | None:
    if match["percent"]:
        return float(match["percent"].replace(",", ".")) / 100
    if match["over"]:
        under = int(match["under"])
        return int(match["over"]) / under if under else None
    return float(match["plain"].replace(",", "."))

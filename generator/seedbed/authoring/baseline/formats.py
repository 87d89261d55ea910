"""Templates for codes and keys: from a regular expression, from a name, and cut to the column's length."""

from __future__ import annotations

import re

from seedbed.plan.kinds import Pattern

_ATOM = re.compile(r"(?P<set>\[[^\]\\^]+\]|\\[dw]|\\.|[^\\\[\](){}.*+?|^$])(?P<count>\{\d+(?:,\d*)?\}|[+*?])?")
_SETS = {
    r"\d": "digits", "[0-9]": "digits", "[1-9]": "nonzero", "[A-Z]": "LETTERS", "[a-z]": "letters",
    "[A-Za-z]": "letters", "[a-zA-Z]": "letters", "[A-Z0-9]": "LETTERS", "[0-9A-Z]": "LETTERS", r"\w": "letters",
    "[a-z0-9]": "letters", "[0-9a-z]": "letters", "[A-Za-z0-9]": "letters", "[a-zA-Z0-9]": "letters",
    "[0-9a-f]": "hex", "[a-f0-9]": "hex", "[a-z0-9_]": "letters", "[a-zA-Z0-9_]": "letters",
}  # fmt: skip
_ALTERNATIVES = re.compile(r"\^?\(?(?:\?:)?((?:[\w -]+\|)+[\w -]+)\)?\$?")
_MOST_UNBOUNDED = 6


def template_of_regex(regex: str) -> str | tuple[str, ...] | None:
    """A pattern template whose texts match a simple regular expression, or the texts that it lists.

    Simple is: literal characters, common character sets, and how often they occur. None where it is not.
    """
    listed = _ALTERNATIVES.fullmatch(regex)
    if listed:
        return tuple(listed[1].split("|"))
    body = regex.removeprefix("^").removesuffix("$")
    parts, place = [], 0
    while place < len(body):
        match = _ATOM.match(body, place)
        if match is None:
            return None
        place = match.end()
        count = _count(match["count"])
        token = _SETS.get(match["set"])
        if match["set"].startswith("[") and token is None:
            return None
        if token == "nonzero":
            parts.append("4" * count)
        elif token and count:
            parts.append(f"{{{token}:{count}}}")
        elif not token:
            literal = match["set"].removeprefix("\\")
            if literal in "{}bBAZsSDW":
                return None
            parts.append(literal * count)
    template = "".join(parts)
    return template if 0 < len(template) <= 200 and re.search(regex, example(template)) else None


def _count(text: str | None) -> int:
    if text is None or text == "?":
        return 1
    if text in ("+", "*"):
        return _MOST_UNBOUNDED
    least, comma, most = text.strip("{}").partition(",")
    if not comma:
        return int(least)
    return min(int(most), max(int(least), _MOST_UNBOUNDED)) if most else max(int(least), _MOST_UNBOUNDED)


def example(template: str) -> str:
    """A text that the template can make."""

    def fill(match: re.Match[str]) -> str:
        kind, width = match[1], int(match[2] or 1)
        letter = {"letters": "a", "LETTERS": "A", "hex": "a", "alnum": "a"}.get(kind)
        return "2024" if kind == "yyyy" else letter * width if letter else "1".zfill(width)

    return Pattern.TOKENS.sub(fill, template)


def counted(template: str, regex: str | None = None) -> str | None:
    """The template with a number that makes its texts unique; None where there is no room for one.

    The number takes the place of random digits, or of letters where the texts still match `regex` then.
    """
    if Pattern(template=template).unique:
        return template
    for match in Pattern.TOKENS.finditer(template) if regex else ():
        numbered = f"{template[: match.start()]}{{n:0{match[2] or 1}}}{template[match.end() :]}"
        if int(match[2] or 1) >= 4 and re.search(regex or "", example(numbered)):
            return numbered
    runs = [match for match in Pattern.TOKENS.finditer(template) if match[1] == "digits"]
    best = max(runs, key=lambda match: (int(match[2] or 1), match.start()), default=None)
    if best is None or int(best[2] or 1) < 3:
        return None
    return f"{template[: best.start()]}{{n:0{best[2]}}}{template[best.end() :]}"


def whole_digits(template: str | None) -> int:
    """How many digits a template has that is nothing but a number of so many; 0 for any other."""
    match = re.fullmatch(r"\{n:0(\d+)\}", template or "")
    return int(match[1]) if match and int(match[1]) <= 18 else 0


def drawn(template: str) -> str:
    """The template with random digits in place of a number that counts rows."""
    # A class such as 7b, or the last digit of I21.4.
    alone = "{digits:1}" if re.fullmatch(r".?\{n\}.?|.*\{digits.*", template) else "{digits:4}"
    return re.sub(r"\{(?:n|shuffled):0?(\d+)\}", r"{digits:\1}", template).replace("{n}", alone)


def code_template(words: str, length: int | None) -> str:
    """A template for a unique code of a thing: `CUS-{n:06}` for a customer, shorter where the column is."""
    letters = "".join(part for part in words.upper() if part.isascii() and part.isalpha())
    prefix = letters[:3] or "ROW"
    if length is None or length >= len(prefix) + 7:
        return f"{prefix}-{{n:06}}"
    if length >= len(prefix) + 4:
        return f"{prefix}{{n:0{length - len(prefix)}}}"
    return f"{{n:0{length}}}" if length > 1 else "{n}"


def fits(template: str, length: int | None) -> bool:
    """Whether the template's texts are no longer than that."""
    return length is None or len(example(template)) <= length

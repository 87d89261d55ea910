"""Text that somebody other than the project's own people wrote: fit to stand in a seed, a plan and a terminal?

Cells are data, so nothing here is escaped: what a spreadsheet would run, dbt would render or nobody can see is
refused, and whoever wrote it can write it again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from seedbed.errors import NOWHERE, Diagnostic, Location

_UNSEEN = {
    "Cc": ("text-control", "a control character"),
    "Cf": ("text-invisible", "an invisible or direction-changing character"),
    "Cs": ("text-surrogate", "half a surrogate pair"),
    "Co": ("text-private", "a character of private use"),
    "Cn": ("text-unassigned", "a character that Unicode does not have"),
    "Zl": ("text-control", "a line separator"),
    "Zp": ("text-control", "a paragraph separator"),
}
_JINJA = re.compile(r"\{[{%#]")
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?%?")
_PHONE = re.compile(r"\+[0-9][0-9 ().-]{5,20}")
_SCRIPT = re.compile(r"<\s*/?\s*(script|iframe|object|embed|svg|img)\b|\bjavascript:", re.I)
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://([^\s/?#]*)", re.I)
_EMAIL = re.compile(r"[^\s@<>()]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
# RFC 2606 and 6761: these belong to nobody.
_RESERVED = re.compile(r"(?:.*\.)?(?:example\.(?:com|net|org)|(?:example|test|invalid|localhost))", re.I)


def find_unclean(
    text: str,
    *,
    max_length: int | None = None,
    lines: bool = False,
    location: Location = NOWHERE,
) -> Iterator[Diagnostic]:
    """What is wrong with a text that an LLM wrote for a cell.

    Args:
        text: the cell.
        max_length: the length of its column, in characters.
        lines: whether line breaks and tabs are welcome, as in a column of long texts.
        location: where the text stands, for the diagnostics.
    """

    def wrong(code: str, message: str, hint: str | None = None) -> Diagnostic:
        return Diagnostic(code, f'the text "{_shown(text)}" {message}', location, hint=hint)

    if max_length is not None and len(text) > max_length:
        yield wrong("text-too-long", f"has {len(text):,} characters; its column takes {max_length:,}")
    for code, what in dict.fromkeys(_unseen(text, lines)):
        yield wrong(code, f"holds {what}", "leave it out")
    if "\ufffd" in text:
        yield wrong("text-damaged", "holds U+FFFD, which stands for a character that was lost")
    elif unicodedata.normalize("NFC", text) != text:
        yield wrong("text-not-composed", "is not in Unicode's composed form (NFC)")
    if _JINJA.search(text):
        yield wrong("text-jinja", "holds {{, {% or {#, which dbt would render", "write it without these braces")
    if is_formula(text):
        yield wrong("text-formula", "begins like a formula, which a spreadsheet would run", "begin it with a letter")
    if _SCRIPT.search(text):
        yield wrong("text-script", "holds markup that a browser would run", "leave it out")
    for kind, pattern in (("link", _LINK), ("email", _EMAIL)):
        for found in pattern.finditer(text):
            host = found[1].rpartition("@")[2].partition(":")[0]
            if not _RESERVED.fullmatch(host):
                hint = "use example.com, example.org or a name that ends in .test"
                yield wrong(f"text-{kind}", f"points to {host or 'a place'}, which may belong to somebody", hint)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the text; numbers and telephone numbers begin with a sign, and are none."""
    if not _FORMULA.match(text) or not text.strip("-+ "):
        return text[:1] in ("\t", "\r") and bool(text.strip())
    return not (_NUMBER.fullmatch(text) or _PHONE.fullmatch(text))


def _unseen(text: str, lines: bool) -> Iterator[tuple[str, str]]:
    for char in text:
        if char.isascii() and char.isprintable():
            continue
        if lines and char in "\n\t":
            continue
        found = _UNSEEN.get(unicodedata.category(char))
        if found:
            yield found


def _shown(text: str) -> str:
    """The text as a message can hold it: escaped where it is not printable, and short."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:60])
    return f"{shown}..." if len(text) > 60 else shown

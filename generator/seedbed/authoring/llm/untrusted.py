"""Text of the project inside a prompt: data that the LLM reads, and never an instruction to it.

Names, descriptions and tests come from files that anybody may have written. No tool is offered to the LLM, so the
worst that an injected instruction can do is a bad plan; this keeps it from doing even that by accident.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_QUOTES = str.maketrans({"`": "'", '"': "'", "\u201c": "'", "\u201d": "'", "\u201e": "'", "\u00ab": "'", "\u00bb": "'"})
_TAG = re.compile(r"<\s*/?\s*data\b[^>]*>?", re.I)
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def clean(text: str, limit: int = 200) -> str:
    """The text on one line of at most `limit` characters, without what nobody sees and what could end a quotation.

    Control, formatting (zero-width, bidirectional, tags), private and unassigned characters go; compatibility forms
    become plain ones (NFKC), quotes and backticks an apostrophe; our own tags go.
    """
    spaced = re.sub(r"\s+", " ", text)
    seen = "".join(char for char in spaced if unicodedata.category(char) not in _UNSEEN)
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", seen).translate(_QUOTES))
    while (without := _TAG.sub("", plain)) != plain:  # taking one out may make another
        plain = without
    line = re.sub(r" +", " ", plain).strip()
    return line if len(line) <= limit else f"{line[: max(0, limit - 3)].rstrip()}..."


def data_block(text: str) -> str:
    """The text between tags whose name derives from it: a text cannot hold its own hash, and so not end its block.

    The same text has the same tags, so that replies can be cached.
    """
    name = "data-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return f"<{name}>\n{text}\n</{name}>"

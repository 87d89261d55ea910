"""How alike texts are: by the trigrams that they share, whatever their case, accents, digits and slots.

The likeness of two texts is the share of their trigrams that both have (Jaccard). Trigrams are counted in
`_BUCKETS` buckets, so that all comparisons with a text are one product of a matrix and a vector.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SAME = 0.6
"""From this likeness on, a text says again what another says."""
ALIKE = 0.4
"""From this likeness on, two texts belong together in a report."""
_BUCKETS = 1 << 12
_BLOCK = 512
_SLOT = re.compile(r"\{[^{}]*\}")
_FEWEST_LETTERS = 4

Floats = npt.NDArray[np.float32]


class Likeness:
    """Texts that grow in number, to each of which a new one can be compared."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._count = 0
        self._rows: Floats = np.zeros((16, _BUCKETS), np.float32)
        self._sizes: Floats = np.zeros(16, np.float32)
        for text in texts:
            self._take(_trigrams(text))

    def of(self, text: str) -> float:
        """How like the text is to the likest of those taken in: 0 to 1."""
        return self._likest(_trigrams(text))

    def take_new(self, text: str) -> bool:
        """Takes a text in unless one says the same already, and says whether it did."""
        row = _trigrams(text)
        if self._likest(row) >= SAME:
            return False
        self._take(row)
        return True

    def _likest(self, row: Floats) -> float:
        there = slice(self._count)
        return float(_shares(self._rows[there] @ row, self._sizes[there], row.sum()).max(initial=0))

    def _take(self, row: Floats) -> None:
        if self._count == len(self._sizes):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
            self._sizes = np.concatenate([self._sizes, np.zeros_like(self._sizes)])
        self._rows[self._count], self._sizes[self._count] = row, row.sum()
        self._count += 1


def clusters(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Which of the texts are alike, directly or over others: their places, of the largest cluster first."""
    rows = np.array([_trigrams(text) for text in texts], np.float32).reshape(len(texts), _BUCKETS)
    sizes = rows.sum(axis=1)
    cluster_of: dict[int, set[int]] = {}
    for begin in range(0, len(texts), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        near = _shares(rows[block] @ rows.T, sizes[None, :], sizes[block, None]) >= ALIKE
        for first, second in np.argwhere(near).tolist():
            if first + begin < second:
                _join(cluster_of, first + begin, second)
    found = {tuple(sorted(cluster)) for cluster in cluster_of.values()}
    return sorted(found, key=lambda places: (-len(places), places))


def _join(cluster_of: dict[int, set[int]], first: int, second: int) -> None:
    """Puts the clusters of two places into one."""
    small, large = sorted((cluster_of.setdefault(place, {place}) for place in (first, second)), key=len)
    if small is not large:
        large |= small
        cluster_of.update(dict.fromkeys(small, large))


def shared_words(texts: Sequence[str], most: int = 4, *, share: float = 0.5) -> tuple[str, ...]:
    """The words that at least that share of the texts have, the commonest first."""
    counted = Counter(word for text in texts for word in set(_plain(text).split()) if len(word) >= _FEWEST_LETTERS)
    common = [(-count, word) for word, count in counted.items() if count > 1 and count >= share * len(texts)]
    return tuple(word for _, word in sorted(common)[:most])


def _shares(both: Floats, one: Floats, other: Floats) -> Floats:
    """Shared trigrams over all trigrams, from their numbers."""
    shares: Floats = both / np.maximum(one + other - both, 1)
    return shares


def _trigrams(text: str) -> Floats:
    codes = np.frombuffer(f"  {_plain(text)}  ".encode("utf-32-le"), np.uint32).astype(np.uint64)
    hashed = (codes[:-2] * np.uint64(1_000_003) + codes[1:-1]) * np.uint64(1_000_003) + codes[2:]
    hashed = (hashed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(52)
    row = np.zeros(_BUCKETS, np.float32)
    row[hashed.astype(np.int64)] = 1
    return row


def _plain(text: str) -> str:
    """Lower-case letters without accents and with single spaces; every digit is 0, and slots are gone."""
    folded = unicodedata.normalize("NFKD", _SLOT.sub(" ", text)).casefold()
    kept = (char for char in folded if not unicodedata.combining(char))
    return " ".join("".join("0" if char.isdigit() else char if char.isalpha() else " " for char in kept).split())

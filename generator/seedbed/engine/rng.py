"""Random numbers that are addressed, not consumed: each is a pure function of a seed, a name and a row.

The 64-bit word of a row is the finaliser of splitmix64 (Steele, Lea and Flood 2014, with the constants of
Stafford's variant 13) over `row * GAMMA + key`. It is integer arithmetic modulo 2**64 throughout, so that every
platform and every batch gives the same words. The key must be a hash: keys that lie a multiple of GAMMA apart
would give shifted copies of one sequence.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

BLOCK = 1 << 14
"""Rows that are worked on at a time, so that what lies between two steps stays in the processor's cache."""
LARGEST = 1 << 62
"""The largest number of things to draw from or to permute."""

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDS = 6


@dataclass(frozen=True, slots=True, init=False)
class Stream:
    """One independent sequence of random numbers, named by `random_seed` and `names`.

    `rows` are int64 arrays in any order, with repeats and gaps; the n-th number drawn belongs to the n-th row,
    and equal rows get equal numbers. A second draw for the same rows needs a stream of its own: a `child`.
    """

    random_seed: int
    names: tuple[str, ...]
    _key: np.uint64 = field(repr=False, compare=False)

    def __init__(self, random_seed: int, *names: str) -> None:
        # Each name goes in with its length, so that ("ab", "c") and ("a", "bc") differ.
        parts = [part.encode() for part in (str(random_seed), *names)]
        told = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
        digest = hashlib.blake2b(told, digest_size=8, person=b"seedbed").digest()
        object.__setattr__(self, "random_seed", random_seed)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_key", np.uint64(int.from_bytes(digest, "little")))

    def child(self, *names: str) -> Stream:
        """The stream of these names below this one's."""
        return Stream(self.random_seed, *self.names, *names)

    def bits(self, rows: Int64s) -> Words:
        """64 random bits for each row."""
        words = np.empty(len(rows), np.uint64)
        for _ in self._words(words, rows):
            pass
        return words

    def _words(self, words: Words, rows: Int64s) -> Iterator[tuple[slice, Words]]:
        """Fills `words` block by block, each of which is handed out while it is still in the processor's cache."""
        scratch = np.empty(min(BLOCK, len(rows)), np.uint64)
        for block in _blocks(len(rows)):
            _hash_into(words[block], rows[block], self._key, scratch)
            yield block, words[block]

    def uniform(self, rows: Int64s) -> Floats:
        """Numbers between 0 and 1, neither of them included: the middles of 2**52 equal steps."""
        numbers = np.empty(len(rows), np.float64)
        for block, words in self._words(numbers.view(np.uint64), rows):
            numbers[block] = fractions(words)
        return numbers

    def below(self, rows: Int64s, n: int | Int64s) -> Int64s:
        """Whole numbers from 0 to `n - 1`, `n` (1 to 2**62) being one number or one for each row.

        The number is the upper half of the product of word and n, so that the probability of any value
        differs from 1/n by less than 2**-64: n / 2**64 of it.
        """
        numbers = np.empty(len(rows), np.int64)
        for block, words in self._words(numbers.view(np.uint64), rows):
            numbers[block] = scaled_down(words, n if isinstance(n, int) else n[block])
        return numbers

    def permute(self, rows: Int64s, n: int) -> Int64s:
        """Each of the `rows`, all in [0, `n`), sent to a number in [0, `n`) of its own, in a scattered order.

        A Feistel network over pairs (left, right) of radix a and b, both near the root of n, so that a * b is
        only just more than n and hardly any number has to be sent on because it fell outside.

        Raises:
            ValueError: a row is negative, or not less than `n`.
        """
        if not 0 <= n <= LARGEST:
            raise ValueError(f"{n} things cannot be permuted; at most {LARGEST} can")
        if len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= n):
            raise ValueError(f"rows {rows.min()} to {rows.max()} are not all among the {n} that are permuted")
        result = np.empty(len(rows), np.int64)
        keys = [self.child("permute", str(step))._key for step in range(_ROUNDS)]
        for block in _blocks(len(rows)):
            sent = _send(rows[block], n, keys)
            outside = np.flatnonzero(sent >= n)
            while len(outside):
                sent[outside] = _send(sent[outside], n, keys)
                outside = outside[sent[outside] >= n]
            result[block] = sent
        return result


def fractions(words: Words) -> Floats:
    """Each word as a number between 0 and 1, neither of them included: the middle of one of 2**52 equal steps."""
    numbers = (words >> np.uint64(12)).astype(np.float64)
    numbers += 0.5
    numbers *= 2.0**-52
    return numbers


def words_of(numbers: Floats) -> Words:
    """The words of which `fractions` makes these numbers, as near as 2**-52."""
    steps = np.clip(numbers * 2.0**52, 0, 2.0**52 - 1).astype(np.uint64)
    steps <<= np.uint64(12)
    steps |= np.uint64(1 << 11)
    return steps


def scaled_down(words: Words, n: int | Int64s) -> Int64s:
    """Each word as a whole number from 0 to `n - 1`: the upper half of its product with n."""
    return _multiply_high(words, n).view(np.int64)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK))


def _hash_into(words: Words, rows: Int64s | Words, key: np.uint64, scratch: Words) -> None:
    """Fills `words` with the words of `rows`; `scratch` is at least as long and may hold anything."""
    scratch = scratch[: len(words)]
    np.multiply(rows.view(np.uint64), _GAMMA, out=words)
    words += key
    for shift, multiplier in zip((np.uint64(30), np.uint64(27)), _MULTIPLIERS, strict=True):
        np.right_shift(words, shift, out=scratch)
        words ^= scratch
        words *= multiplier
    np.right_shift(words, np.uint64(31), out=scratch)
    words ^= scratch


def _multiply_high(words: Words, n: int | Int64s) -> Words:
    """The upper 64 bits of each word's product with n, exact for n up to 2**62."""
    factor: np.uint64 | Words
    if isinstance(n, int):
        factor, largest = np.uint64(n), n
    else:
        factor = n.view(np.uint64)
        largest = int(factor.max(initial=np.uint64(0)))
    if largest <= int(_LOW_HALF):
        high = words.copy()
        _multiply_high_in_place(high, factor, np.empty_like(high))
        return high
    high = words >> _HALF
    low = words & _LOW_HALF
    factor_high, factor_low = factor >> _HALF, factor & _LOW_HALF
    middle = high * factor_low
    other = low * factor_high
    low *= factor_low
    low >>= _HALF
    low += middle & _LOW_HALF
    low += other & _LOW_HALF
    low >>= _HALF
    high *= factor_high
    high += middle >> _HALF
    high += other >> _HALF
    high += low
    return high


def _multiply_high_in_place(words: Words, factor: np.uint64 | Words, scratch: Words) -> None:
    """The same for factors below 2**32; `scratch` is as long as `words` and may hold anything."""
    np.bitwise_and(words, _LOW_HALF, out=scratch)
    scratch *= factor
    scratch >>= _HALF
    words >>= _HALF
    words *= factor
    words += scratch
    words >>= _HALF


def _send(numbers: Int64s, n: int, keys: list[np.uint64]) -> Int64s:
    """One pass of the network: a bijection of [0, a * b), where a * b is n or a little more."""
    a = math.isqrt(n - 1) + 1
    b = -(-n // a)
    row_length = np.uint64(b)
    left = numbers.view(np.uint64) // row_length
    right = numbers.view(np.uint64) - left * row_length
    word, scratch = np.empty_like(left), np.empty_like(left)
    for step, key in enumerate(keys):
        changed, other, radix = (left, right, np.uint64(a)) if step % 2 == 0 else (right, left, row_length)
        _hash_into(word, other, key, scratch)
        _multiply_high_in_place(word, radix, scratch)
        changed += word
        # Below the radix the difference wraps round to a large number.
        np.subtract(changed, radix, out=scratch)
        np.minimum(changed, scratch, out=changed)
    left *= row_length
    left += right
    return left.view(np.int64)

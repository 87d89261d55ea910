"""Persons, companies, addresses and what belongs to them, drawn from the pools of a locale.

Every part is drawn from a child stream of its own name, so that columns which share a stream agree: the e-mail
address is made of the name, the domain of the company, the address of street, postal code and city. A person's
first and last name are a pair out of all pairs in a scattered order: no pair comes twice before all have come
once, and what tells later persons apart is how often the pairs have been used up.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine import pools
from seedbed.engine.arrow import as_text, decimals, dictionary
from seedbed.engine.rng import Stream
from seedbed.engine.text import Characters, constant, digits, joined, narrow, parted, side_by_side
from seedbed.plan.kinds import Fake

Int64s = npt.NDArray[np.int64]
Made = TypeVar("Made")

_MAIL_DOMAINS = ("example.com", "example.org", "example.net")
_FAMILY_NAME_FIRST = {"ja": " ", "zh": "", "ko": "", "hu": " ", "vi": " "}
"""Languages that put it first, and what stands between the names."""
_RADIX = {"#": (0, 10), "%": (1, 9), "$": (2, 8), "?": (0, 26)}
"""Marks of a format: the first digit or letter that may stand there, and how many."""


@dataclass(frozen=True, slots=True)
class _Draw:
    """Some rows of one stream, in one locale. `room` is how many characters a text may have; None for any number."""

    stream: Stream
    rows: Int64s
    locale: str
    unique: bool
    room: int | None = None
    shared: dict[Hashable, Any] = field(default_factory=dict, compare=False)
    """What other columns of the same rows have drawn."""

    def once(self, what: str, make: Callable[[], Made]) -> Made:
        """What all columns of these rows have in common that share the stream and the locale."""
        place = (what, self.stream, self.locale)
        if place not in self.shared:
            self.shared[place] = make()
        found: Made = self.shared[place]
        return found

    def index(self, name: str, size: int) -> Int64s:
        """Which of `size` things each row has; if it is to be unique, all of them before any comes again."""
        stream = self.stream.child(name)
        return stream.permute(self.rows % size, size) if self.unique else stream.below(self.rows, size)


def fake(
    generator: Fake,
    stream: Stream,
    rows: Int64s,
    locale: str,
    room: int | None = None,
    shared: dict[Hashable, Any] | None = None,
) -> pa.Array:
    """The values that a generator describes; where they come from a list, those of at most `room` characters.

    What several columns of the same rows are made of is drawn once, and kept in `shared`.

    Raises:
        ValueError: Faker has no such locale, or there are not so many different values.
    """
    room = None if generator.unique else room
    drawn = _Draw(stream, rows, generator.locale or locale, generator.unique, room, {} if shared is None else shared)
    return _MAKERS[generator.what](drawn)


def _pooled(what: str) -> Callable[[_Draw], pa.Array]:
    return lambda draw: _from_pool(draw, what)


def _from_pool(draw: _Draw, what: str) -> pa.Array:
    texts = _texts(draw.locale, what, draw.room)
    found = dictionary(draw.index(what, len(texts)), texts)
    return _told_apart(found, draw.rows // len(texts), " ") if draw.unique else found


@functools.lru_cache(maxsize=512)
def _texts(locale: str, what: str, room: int | None) -> pa.Array:
    texts = pa.array(pools.pool(locale, what), pa.string())
    return texts.take(_short_enough(texts, room))


def _short_enough(texts: pa.Array, room: int | None) -> pa.Array:
    """The positions of the texts that fit; of all where none does, so that the column's own limit is told."""
    if room is not None:
        fits = pc.less_equal(pc.utf8_length(texts), room)
        if pc.any(fits).as_py():
            return pc.indices_nonzero(fits)
    return pa.array(np.arange(len(texts)))


@functools.cache
def _names(locale: str, what: str) -> tuple[pa.Array, pa.Array]:
    """Names, and what they are in addresses."""
    found = pools.names(locale, what)
    return pa.array([name for name, _ in found], pa.string()), pa.array([handle for _, handle in found], pa.string())


def _told_apart(texts: pa.Array, rounds: Int64s, gap: str) -> pa.Array:
    """The texts, with 2, 3, ... after those that have been used up once, twice, ..."""
    return side_by_side(texts, *_counted(rounds, gap)) if rounds.any() else texts


def _counted(rounds: Int64s, gap: str) -> list[pa.Array]:
    """What follows a text that has been used up so many times: nothing, 2, 3, ...; no part at all if none has."""
    if not rounds.any():
        return []
    number = pa.array(rounds + 1, mask=rounds == 0)
    return [pc.fill_null(side_by_side(gap, as_text(number)), "")]


# --- persons -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pairs:
    """First and last names of persons, as positions in their pools, and the round in which the pair was drawn."""

    first: pa.Array
    last: pa.Array
    rounds: Int64s

    @classmethod
    def of(cls, draw: _Draw) -> _Pairs:
        """The pairs of the rows, drawn once for all columns that show something of them."""
        return draw.once("name pairs", lambda: cls._drawn(draw))

    @classmethod
    def _drawn(cls, draw: _Draw) -> _Pairs:
        firsts, lasts = len(_names(draw.locale, "first_name")[0]), len(_names(draw.locale, "last_name")[0])
        rounds = draw.rows // (firsts * lasts)
        pair = draw.stream.child("name").permute(draw.rows - rounds * (firsts * lasts), firsts * lasts)
        first = pair // lasts
        last = pair - first * lasts
        return cls(pa.array(first.astype(np.int32)), pa.array(last.astype(np.int32)), rounds)

    def spelled(self, draw: _Draw, form: int) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
        """First and last names as they are written (0), or as they are in addresses (1)."""
        first, last = (_names(draw.locale, name)[form] for name in ("first_name", "last_name"))
        return (
            pa.DictionaryArray.from_arrays(self.first, first, safe=False),
            pa.DictionaryArray.from_arrays(self.last, last, safe=False),
        )


def _first_name(draw: _Draw) -> pa.Array:
    return _from_pool(draw, "first_name") if draw.unique else _Pairs.of(draw).spelled(draw, 0)[0]


def _last_name(draw: _Draw) -> pa.Array:
    return _from_pool(draw, "last_name") if draw.unique else _Pairs.of(draw).spelled(draw, 0)[1]


def _full_name(draw: _Draw) -> pa.Array:
    pairs = _Pairs.of(draw)
    first, last = pairs.spelled(draw, 0)
    gap = _FAMILY_NAME_FIRST.get(draw.locale.partition("_")[0])
    whole = (first, " ", last) if gap is None else (last, gap, first)
    return side_by_side(*whole, *(_counted(pairs.rounds, " ") if draw.unique else ()))


def _handle(draw: _Draw, between: str, *after: pa.Array) -> pa.Array:
    # Handles are letters and digits and differ from each other, so that with something else between them, and
    # the round after it, no two rows make the same.
    pairs = _Pairs.of(draw)
    first, last = pairs.spelled(draw, 1)
    return side_by_side(first, between, last, *_counted(pairs.rounds, between), *after)


def _email(draw: _Draw) -> pa.Array:
    domains = pa.array([f"@{name}" for name in _MAIL_DOMAINS], pa.string())
    return _handle(draw, ".", dictionary(draw.stream.child("mail domain").below(draw.rows, len(domains)), domains))


def _username(draw: _Draw) -> pa.Array:
    return _handle(draw, "_")


def _phone(draw: _Draw) -> pa.Array:
    return joined(_filled(draw, "phone", pools.phone_format(draw.locale)))


# --- companies and the internet ------------------------------------------------------------------------------


def _company(draw: _Draw) -> pa.Array:
    return _of_company(draw, 0, " ")


def _of_company(draw: _Draw, form: int, gap: str) -> pa.Array:
    names, handles = _names(draw.locale, "company")
    texts = (names, handles)[form].take(_short_enough(names, draw.room))
    found = dictionary(draw.index("company", len(texts)), texts)
    return _told_apart(found, draw.rows // len(texts), gap) if draw.unique else found


def _domain(draw: _Draw) -> pa.Array:
    return side_by_side(_of_company(replace(draw, room=None), 1, "-"), ".example.com")


def _url(draw: _Draw) -> pa.Array:
    return side_by_side("https://www.", _domain(draw), "/")


def _ipv4(draw: _Draw) -> pa.Array:
    """Addresses of the private network 10.0.0.0/8 (RFC 1918)."""
    number = _numbered(draw, "ipv4", 256 * 256 * 254)
    octets = pa.array([f".{octet}" for octet in range(256)], pa.string())
    rest, last = np.divmod(number, 254)
    return side_by_side("10", *(dictionary(part, octets) for part in (rest // 256, rest % 256, last + 1)))


# --- places --------------------------------------------------------------------------------------------------


def _address(draw: _Draw) -> pa.Array:
    street, code, city = (_from_pool(part, what) for part, what in (
        (replace(draw, room=None), "street"), (_not_unique(draw), "postal_code"), (_not_unique(draw), "city"),
    ))  # fmt: skip
    return side_by_side(street, ", ", code, " ", city)


def _not_unique(draw: _Draw) -> _Draw:
    return replace(draw, unique=False, room=None)


def _country(draw: _Draw) -> pa.Array:
    return _constant(draw, pools.country(draw.locale))


def _country_code(draw: _Draw) -> pa.Array:
    return _constant(draw, pools.country_code(draw.locale))


def _constant(draw: _Draw, text: str) -> pa.Array:
    if draw.unique and len(draw.rows):
        raise ValueError(f"cannot be unique: the country is always {text}")
    return dictionary(np.zeros(len(draw.rows), np.int64), pa.array([text], pa.string()))


def _coordinate(which: int) -> Callable[[_Draw], pa.Array]:
    """A place within 0.05 degrees of a town, to a millionth of a degree."""

    def make(draw: _Draw) -> pa.Array:
        if draw.unique:
            raise ValueError("a coordinate cannot be unique")
        towns = np.array(pools.places(draw.locale))
        town = towns[draw.stream.child("place").below(draw.rows, len(towns)), which]
        near = draw.stream.child("place", str(which)).below(draw.rows, 100_001) - 50_000
        limit = (90_000_000, 180_000_000)[which]
        return decimals(np.clip(np.rint(town * 1e6).astype(np.int64) + near, -limit, limit), 6)

    return make


# --- formats -------------------------------------------------------------------------------------------------


def _iban(draw: _Draw) -> pa.Array:
    """International bank account numbers with valid check digits (ISO 13616, ISO 7064 modulo 97)."""
    country, form = pools.iban_format(draw.locale)
    account = _filled(draw, "iban", form)
    rest = np.zeros(len(draw.rows), np.int64)
    for part in (*account, *(constant(letter, len(draw.rows)) for letter in country)):
        for place in range(part.shape[1]):
            character = part[:, place].astype(np.int64)
            letter = character >= ord("A")
            rest = np.where(letter, rest * 100 + character - ord("A") + 10, rest * 10 + character - ord("0")) % 97
    check = digits(98 - rest * 100 % 97, 2)
    return joined([constant(country, len(draw.rows)), check, *account])


def _filled(draw: _Draw, name: str, form: str) -> list[Characters]:
    """The text of a format, with a random digit or letter for each of its marks."""
    marks = [mark for mark in form if mark in _RADIX]
    # The marks are filled from the right, out of numbers that are small enough to permute.
    drawn: list[Characters] = []
    while marks:
        sizes = itertools.accumulate((_RADIX[mark][1] for mark in reversed(marks)), lambda a, b: a * b)
        take = sum(1 for _ in itertools.takewhile(lambda size: size <= 10**15, sizes))
        group, marks = marks[-take:], marks[:-take]
        size = math.prod(_RADIX[mark][1] for mark in group)
        if drawn:
            number = narrow(draw.stream.child(name, str(len(drawn))).below(draw.rows, size))
        else:
            number = narrow(_numbered(draw, name, size))
        for mark in reversed(group):
            first, radix = _RADIX[mark]
            number, place = parted(number, radix)
            origin = ord("A") if mark == "?" else ord("0")
            drawn.append((place + (first + origin)).astype(np.uint8)[:, None])
    return [drawn.pop() if letter in _RADIX else constant(letter, len(draw.rows)) for letter in form]


def _numbered(draw: _Draw, name: str, size: int) -> Int64s:
    if draw.unique and len(draw.rows) and int(draw.rows.max()) >= size:
        raise ValueError(f"there are only {size:,} different values of this form; it cannot be unique for more rows")
    return draw.index(name, size)


_MAKERS: Mapping[str, Callable[[_Draw], pa.Array]] = {
    "first_name": _first_name,
    "last_name": _last_name,
    "full_name": _full_name,
    "email": _email,
    "username": _username,
    "phone": _phone,
    "company": _company,
    "domain": _domain,
    "url": _url,
    "ipv4": _ipv4,
    "address": _address,
    "country": _country,
    "country_code": _country_code,
    "latitude": _coordinate(0),
    "longitude": _coordinate(1),
    "iban": _iban,
    **{
        what: _pooled(what)
        for what in (
            "job", "street", "city", "region", "postal_code", "user_agent", "currency_code", "color", "word",
            "sentence", "paragraph", "product", "department",
        )
    },
}  # fmt: skip
"""How each `what` of the generator `fake` is made."""

"""Lists of names, places and words by locale, filled from the library Faker once and drawn from ever after.

A pool depends on the version of Faker, the locale and what it holds, on nothing else.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from faker import Faker
from faker.config import AVAILABLE_LOCALES
from faker.decode import unidecode
from faker.providers.date_time import Provider as DateTimeProvider
from faker.providers.geo import Provider as GeoProvider

from seedbed.engine import vocabulary

POOL = 1_000
"""How many entries a pool has, where there are so many."""

_DRAWS = 3
_METHODS: Mapping[str, tuple[str, ...]] = {
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "company": ("company",),
    "job": ("job",),
    "street": ("street_address",),
    "city": ("city",),
    "region": ("administrative_unit", "state", "province", "region", "prefecture", "county", "city"),
    "postal_code": ("postcode",),
    "color": ("color_name",),
    "word": ("word",),
    "sentence": ("sentence",),
    "paragraph": ("paragraph",),
    "user_agent": ("user_agent",),
}
"""Faker's methods for each pool; the first that the locale has is used."""
_ENGLISH: Mapping[str, Callable[[], Iterable[str]]] = {
    "color": lambda: vocabulary.COLORS,
    "word": lambda: vocabulary.WORDS,
    "sentence": lambda: vocabulary.sentences(POOL),
    "paragraph": lambda: vocabulary.paragraphs(POOL),
}
_EVERYWHERE: Mapping[str, Callable[[], Iterable[str]]] = {
    "currency_code": lambda: vocabulary.CURRENCIES,
    "department": lambda: vocabulary.DEPARTMENTS,
    "product": lambda: vocabulary.products(POOL),
}
_FORMULA = re.compile(r"^[\s=+\-@]+")
_SPACE = re.compile(r"\s+")
_NOT_A_HANDLE = re.compile(r"[^a-z0-9]+")


def check_locale(locale: str) -> None:
    """Raises ValueError when Faker has no such locale."""
    if locale not in AVAILABLE_LOCALES:
        raise ValueError(f"there is no locale {locale!r}; known are for example en_US, en_GB, de_DE, fr_FR")


@functools.cache
def pool(locale: str, what: str) -> tuple[str, ...]:
    """Different texts of one kind, never empty; none of them begins like a formula or holds a line break."""
    check_locale(locale)
    english = locale.startswith("en")
    own = _EVERYWHERE.get(what) or (_ENGLISH.get(what) if english else None)
    found = own() if own else _draw(locale, what)
    return tuple(dict.fromkeys(text for raw in found if (text := _FORMULA.sub("", _SPACE.sub(" ", raw)).strip())))


@functools.cache
def names(locale: str, what: str) -> tuple[tuple[str, str], ...]:
    """First or last names, each with its form in e-mail addresses, in which they all differ too."""
    by_handle: dict[str, str] = {}
    for name in pool(locale, what):
        by_handle.setdefault(handle(name), name)
    by_handle.pop("", None)
    return tuple((name, spelled) for spelled, name in by_handle.items())


def handle(text: str) -> str:
    """The text in the lower-case letters and digits of ASCII: `Jörg-Uwe` becomes `jorguwe`."""
    return _NOT_A_HANDLE.sub("", unidecode(text).lower())


@functools.cache
def places(locale: str) -> tuple[tuple[float, float], ...]:
    """Latitude and longitude of towns in the locale's country, or anywhere where Faker has none of them."""
    towns = GeoProvider.land_coords
    here = [town for town in towns if town[3] == country_code(locale)]
    return tuple((float(town[0]), float(town[1])) for town in here or towns)


@functools.cache
def country_code(locale: str) -> str:
    """The two letters (ISO 3166) of the locale's country; where the locale has none, of the one Faker takes."""
    check_locale(locale)
    territory = locale.partition("_")[2]
    return territory if territory in _countries() else str(_faker(locale).current_country_code())


def country(locale: str) -> str:
    """The English name of the locale's country."""
    return _countries()[country_code(locale)]


@functools.cache
def _countries() -> Mapping[str, str]:
    return {country.alpha_2_code: country.name for country in DateTimeProvider.countries}


@functools.cache
def phone_format(locale: str) -> str:
    """The shape of a telephone number, with Faker's marks: # is any digit, % one from 1 to 9, $ one from 2 to 9.

    It neither begins with a sign nor is made of digits only, so that nothing takes it for a number.
    """
    if country_code(locale) in ("US", "CA"):
        return "($##) 555-####"
    formats = getattr(_provider(locale, "phone_number"), "formats", ())
    plain = [text for text in formats if re.fullmatch(r"(?=.*[ ()/.-])[(0-9#%$][0-9#%$ ()/.-]+", text)]
    return max(plain, key=lambda text: len(re.findall("[#%$]", text)), default="0%# ### ####")


@functools.cache
def iban_format(locale: str) -> tuple[str, str]:
    """The two letters that an IBAN of the locale begins with, and the shape of what follows its check digits."""
    bank = _provider(locale, "bank")
    return str(bank.country_code), str(bank.bban_format)


def _provider(locale: str, name: str) -> Any:
    return next(part for part in _faker(locale).factories[0].providers if f".{name}." in f"{type(part).__module__}.")


def _faker(locale: str) -> Faker:
    """Faker for that locale, at the start of its sequence."""
    check_locale(locale)
    # Weighting is Faker's slow way to draw, and of no use in a pool without repeats.
    fake = Faker(locale, use_weighting=False)
    fake.seed_instance(20_260_101)
    return fake


def _draw(locale: str, what: str) -> list[str]:
    fake = _faker(locale)  # one of its own, so that pools do not depend on the order in which they are filled
    method = next(getattr(fake, name) for name in _METHODS[what] if hasattr(fake, name))
    found: dict[str, None] = {}
    for _ in range(_DRAWS * POOL):
        found.setdefault(str(method()))
        if len(found) == POOL:
            break
    return list(found)

"""Lists of names, places and words by locale, filled once and drawn from ever after.

Those of the usual locale, `KEPT`, stand in a file beside this one; those of others come from the library Faker, and
depend on its version, the locale and what they hold, on nothing else.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType

from seedbed.engine import vocabulary

KEPT = "en_US"
"""The locale whose lists are kept, so that Faker is neither loaded nor asked where a plan names no other."""
POOL = 1_000
"""How many entries a pool has, where there are so many."""

_COUNTRY = ("US", "United States")
"""Of the locale whose lists are kept."""
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
_LIST = re.compile(r"^\[(\w+)\]\n((?:.+\n)+)", re.MULTILINE)
_FORMULA = re.compile(r"^[\s=+\-@]+")
_SPACE = re.compile(r"\s+")
_NOT_A_HANDLE = re.compile(r"[^a-z0-9]+")


@functools.cache
def pool(locale: str, what: str) -> tuple[str, ...]:
    """Different texts of one kind, never empty; none of them begins like a formula or holds a line break.

    Raises:
        ValueError: Faker has no such locale.
    """
    if locale == KEPT and what in _kept():
        return tuple(_kept()[what].splitlines())
    own = _EVERYWHERE.get(what) or (_ENGLISH.get(what) if locale.startswith("en") else None)
    if locale != KEPT:
        _faker().check_locale(locale)
    found = own() if own else _faker().draw(locale, what, POOL)
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
    return _NOT_A_HANDLE.sub("", (text if text.isascii() else _faker().unidecode(text)).lower())


@functools.cache
def places(locale: str) -> tuple[tuple[float, float], ...]:
    """Latitude and longitude of towns in the locale's country, or anywhere where Faker has none of them."""
    return tuple(_faker().places(country_code(locale)))


@functools.cache
def country_code(locale: str) -> str:
    """The two letters (ISO 3166) of the locale's country; where the locale has none, of the one Faker takes."""
    if locale == KEPT:
        return _COUNTRY[0]
    _faker().check_locale(locale)
    territory = locale.partition("_")[2]
    return territory if territory in _faker().countries() else str(_faker().country_code(locale))


def country(locale: str) -> str:
    """The English name of the locale's country."""
    return _COUNTRY[1] if locale == KEPT else str(_faker().countries()[country_code(locale)])


@functools.cache
def phone_format(locale: str) -> str:
    """The shape of a telephone number, with Faker's marks: # is any digit, % one from 1 to 9, $ one from 2 to 9.

    It neither begins with a sign nor is made of digits only, so that nothing takes it for a number.
    """
    if country_code(locale) in ("US", "CA"):
        return "($##) 555-####"
    formats = getattr(_faker().provider(locale, "phone_number"), "formats", ())
    plain = [text for text in formats if re.fullmatch(r"(?=.*[ ()/.-])[(0-9#%$][0-9#%$ ()/.-]+", text)]
    return max(plain, key=lambda text: len(re.findall("[#%$]", text)), default="0%# ### ####")


@functools.cache
def iban_format(locale: str) -> tuple[str, str]:
    """The two letters that an IBAN of the locale begins with, and the shape of what follows its check digits."""
    bank = _faker().provider(locale, "bank")
    return str(bank.country_code), str(bank.bban_format)


@functools.cache
def _kept() -> Mapping[str, str]:
    """The lists that are kept, an entry a line."""
    file = Path(__file__).with_name(f"{KEPT}.txt")
    return {found[1]: found[2] for found in _LIST.finditer(file.read_text(encoding="utf-8"))}


def _faker() -> ModuleType:
    from seedbed.engine import faker_lists  # noqa: PLC0415 - as much CPU time as 200,000 rows, in every process

    return faker_lists

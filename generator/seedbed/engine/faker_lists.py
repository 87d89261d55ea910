"""The door to the library Faker: what it has for a locale. It takes a fifth of a second to load."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from faker import Faker
from faker.config import AVAILABLE_LOCALES
from faker.decode import unidecode
from faker.providers.date_time import Provider as DateTimeProvider
from faker.providers.geo import Provider as GeoProvider

__all__ = ["check_locale", "countries", "country_code", "draw", "places", "provider", "unidecode"]

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


def check_locale(locale: str) -> None:
    """Raises ValueError when Faker has no such locale."""
    if locale not in AVAILABLE_LOCALES:
        raise ValueError(f"there is no locale {locale!r}; known are for example en_US, en_GB, de_DE, fr_FR")


def draw(locale: str, what: str, most: int) -> list[str]:
    """Different texts of one kind, at most so many."""
    fake = _faker(locale)  # one of its own, so that pools do not depend on the order in which they are filled
    method = next(getattr(fake, name) for name in _METHODS[what] if hasattr(fake, name))
    found: dict[str, None] = {}
    for _ in range(_DRAWS * most):
        found.setdefault(str(method()))
        if len(found) == most:
            break
    return list(found)


def places(country: str) -> tuple[tuple[float, float], ...]:
    """Latitude and longitude of towns in a country, or anywhere where Faker has none of them."""
    towns = GeoProvider.land_coords
    here = [town for town in towns if town[3] == country]
    return tuple((float(town[0]), float(town[1])) for town in here or towns)


@functools.cache
def countries() -> Mapping[str, str]:
    """English names of countries by their two letters (ISO 3166)."""
    return {country.alpha_2_code: country.name for country in DateTimeProvider.countries}


def country_code(locale: str) -> str:
    """The two letters of the country that Faker takes for a locale."""
    return str(_faker(locale).current_country_code())


def provider(locale: str, name: str) -> Any:
    """What Faker knows of one subject, such as `bank`."""
    return next(part for part in _faker(locale).factories[0].providers if f".{name}." in f"{type(part).__module__}.")


def _faker(locale: str) -> Faker:
    """Faker for that locale, at the start of its sequence."""
    check_locale(locale)
    # Weighting is Faker's slow way to draw, and of no use in a pool without repeats.
    fake = Faker(locale, use_weighting=False)
    fake.seed_instance(20_260_101)
    return fake

"""Persons, companies, addresses and their like."""

from __future__ import annotations

import re
import warnings
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from faker.config import AVAILABLE_LOCALES
from kernels import listed, values_of

from seedbed.engine import pools, vocabulary
from seedbed.engine.arrow import as_text
from seedbed.engine.people import fake
from seedbed.engine.rng import Stream
from seedbed.errors import GenerationError
from seedbed.plan.kinds import Fake

WHATS = Fake.model_fields["what"].annotation.__args__
LOCALES = ("en_US", "de_DE", "fr_FR", "ja_JP", "pt_BR")
SOME = np.concatenate([np.arange(300), np.array([10**6, 10**12, 2**61])])
NEVER_UNIQUE = ("country", "country_code", "latitude", "longitude")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("what", WHATS)
def test_texts_are_safe_and_present(what: str, locale: str) -> None:
    found = values_of(f"fake('{what}', locale='{locale}')", SOME)
    if pa.types.is_decimal(found.type):
        limit = 90 if what == "latitude" else 180
        assert all(abs(value) <= limit for value in found.to_pylist())
        return
    for text in found.to_pylist():
        assert text == text.strip()
        assert text
        assert text[0] not in "=+-@"
        assert not re.search(r"[\n\r\t]", text)


@pytest.mark.parametrize("what", [what for what in WHATS if what not in NEVER_UNIQUE])
def test_unique_values_are_unique(what: str) -> None:
    size = 6_000
    found = listed(f"fake('{what}', unique=true)", size)
    assert len(set(found)) == size


@pytest.mark.parametrize("locale", ["vi_VN", "ja_JP", "de_LI", "ar_SA"])
@pytest.mark.parametrize("what", ["email", "username", "full_name"])
def test_unique_values_from_few_names(what: str, locale: str) -> None:
    size = 100_000
    found = listed(f"fake('{what}', unique=true, locale='{locale}')", size)
    assert len(set(found)) == size


@pytest.mark.parametrize("what", NEVER_UNIQUE)
def test_what_cannot_be_unique_is_told(what: str) -> None:
    with pytest.raises(GenerationError, match="cannot be unique"):
        listed(f"fake('{what}', unique=true)")


@pytest.mark.parametrize("what", ["phone", "ipv4"])
def test_forms_that_run_out_are_told(what: str) -> None:
    with pytest.raises(GenerationError, match="there are only"):
        listed(f"fake('{what}', unique=true)", np.array([10**12]))


def test_the_parts_of_a_person_agree() -> None:
    rows = np.array([*range(500), 10**7])
    first, last, full, email, username = (
        listed(f"fake('{what}')", rows) for what in ("first_name", "last_name", "full_name", "email", "username")
    )
    assert full == [f"{a} {b}" for a, b in zip(first, last, strict=True)]
    for a, b, mail, user in zip(first, last, email, username, strict=True):
        assert re.fullmatch(rf"{pools.handle(a)}\.{pools.handle(b)}(\.\d+)?@example\.(com|org|net)", mail)
        assert re.fullmatch(rf"{pools.handle(a)}_{pools.handle(b)}(_\d+)?", user)


def test_no_digits_are_needed_while_there_are_names() -> None:
    assert not any(re.search(r"\d", text) for text in listed("fake('email')", 100_000))


def test_a_company_has_its_domain() -> None:
    company, domain, url = (listed(f"fake('{what}')") for what in ("company", "domain", "url"))
    assert domain == [f"{pools.handle(name)}.example.com" for name in company]
    assert url == [f"https://www.{name}/" for name in domain]


def test_an_address_is_made_of_its_parts() -> None:
    street, code, city, address = (
        listed(f"fake('{what}', locale='de_DE')") for what in ("street", "postal_code", "city", "address")
    )
    assert address == [", ".join((a, f"{b} {c}")) for a, b, c in zip(street, code, city, strict=True)]


@pytest.mark.parametrize(
    ("locale", "country", "code"),
    [
        ("en_US", "United States", "US"), ("de_DE", "Germany", "DE"), ("de_AT", "Austria", "AT"),
        ("tr_TR", "Turkey", "TR"), ("ja_JP", "Japan", "JP"), ("de", "Germany", "DE"),
    ],
)  # fmt: skip
def test_the_country_is_that_of_the_locale(locale: str, country: str, code: str) -> None:
    assert set(listed(f"fake('country', locale='{locale}')")) == {country}
    assert set(listed(f"fake('country_code', locale='{locale}')")) == {code}


def test_places_lie_in_the_country() -> None:
    latitude, longitude = (listed(f"fake('{what}', locale='de_DE')") for what in ("latitude", "longitude"))
    assert all(Decimal(47) < value < Decimal(56) for value in latitude)
    assert all(Decimal(5) < value < Decimal(16) for value in longitude)


@pytest.mark.parametrize("locale", LOCALES)
def test_ibans_have_valid_check_digits(locale: str) -> None:
    for iban in listed(f"fake('iban', locale='{locale}')", 300):
        turned = "".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])
        assert int(turned) % 97 == 1
        assert 2 <= int(iban[2:4]) <= 98


@pytest.mark.parametrize("locale", LOCALES)
def test_telephone_numbers_are_no_numbers(locale: str) -> None:
    for phone in listed(f"fake('phone', locale='{locale}')", 300):
        assert re.search(r"[^\d.+-]", phone) or phone.count("-") > 1
        assert not phone.startswith("+")


def test_addresses_of_the_private_network() -> None:
    for address in listed("fake('ipv4')"):
        parts = [int(part) for part in address.split(".")]
        assert parts[0] == 10
        assert all(0 <= part <= 255 for part in parts)
        assert 1 <= parts[3] <= 254


def test_every_locale_has_pools_and_formats() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Faker has deprecated locales
        for locale in AVAILABLE_LOCALES:
            if locale in ("es_CL", "en_MS"):
                continue
            assert len(pools.names(locale, "first_name")) >= 2
            assert len(pools.names(locale, "last_name")) >= 8
            assert pools.country(locale)
            assert re.fullmatch(r"[(0-9#%$][0-9#%$ ()/.-]+", pools.phone_format(locale))
            assert len(pools.places(locale)) >= 1


def test_an_unknown_locale_is_told() -> None:
    with pytest.raises(GenerationError, match="there is no locale 'xx_XX'"):
        listed("fake('city', locale='xx_XX')")


def test_pools_do_not_depend_on_the_order_in_which_they_are_filled() -> None:
    pools.pool.cache_clear()
    first = pools.pool("de_DE", "city"), pools.pool("de_DE", "last_name")
    pools.pool.cache_clear()
    assert (pools.pool("de_DE", "last_name"), pools.pool("de_DE", "city")) == first[::-1]


def test_names_differ_in_addresses_too() -> None:
    handles = [spelled for _, spelled in pools.names("de_DE", "first_name")]
    assert len(set(handles)) == len(handles)
    assert all(re.fullmatch("[a-z0-9]+", spelled) for spelled in handles)


def test_vocabulary_is_without_repeats() -> None:
    for words in (vocabulary.WORDS, vocabulary.COLORS, vocabulary.DEPARTMENTS, vocabulary.CURRENCIES):
        assert len(set(words)) == len(words)
    for made in (vocabulary.sentences(10_000), vocabulary.paragraphs(3_000), vocabulary.products(7_000)):
        assert len(set(made)) == len(made)
    assert all(text[0].isupper() and text.endswith(".") for text in vocabulary.sentences(1_000))


def test_texts_of_a_list_fit_into_their_column():
    rows = np.arange(2_000)
    for what in ("company", "sentence", "product", "job", "city"):
        stream, generator = Stream(5, what), Fake(what=what)
        free = pc.utf8_length(as_text(fake(generator, stream, rows, "en_US")))
        room = pc.quantile(free, 0.5)[0].as_py()
        fitted = as_text(fake(generator, stream, rows, "en_US", int(room)))
        assert pc.max(pc.utf8_length(fitted)).as_py() <= room < pc.max(free).as_py()
        assert len(set(fitted.to_pylist())) > 20
        # Where all fit, nothing changes; where none does, the column's own check is to speak.
        assert fake(generator, stream, rows, "en_US", 10_000).equals(fake(generator, stream, rows, "en_US"))
        assert fake(generator, stream, rows, "en_US", 1).equals(fake(generator, stream, rows, "en_US"))

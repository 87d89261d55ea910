"""What names say; the cases are data."""

import csv
import datetime as dt
import functools
from pathlib import Path

import pytest

from seedbed.authoring.baseline.names import FITS, _compiled, read_name, singular, snake, subject
from seedbed.authoring.baseline.sketch import Window
from seedbed.schema import parse_data_type

CASES = Path(__file__).parents[3] / "cases" / "names"
with (CASES / "columns.tsv").open(encoding="utf-8", newline="") as lines:
    COLUMNS = [tuple(row.values()) for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
WINDOW = Window(dt.date(2024, 7, 1), dt.date(2026, 6, 30))


@pytest.mark.parametrize(("column", "table", "data_type", "expected"), COLUMNS)
def test_a_name_says(column, table, data_type, expected):
    kind = parse_data_type(data_type).kind if data_type else None
    found = read_name(column, table, kind)
    assert (found[1] if found else "-") == expected


def test_every_entry_is_a_generator_of_a_known_family():
    rules, _ = _compiled()
    for rule in rules:
        assert rule.family in FITS
        assert WINDOW.fill(rule.generator)


def test_no_entry_is_hidden_by_those_above_it():
    """An entry none of whose names is ever reached is a mistake in the order."""
    text = Path(__file__).parents[4] / "generator" / "seedbed" / "authoring" / "baseline" / "column_names.txt"
    names, generator, beside, hidden = [], "", "", []

    def check():
        parts = [("~", ""), ("*", "x"), ("<person>", "nurse"), ("<company>", "bank"), ("<animal>", "dog")]
        plain, near = (
            [functools.reduce(lambda text, part: text.replace(*part), parts, name) for name in listed]
            for listed in (names, beside.split())
        )
        reached = [name for name in plain if (found := read_name(name, beside=near)) and found[1] == generator]
        if names and not reached:
            hidden.append((generator, names))

    for line in text.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            names.extend(line.split())
        elif line and not line.startswith("#"):
            check()
            head, _, generator = line.partition(": ")
            names, beside = [], head.partition(" beside ")[2]
    check()
    assert not hidden


@pytest.mark.parametrize(
    ("word", "expected"),
    [("customers", "customer"), ("addresses", "address"), ("categories", "category"), ("boxes", "box"),
     ("status", "status"), ("people", "person"), ("order_lines", "order_line"), ("news", "news"),
     ("class", "class"), ("branches", "branch")],
)  # fmt: skip
def test_singular(word, expected):
    assert singular(word) == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [("raw.stg_customers", "customer"), ("CASE_STATUS_DIM", "case_status"),
     ("dim_date", "date"), ("fct_order_items", "order_item"),
     ("fact", "fact"), ("shop.orders", "order"), ("customers_v2", "customer"), ("customer_history", "customer")],
)  # fmt: skip
def test_subject(table, expected):
    assert subject(table) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("CustomerID", "customer_id"), ("Customer ID", "customer_id"), ("HTTPCode", "http_code"), ("_a__b", "a_b"),
     ("patientid", "patient_id"), ("LASTORDERDATE2", "last_order_date_2"), ("ispending", "is_pending"),
     ("username", "username"), ("candidate", "candidate"), ("location", "location"), ("unpaid", "unpaid")],
)  # fmt: skip
def test_snake(name, expected):
    assert snake(name) == expected


@pytest.mark.parametrize(
    ("name", "beside", "expected"),
    [
        ("state", {"zip", "city"}, "fake('region')"),
        ("ship_state", {"ship_city"}, "fake('region')"),
        ("state", {"opened_at"}, "choice({'active': 70, 'pending': 12, 'inactive': 18})"),
        ("first", {"last"}, "fake('first_name')"),
        ("last", {"first"}, "fake('last_name')"),
    ],
)
def test_a_name_says_more_beside_others(name, beside, expected):
    assert read_name(name, "places", beside=beside)[1] == expected


@pytest.mark.parametrize(
    ("column", "beside", "expected"),
    [
        ("B_NAME", ["b_key", "b_phone"], "fake('full_name')"),
        ("bk_phone", ["bk_key", "bk_name"], "fake('phone')"),
        ("B_NAME", ["b_key", "phone"], "pattern('<thing> {n}')"),
        ("is_paid", ["is_open", "is_late"], read_name("is_paid")[1]),
    ],
)
def test_a_mark_that_all_names_of_a_table_begin_with_says_nothing(column, beside, expected):
    _, generator = read_name(column, "borrowers", None, beside)
    assert generator == expected

"""Rows from Faker, one call a value: `faker_rows.py FOLDER (persons|transactions|strings) ROWS`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from faker import Faker
from job import job

fake = Faker("en_US")
KINDS = ("payment", "refund", "fee", "adjustment", "chargeback")


def person(number: int) -> list[object]:
    return [
        number, fake.first_name(), fake.last_name(), fake.unique.email(), fake.city(),
        fake.date_between(date(1942, 1, 1), date(2007, 12, 31)),
    ]  # fmt: skip


def transaction(number: int) -> list[object]:
    moment = fake.date_time_between(datetime(2015, 1, 1), datetime(2025, 12, 31))
    return [
        number, fake.random_int(1, 1_000_000), fake.random_int(1, 200_000), int(moment.strftime("%Y%m%d")), moment,
        fake.random_element(KINDS), round(fake.random.lognormvariate(4, 1), 2),
    ]  # fmt: skip


def strings(number: int) -> list[object]:
    return [
        number, fake.first_name(), fake.last_name(), fake.unique.email(), fake.phone_number(), fake.company(),
        fake.street_address(), f"P-{number:09d}", fake.sentence(10),
    ]  # fmt: skip


ROWS: dict[str, Callable[[int], list[object]]] = {"persons": person, "transactions": transaction, "strings": strings}

if __name__ == "__main__":
    folder, make, rows = Path(sys.argv[1]), ROWS[sys.argv[2]], int(sys.argv[3])
    Faker.seed(1)
    with job(folder, "Faker") as done, (folder / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows(map(make, range(1, rows + 1)))
        done.add(rows, len(make(rows + 1)))

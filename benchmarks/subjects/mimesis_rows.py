"""Rows from mimesis, one call a value: `mimesis_rows.py FOLDER (persons|transactions|strings) ROWS`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

from job import job
from mimesis import Generic
from mimesis.locales import Locale

g = Generic(Locale.EN, seed=1)
KINDS = ("payment", "refund", "fee", "adjustment", "chargeback")


def person(number: int) -> list[object]:
    email = f"{number}.{g.person.email()}"  # mimesis takes no `unique` together with a seed
    return [number, g.person.first_name(), g.person.last_name(), email, g.address.city(), g.datetime.date(1942, 2007)]


def transaction(number: int) -> list[object]:
    moment = g.datetime.datetime(2015, 2025)
    return [
        number, g.random.randint(1, 1_000_000), g.random.randint(1, 200_000), int(moment.strftime("%Y%m%d")), moment,
        g.random.choice(KINDS), round(g.random.lognormvariate(4, 1), 2),
    ]  # fmt: skip


def strings(number: int) -> list[object]:
    return [
        number, g.person.first_name(), g.person.last_name(), f"{number}.{g.person.email()}", g.person.phone_number(),
        g.finance.company(), g.address.address(), f"P-{number:09d}", g.text.sentence(),
    ]  # fmt: skip


ROWS: dict[str, Callable[[int], list[object]]] = {"persons": person, "transactions": transaction, "strings": strings}

if __name__ == "__main__":
    folder, make, rows = Path(sys.argv[1]), ROWS[sys.argv[2]], int(sys.argv[3])
    with job(folder, "mimesis") as done, (folder / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows(map(make, range(1, rows + 1)))
        done.add(rows, len(make(rows + 1)))

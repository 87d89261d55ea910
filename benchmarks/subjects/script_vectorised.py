"""The case star as a careful LLM's script makes it: numpy and pandas over whole columns.

The history is a loop over the cases, or takes one step of all of them at a time, which not many would write:
`script_vectorised.py FOLDER SCALE (loop|steps)`.
"""

from __future__ import annotations

import random
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from faker import Faker
from job import job

STATES = np.array(["new", "triage", "in progress", "waiting", "resolved", "closed"])
MATRIX = np.array(
    [
        [0, 0.75, 0.10, 0, 0, 0.15],
        [0, 0, 0.60, 0.10, 0.20, 0.10],
        [0, 0.05, 0, 0.20, 0.65, 0.10],
        [0, 0, 0.50, 0, 0.30, 0.20],
        [0, 0, 0, 0.08, 0, 0.92],
        [0, 0, 0, 0, 0, 1],
    ]
)
MEDIAN_DAYS = np.array([2, 3, 10, 7, 5, 1])
START, AS_OF = np.datetime64("2015-01-01"), np.datetime64("2025-12-31")


def loop(rng: np.random.Generator, opened: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """The history, and when each case was last moved."""
    random.seed(int(rng.integers(1 << 32)))
    last_day, names = date(2025, 12, 31), STATES.tolist()
    moves = [([place for place, share in enumerate(row) if share], [share for share in row if share]) for row in MATRIX]
    rows, last = [], []
    for case_id, since in enumerate(opened.tolist(), 1):
        state = 0
        while True:
            stay = max(1, round(random.lognormvariate(0, 0.8) * int(MEDIAN_DAYS[state])))
            until = since + timedelta(days=stay)
            over = state == 5 or until > last_day
            rows.append((case_id, names[state], since, None if over else until, over))
            if over:
                break
            state, since = random.choices(*moves[state])[0], until
        last.append(since)
    history = pd.DataFrame(rows, columns=["case_id", "status", "start_date", "end_date", "is_current"])
    return history, np.array(last, "datetime64[D]")


def steps(rng: np.random.Generator, opened: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """The same, one step of all cases at a time."""
    case_id, cumulative, made, last = np.arange(1, len(opened) + 1), MATRIX.cumsum(axis=1), [], opened.copy()
    who, state, since = case_id, np.zeros(len(opened), int), opened
    while len(who):
        stay = np.maximum(1, np.rint(rng.lognormal(0, 0.8, len(who)) * MEDIAN_DAYS[state])).astype(int)
        until = np.where(state == 5, np.datetime64("NaT"), since + stay)
        going = until <= AS_OF
        made.append(
            pd.DataFrame(
                {
                    "case_id": who,
                    "status": STATES[state],
                    "start_date": since,
                    "end_date": np.where(going, until, np.datetime64("NaT")),
                    "is_current": ~going,
                }
            )
        )
        last[who - 1] = since
        who, state, since = who[going], state[going], until[going]
        state = (rng.random(len(who))[:, None] > cumulative[state]).sum(axis=1)
    return pd.concat(made).sort_values(["case_id", "start_date"], ignore_index=True), last


def generate(persons: int, cases: int, transactions: int, history: str) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(1)
    days = pd.date_range(START, AS_OF)
    date_dim = pd.DataFrame(
        {
            "date_key": days.strftime("%Y%m%d").astype(int),
            "date": days.date,
            "year": days.year,
            "month": days.month,
            "day": days.day,
            "weekday": days.strftime("%a"),
            "is_weekend": days.day_of_week >= 5,
        }
    )

    fake = Faker("en_US")
    Faker.seed(1)
    first = np.array([fake.first_name() for _ in range(500)])
    last = np.array([fake.last_name() for _ in range(1000)])
    cities = np.array([fake.city() for _ in range(500)])
    first, last = rng.choice(first, persons), rng.choice(last, persons)
    number = np.arange(1, persons + 1)
    email = pd.Series(first).str.lower() + "." + pd.Series(last).str.lower() + number.astype(str) + "@example.com"
    born = np.datetime64("1942-01-01") + rng.integers(0, 24_106, persons)
    person_dim = pd.DataFrame(
        {
            "person_id": number,
            "first_name": first,
            "last_name": last,
            "email": email,
            "city": rng.choice(cities, persons),
            "birth_date": born,
        }
    )

    case_id = np.arange(1, cases + 1)
    case_person = rng.integers(1, persons + 1, cases)
    opened = START + rng.integers(0, len(days), cases)
    case_dim = pd.DataFrame(
        {
            "case_id": case_id,
            "case_ref": "CASE-" + pd.Series(case_id).astype(str).str.zfill(8),
            "person_id": case_person,
            "opened_at": opened,
            "priority": rng.choice(["low", "medium", "high", "critical"], cases, p=[0.5, 0.3, 0.15, 0.05]),
            "claim_amount": np.round(rng.lognormal(7, 1.2, cases), 2),
        }
    )

    case_status, closed_at = HISTORIES[history](rng, opened)
    case_status.insert(0, "case_status_id", np.arange(1, len(case_status) + 1))

    of_case = rng.integers(1, cases + 1, transactions)
    life = np.maximum((closed_at - opened).astype(int), 1)[of_case - 1]
    seconds = (rng.random(transactions) * life * 86_400).astype("timedelta64[s]")
    moment = pd.Series(opened[of_case - 1].astype("datetime64[s]") + seconds)
    kinds = ["payment", "refund", "fee", "adjustment", "chargeback"]
    transaction_fact = pd.DataFrame(
        {
            "transaction_id": np.arange(1, transactions + 1),
            "case_id": of_case,
            "person_id": case_person[of_case - 1],
            "date_key": moment.dt.year * 10_000 + moment.dt.month * 100 + moment.dt.day,
            "transacted_at": moment,
            "transaction_type": rng.choice(kinds, transactions, p=[0.7, 0.1, 0.12, 0.05, 0.03]),
            "amount": np.round(rng.lognormal(4, 1, transactions), 2),
        }
    )
    return {
        "date_dim": date_dim,
        "person_dim": person_dim,
        "case_dim": case_dim,
        "case_status": case_status,
        "transaction_fact": transaction_fact,
    }


HISTORIES = {"loop": loop, "steps": steps}

if __name__ == "__main__":
    folder, scale, history = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    with job(folder, "numpy", "pandas") as done:
        made = generate(int(200_000 * scale), int(1_000_000 * scale), int(5_000_000 * scale), history)
        for name, frame in made.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
            done.add(*frame.shape)

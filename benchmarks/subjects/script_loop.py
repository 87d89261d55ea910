"""The case star as an LLM's script usually makes it: Faker, a loop over cases, lists of dictionaries, pandas.

`script_loop.py FOLDER SCALE`
"""

from __future__ import annotations

import random
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
from faker import Faker
from job import job

TRANSITIONS = {
    "new": (["triage", "in progress", "closed"], [0.75, 0.10, 0.15]),
    "triage": (["in progress", "waiting", "resolved", "closed"], [0.60, 0.10, 0.20, 0.10]),
    "in progress": (["triage", "waiting", "resolved", "closed"], [0.05, 0.20, 0.65, 0.10]),
    "waiting": (["in progress", "resolved", "closed"], [0.50, 0.30, 0.20]),
    "resolved": (["waiting", "closed"], [0.08, 0.92]),
}
MEDIAN_DAYS = {"new": 2, "triage": 3, "in progress": 10, "waiting": 7, "resolved": 5}
START, AS_OF = date(2015, 1, 1), date(2025, 12, 31)


def generate(persons: int, cases: int) -> dict[str, pd.DataFrame]:
    random.seed(1)
    fake = Faker("en_US")
    Faker.seed(1)
    days = [START + timedelta(days=number) for number in range((AS_OF - START).days + 1)]
    dates = [
        {
            "date_key": int(day.strftime("%Y%m%d")), "date": day, "year": day.year, "month": day.month,
            "day": day.day, "weekday": day.strftime("%a"), "is_weekend": day.weekday() >= 5,
        }
        for day in days
    ]  # fmt: skip
    person_rows = [
        {
            "person_id": number, "first_name": fake.first_name(), "last_name": fake.last_name(),
            "email": fake.unique.email(), "city": fake.city(),
            "birth_date": fake.date_between(date(1942, 1, 1), date(2007, 12, 31)),
        }
        for number in range(1, persons + 1)
    ]  # fmt: skip
    case_rows, statuses, transactions = [], [], []
    for case_id in range(1, cases + 1):
        person_id = random.randint(1, persons)
        opened = random.choice(days)
        case_rows.append(
            {
                "case_id": case_id, "case_ref": f"CASE-{case_id:08d}", "person_id": person_id, "opened_at": opened,
                "priority": random.choices(["low", "medium", "high", "critical"], [50, 30, 15, 5])[0],
                "claim_amount": round(random.lognormvariate(7, 1.2), 2),
            }
        )  # fmt: skip
        state, since = "new", opened
        while True:
            until = None
            if state in TRANSITIONS:
                stay = random.lognormvariate(0, 0.8) * MEDIAN_DAYS[state]
                until = since + timedelta(days=max(1, round(stay)))
            over = until is None or until > AS_OF
            statuses.append(
                {
                    "case_status_id": len(statuses) + 1, "case_id": case_id, "status": state, "start_date": since,
                    "end_date": None if over else until, "is_current": over,
                }
            )  # fmt: skip
            if over:
                break
            state, since = random.choices(*TRANSITIONS[state])[0], until
        life = max((since - opened).days, 1)
        for _ in range(random.randint(1, 9)):
            moment = datetime.combine(opened, datetime.min.time()) + timedelta(seconds=random.randrange(life * 86_400))
            transactions.append(
                {
                    "transaction_id": len(transactions) + 1, "case_id": case_id, "person_id": person_id,
                    "date_key": int(moment.strftime("%Y%m%d")), "transacted_at": moment,
                    "transaction_type": random.choices(
                        ["payment", "refund", "fee", "adjustment", "chargeback"], [70, 10, 12, 5, 3]
                    )[0],
                    "amount": round(random.lognormvariate(4, 1), 2),
                }
            )  # fmt: skip
    made = {
        "date_dim": dates, "person_dim": person_rows, "case_dim": case_rows, "case_status": statuses,
        "transaction_fact": transactions,
    }  # fmt: skip
    return {name: pd.DataFrame(rows) for name, rows in made.items()}


if __name__ == "__main__":
    folder, scale = Path(sys.argv[1]), float(sys.argv[2])
    with job(folder, "Faker", "pandas") as done:
        for name, frame in generate(int(200_000 * scale), int(1_000_000 * scale)).items():
            frame.to_csv(folder / f"{name}.csv", index=False)
            done.add(*frame.shape)

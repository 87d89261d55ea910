"""dbldatagen on local Spark, on two cores: persons, cases and transactions; it has no histories.

`dbldatagen_rows.py FOLDER SCALE`. The statuses, which it cannot make, are left out. What is measured begins when
the session is up.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import dbldatagen as dg
from job import job
from pyspark.sql import DataFrame, SparkSession

PRIORITIES = ["low", "medium", "high", "critical"]
KINDS = ["payment", "refund", "fee", "adjustment", "chargeback"]


def tables(spark: SparkSession, scale: float) -> dict[str, tuple[DataFrame, int]]:
    persons, cases, transactions = (int(rows * scale) for rows in (200_000, 1_000_000, 5_000_000))
    person = (
        dg.DataGenerator(spark, rows=persons, partitions=2, randomSeedMethod="hash_fieldname")
        .withColumn("person_id", "long", minValue=1, uniqueValues=persons)
        .withColumn("first_name", "string", values=[f"First{n}" for n in range(500)], random=True)
        .withColumn("last_name", "string", values=[f"Last{n}" for n in range(1000)], random=True)
        .withColumn("email", "string", template=r"ddddddd.\w@example.com")
        .withColumn("city", "string", values=[f"City{n}" for n in range(500)], random=True)
        .withColumn("birth_date", "date", begin="1942-01-01", end="2007-12-31", random=True)
    )
    case = (
        dg.DataGenerator(spark, rows=cases, partitions=2, randomSeedMethod="hash_fieldname")
        .withColumn("case_id", "long", minValue=1, uniqueValues=cases)
        .withColumn("case_ref", "string", prefix="CASE", baseColumn="case_id")
        .withColumn("person_id", "long", minValue=1, maxValue=persons, random=True)
        .withColumn("opened_at", "timestamp", begin="2015-01-01 00:00:00", end="2025-12-31 00:00:00", random=True)
        .withColumn("priority", "string", values=PRIORITIES, weights=[50, 30, 15, 5], random=True)
        .withColumn("claim_amount", "decimal(12,2)", minValue=10.0, maxValue=9999.0, random=True)
    )
    transaction = (
        dg.DataGenerator(spark, rows=transactions, partitions=2, randomSeedMethod="hash_fieldname")
        .withColumn("transaction_id", "long", minValue=1, uniqueValues=transactions)
        .withColumn("case_id", "long", minValue=1, maxValue=cases, random=True)
        .withColumn("person_id", "long", minValue=1, maxValue=persons, random=True)
        .withColumn("date_key", "integer", minValue=20150101, maxValue=20251231, random=True)
        .withColumn("transacted_at", "timestamp", begin="2015-01-01 00:00:00", end="2025-12-31 00:00:00", random=True)
        .withColumn("transaction_type", "string", values=KINDS, weights=[70, 10, 12, 5, 3], random=True)
        .withColumn("amount", "decimal(12,2)", minValue=1.0, maxValue=999.0, random=True)
    )
    made = {"person": (person, persons), "case": (case, cases), "transaction": (transaction, transactions)}
    return {name: (table.build(), rows) for name, (table, rows) in made.items()}


if __name__ == "__main__":
    folder, scale = Path(sys.argv[1]), float(sys.argv[2])
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    with job(folder, "dbldatagen", "pyspark") as done:
        for name, (frame, rows) in tables(session, scale).items():
            frame.write.csv(str(folder / name), header=True)
            done.add(rows, len(frame.columns))
    session.stop()

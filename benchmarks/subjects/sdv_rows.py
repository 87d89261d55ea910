"""SDV's Gaussian copula, fitted to 5,000 transactions; the sampling is measured: `sdv_rows.py FOLDER ROWS`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from job import job
from sdv.metadata import Metadata
from sdv.single_table import GaussianCopulaSynthesizer

if __name__ == "__main__":
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    rng = np.random.default_rng(1)
    moment = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 4018 * 86_400, 5000), unit="s")
    sample = pd.DataFrame(
        {
            "transaction_id": np.arange(5000),
            "case_id": rng.integers(1, 1000, 5000),
            "person_id": rng.integers(1, 200, 5000),
            "date_key": moment.strftime("%Y%m%d").astype(int),
            "transacted_at": moment,
            "transaction_type": rng.choice(["payment", "refund", "fee"], 5000),
            "amount": rng.lognormal(4, 1, 5000).round(2),
        }
    )
    model = GaussianCopulaSynthesizer(Metadata.detect_from_dataframes({"transaction": sample}))
    model.fit({"transaction": sample})
    with job(folder, "sdv") as done:
        made = model.sample(rows)["transaction"]
        made.to_csv(folder / "transactions.csv", index=False)
        done.add(*made.shape)

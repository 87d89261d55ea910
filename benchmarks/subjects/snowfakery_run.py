"""Snowfakery's own CSV output of a recipe: `snowfakery_run.py FOLDER PERSONS`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from job import job
from snowfakery import generate_data

if __name__ == "__main__":
    folder, persons = Path(sys.argv[1]), int(sys.argv[2])
    with job(folder, "snowfakery") as done:
        recipe = Path(__file__).with_name("snowfakery.yml")
        generate_data(recipe, target_number=(persons, "person"), output_format="csv", output_folder=folder)
        for file in folder.glob("*.csv"):
            with file.open(newline="") as lines:
                columns, *rows = csv.reader(lines)
                done.add(len(rows), len(columns))

"""The benchmarks run: small, and each of Seedbed's own subjects once. What they measure is not looked at."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def report(script: str, *arguments: object) -> dict[str, object]:
    command = [sys.executable, BENCHMARKS / "subjects" / script, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("form", ["rows", "csv", "parquet"])
def test_case_star_is_made(form, tmp_path):
    found = report("seedbed_run.py", tmp_path, BENCHMARKS / "plans" / "case_star", 0.0005, form, 2)
    assert found["rows"] > 4018 + 100 + 500 + 1500 + 2000
    assert (found["bytes"] > 20_000) == (form != "rows")


def test_strings_are_made(tmp_path):
    found = report("seedbed_run.py", tmp_path, BENCHMARKS / "plans" / "strings", 0.0005, "csv", 1)
    assert (found["rows"], found["values"]) == (1000, 9000)

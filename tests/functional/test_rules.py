"""Seven sentences of a project, from the plan to dbt: what is built in holds, and what somebody breaks is found."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CASE = ROOT / "tests/cases/seven_rules"
Rows = list[dict[str, str]]


def _run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = (sys.executable, "-m", *command)
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def _dbt(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(project, "dbt.cli.main", "--no-use-colors", *arguments)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with its seeds made, checked and built by dbt."""
    project = tmp_path_factory.mktemp("rules") / "project"
    shutil.copytree(CASE, project)
    profile = {"seven_rules": {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": "dev.duckdb"}}}}
    (project / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    (project / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}), encoding="utf-8")
    installed = _dbt(project, "deps")
    assert installed.returncode == 0, installed.stdout
    for command in (("seedbed", "plan", "--check"), ("seedbed", "generate"), ("seedbed", "check")):
        done = _run(project, *command)
        assert done.returncode == 0, done.stdout + done.stderr
        named = command[1] != "generate"  # where rules are not the matter, they are only counted
        assert ("The regulator approves all premiums" in done.stderr) == named
        assert done.stderr.count("warning [") == named
    done = _dbt(project, "build")
    assert done.returncode == 0, done.stdout
    return project


def test_every_sentence_has_its_standing(built: Path) -> None:
    told = _run(built, "seedbed", "explain").stdout
    assert told.count("built in") == 6


def _sunday(rows: Rows) -> None:
    rows[0]["ordered_at"] = "2025-06-01 12:00:00"


def _other_person(rows: Rows) -> None:
    first = rows[0]
    same = next(row for row in rows[1:] if row["case_sk"] == first["case_sk"])
    same["person_sk"] = str(int(first["person_sk"]) % 100 + 1)


def _too_much(rows: Rows) -> None:
    rows[0]["amount"] = "99999.00"


def _too_cheap(rows: Rows) -> None:
    rows[0]["premium"] = "1.00"


def _evenly(rows: Rows) -> None:
    for place, row in enumerate(rows):
        row["customer_id"] = str(place % 100 + 1)


def _no_payment(rows: Rows) -> None:
    rows[:] = rows[-1:]


SPOILT: list[tuple[str, Callable[[Rows], None], str, str]] = [
    ("case_events", _other_person, "A case belongs to one person", "case_events__functional_dependency"),
    ("refunds", _too_much, "Refunds only of captured payments", "refunds__row_holds"),
    ("policies", _too_cheap, "Premium is at least 5%", "policies__row_holds"),
    ("orders", _evenly, "80% of orders", "orders__concentration"),
    ("orders", _sunday, "No order on a Sunday", "orders__row_holds"),
    ("claim_payments", _no_payment, "Every closed claim", "claim_payments__fan_out"),
]


def test_what_is_broken_by_hand_is_found_by_the_check_and_by_dbt(built: Path) -> None:
    for seed, spoil, _, _ in SPOILT:
        path = built / f"seeds/{seed}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        header = list(rows[0])
        spoil(rows)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header)
            writer.writeheader()
            writer.writerows(rows)
    checked = _run(built, "seedbed", "check")
    done = _dbt(built, "build")
    assert (checked.returncode, done.returncode) == (1, 1)
    for _, _, says, test in SPOILT:
        assert re.search(rf"{says}.* violations?\b", checked.stdout), says
        assert re.search(rf"Failure in test \w*{test}", done.stdout), done.stdout

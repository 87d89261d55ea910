"""A table whose rows stand in a file beside the plan, through the commands and dbt itself."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedbed.cli import main
from shop import run_dbt, statuses
from worlds import write_project

PROFILES = """
    shop:
      target: dev
      outputs:
        dev: {type: duckdb, path: shop.duckdb}
    """
PROJECT = """
    name: shop
    version: '1.0.0'
    profile: shop
    """
SEEDS = """
    seeds:
      - name: branches
        columns:
          - {name: branch_id, data_type: integer, data_tests: [unique, not_null]}
          - {name: branch_code, data_type: varchar(5), data_tests: [unique, not_null]}
          - name: kind
            data_type: varchar
            data_tests: [{accepted_values: {arguments: {values: [shop, depot]}}}]
          - {name: opened_on, data_type: date}
          - {name: staff, data_type: integer}
      - name: sales
        columns:
          - {name: sale_id, data_type: integer, data_tests: [unique, not_null]}
          - name: branch_code
            data_type: varchar(5)
            data_tests:
              - not_null
              - relationships: {arguments: {to: ref('branches'), field: branch_code}}
          - {name: amount, data_type: "decimal(10,2)"}
    """
BRANCHES = 'branch_code,kind,opened_on\n"K,1",shop,1998-05-01\nHH-1,depot,\nMUC,shop,2011-09-15\n'


def run(folder: Path, *arguments: str):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(folder)], catch_exceptions=False)


@pytest.fixture
def shop(tmp_path):
    folder = write_project(
        tmp_path / "shop", {"dbt_project.yml": PROJECT, "profiles.yml": PROFILES, "seeds/_seeds.yml": SEEDS}
    )
    assert run(folder, "plan").exit_code == 0
    (folder / "seedbed" / "rows").mkdir(parents=True)
    (folder / "seedbed" / "rows" / "branches.csv").write_text(BRANCHES, encoding="utf-8")
    plan = folder / "seedbed.yml"
    head, _, rest = plan.read_text().partition("  branches:\n")
    rows = next(line for line in rest.splitlines() if "rows:" in line)
    plan.write_text(head + "  branches:\n" + rest.replace(rows, "    rows: from('seedbed/rows/branches.csv')", 1))
    return folder


def seed(folder: Path, name: str):
    with (folder / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_rows_of_a_file_reach_dbt_and_children_refer_to_them(shop):
    assert run(shop, "plan").exit_code == 0
    done = run(shop, "generate", "--scale", "3")
    assert done.exit_code == 0, done.output
    branches = seed(shop, "branches")
    assert [row["branch_code"] for row in branches] == ["K,1", "HH-1", "MUC"]
    assert [row["opened_on"] for row in branches] == ["1998-05-01", "", "2011-09-15"]
    assert [row["branch_id"] for row in branches] == ["1", "2", "3"]
    assert all(row["staff"] for row in branches)
    assert {row["branch_code"] for row in seed(shop, "sales")} == {"K,1", "HH-1", "MUC"}
    checked = run(shop, "check")
    assert checked.exit_code == 0, checked.output
    built = run_dbt(shop, "build")
    assert built.returncode == 0, built.stdout
    assert set(statuses(shop)) == {"success", "pass"}


def test_the_plan_drops_what_the_file_says_and_takes_it_back(shop):
    done = run(shop, "plan")
    assert "removed branches.kind" in done.output, done.output
    text = (shop / "seedbed.yml").read_text()
    branches = text.partition("  branches:\n")[2].partition("  sales:\n")[0]
    assert "kind:" not in branches
    assert "staff:" in branches
    assert run(shop, "plan", "--check").exit_code == 0
    explained = run(shop, "explain", "branches").output
    assert "3 in seedbed/rows/branches.csv" in explained
    assert "as it stands in seedbed/rows/branches.csv" in explained
    (shop / "seedbed.yml").write_text(text.replace("rows: from('seedbed/rows/branches.csv')", "rows: 4"))
    assert "added branches.kind" in run(shop, "plan").output
    assert run(shop, "generate").exit_code == 0
    assert len(seed(shop, "branches")) == 4


def test_a_faulty_file_stops_the_run_with_its_lines(shop):
    run(shop, "generate")
    before = (shop / "seeds" / "branches.csv").read_bytes()
    path = shop / "seedbed" / "rows" / "branches.csv"
    path.write_text(BRANCHES + "K-2,stall,\nTOOLONG,shop,soon\n", encoding="utf-8")
    done = run(shop, "generate")
    assert done.exit_code == 1
    assert "seedbed/rows/branches.csv:5: error [not-accepted] kind" in done.output
    assert "branches.kind accepts only shop, depot, but holds 'stall'" in done.output
    assert "seedbed/rows/branches.csv:6: error [wrong-type] branch_code" in done.output
    assert "Traceback" not in done.output
    assert (shop / "seeds" / "branches.csv").read_bytes() == before

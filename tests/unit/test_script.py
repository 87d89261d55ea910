"""The exported program makes the tables that `seedbed generate` writes, and holds nothing but data from outside."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

import seedbed
from clinic import PLAN, PROPERTIES, WARDS
from seedbed.cli import main
from worlds import HEAD, write_project

CASES = Path(__file__).parents[1] / "cases"
LATE_PROPERTIES = """
seeds:
  - name: payments
    columns:
      - {name: payment_id, data_type: integer, data_tests: [unique]}
      - {name: paid_at, data_type: timestamp}
      - {name: gone_at, data_type: timestamp}
      - {name: is_gone, data_type: boolean}
"""
LATE = """
tables:
  payments:
    rows: 400
    arrives: {of: paid_at, share: 0.5, delay: "lognormal(median='90d')"}
    deletes: {share: 0.4, delay: 30d}
    columns:
      paid_at: timestamp('2025-06-01', '2025-12-30')
      gone_at: deleted_at()
      is_gone: is_deleted()
"""


def project(name: str, folder: Path) -> Path:
    if name == "clinic":
        files = {"seeds/_seeds.yml": PROPERTIES, "seeds/wards.csv": WARDS, "seedbed.yml": HEAD + PLAN}
        return write_project(folder, files)
    files = {"models/schema.yml": (CASES / "plans" / f"{name}.yml").read_text(encoding="utf-8")}
    return write_project(folder, files)


def run(folder: Path, *arguments: str):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(folder)], catch_exceptions=False)


@pytest.mark.filterwarnings("ignore::seedbed.SeedbedWarning")
@pytest.mark.parametrize("name", ["clinic", "insurer", "checkout", "type2_customers"])
def test_the_program_makes_what_generate_writes(name, tmp_path):
    folder = project(name, tmp_path / "shop")
    assert run(folder, "plan").exit_code == 0
    assert run(folder, "export-script").exit_code == 0
    made = runpy.run_path(str(folder / "make_tables.py"))["make_tables"]()
    expected = seedbed.generate(seedbed.author(seedbed.read(folder)))
    assert list(made) == list(expected)
    for table, frame in expected.items():
        pd.testing.assert_frame_equal(made[table], frame)
    # The plan in the program, not the one in the project, decides.
    (folder / "seedbed.yml").unlink()
    again = runpy.run_path(str(folder / "make_tables.py"))["make_tables"]()
    for table, frame in expected.items():
        pd.testing.assert_frame_equal(again[table], frame)


def test_late_and_deleted_rows_go_along(tmp_path):
    files = {"seeds/_seeds.yml": LATE_PROPERTIES, "seedbed.yml": HEAD + LATE}
    folder = write_project(tmp_path / "shop", files)
    assert run(folder, "export-script").exit_code == 0
    expected = seedbed.generate(seedbed.author(seedbed.read(folder)))["payments"]
    assert 0 < expected["is_gone"].sum() < len(expected)
    assert len(expected) < 400  # the others have not arrived yet
    (folder / "seedbed.yml").unlink()
    made = runpy.run_path(str(folder / "make_tables.py"))["make_tables"]()
    pd.testing.assert_frame_equal(made["payments"], expected)


def test_rules_go_along(tmp_path):
    folder = project("insurer", tmp_path / "shop")
    run(folder, "plan")
    with (folder / "seedbed.yml").open("a", encoding="utf-8") as plan:
        plan.write("rules:\n  - {says: Premiums are high., table: policies, rule: \"row('premium > 200')\"}\n")
    assert run(folder, "export-script").exit_code == 0
    made = runpy.run_path(str(folder / "make_tables.py"))["make_tables"]()
    assert (made["policies"]["premium"] > 200).all()
    pd.testing.assert_frame_equal(made["policies"], seedbed.generate(seedbed.author(seedbed.read(folder)))["policies"])


def test_a_change_in_the_program_changes_the_tables(tmp_path):
    folder = project("insurer", tmp_path / "shop")
    run(folder, "export-script", "--output", str(tmp_path / "elsewhere.py"))
    program = tmp_path / "elsewhere.py"
    text = program.read_text(encoding="utf-8")
    assert "choice({'motor': 3, 'home': 2, 'travel': 1})" in text
    program.write_text(text.replace("choice({'motor': 3, 'home': 2, 'travel': 1})", "constant('motor')"))
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True, cwd="/")
    assert "policies: " in done.stdout
    made = runpy.run_path(str(program))["make_tables"]()
    assert set(made["policies"]["product_line"]) == {"motor"}


def test_a_file_that_is_there_is_left(tmp_path):
    folder = project("insurer", tmp_path / "shop")
    (folder / "make_tables.py").write_text("mine")
    done = run(folder, "export-script")
    assert done.exit_code == 1
    assert "--force replaces it" in done.output
    assert (folder / "make_tables.py").read_text() == "mine"
    assert run(folder, "export-script", "--force").exit_code == 0
    assert "PLAN" in (folder / "make_tables.py").read_text()


def test_options_of_dbt_go_along(tmp_path):
    properties = "seeds: [{name: \"{{ var('which') }}\", columns: [{name: id, data_type: integer}]}]"
    folder = write_project(tmp_path / "shop", {"seeds/_seeds.yml": properties})
    run(folder, "export-script", "--vars", "{which: it's}")
    assert list(runpy.run_path(str(folder / "make_tables.py"))["make_tables"]()) == ["it's"]


def test_nothing_from_outside_becomes_code(tmp_path):
    hostile = "x\"\"\"'''\n\u2028\r\f} {0} \\\\ # \u202e"
    columns = [
        {"name": f"c{hostile}", "data_type": "integer", "description": f"first\nimport os{hostile}"},
        {"name": "kind", "data_tests": [{"accepted_values": {"arguments": {"values": [hostile, "b"]}}}]},
    ]
    seeds = [{"name": f"a{hostile}", "description": f"{hostile}; import os", "columns": columns}]
    files = {"seeds/_seeds.yml": yaml.safe_dump({"seeds": seeds})}
    files["dbt_project.yml"] = yaml.safe_dump({"name": f'{hostile}"""; import os; """'})
    folder = write_project(tmp_path / "shop", files)
    done = run(folder, "export-script")
    assert done.exit_code == 0, done.output
    text = (folder / "make_tables.py").read_text(encoding="utf-8")
    assert all(character.isprintable() or character == "\n" for character in text)
    tree = ast.parse(text)
    plain = project("insurer", tmp_path / "plain")
    run(plain, "export-script")
    expected = ast.parse((plain / "make_tables.py").read_text(encoding="utf-8"))

    def shape(tree):
        """The program's statements, each kind of table once; and every name in it."""
        nodes = [type(node).__name__ for node in tree.body]
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        return [kind for kind, before in zip(nodes, ["", *nodes], strict=False) if kind != before], names, calls

    assert shape(tree) == shape(expected)
    made = runpy.run_path(str(folder / "make_tables.py"))["make_tables"]()
    assert len(made) == 1

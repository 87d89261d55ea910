"""What commands say of problems that do not stop them: each once, where it matters, and nothing with `--quiet`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedbed.cli import main
from worlds import write_project

PROJECT = """
    seeds:
      - name: payments
        config:
          meta:
            seedbed:
              rules: [a payment is never refunded twice, refunds need two people, "row('amount > 0')"]
        columns:
          - {name: payment_id, data_type: integer, data_tests: [unique, not_null]}
          - {name: amount, data_type: "decimal(10,2)"}
    """


@pytest.fixture
def project(tmp_path):
    return write_project(tmp_path / "shop", {"seeds/_seeds.yml": PROJECT})


def run(project: Path, *arguments: str):
    return CliRunner().invoke(main, [*arguments, "--project-dir", str(project)], catch_exceptions=False)


@pytest.mark.parametrize("command", ["plan", "explain", "check"])
def test_commands_about_rules_name_each_that_nothing_enforces(project, command):
    run(project, "generate")
    said = run(project, command).stderr
    assert said.count("[rule-in-words]") == 2
    assert "never refunded twice" in said
    assert "refunds need two people" in said
    assert said.count("say what it means under `rules:`") == 1, "what to do is the same for all"


@pytest.mark.parametrize("command", ["generate", "report", "init", "export-script"])
def test_other_commands_count_them(project, command):
    said = run(project, command).stderr
    assert said.count("nothing enforces 2 rules; `seedbed explain` says which") == (command != "init")
    assert "refunds need" not in said


@pytest.mark.parametrize("command", ["plan", "generate", "check", "report", "explain"])
def test_quiet_tells_of_errors_only(project, command):
    run(project, "generate")
    assert run(project, command, "-q", "--notes").stderr == ""
    (project / "seedbed.yml").write_text("tables: []\n", encoding="utf-8")
    assert "seedbed.yml" in run(project, command, "-q").stderr


def test_programs_get_every_warning(project):
    lines = [json.loads(line) for line in run(project, "generate", "--log-format", "json").stderr.splitlines()]
    assert [line["code"] for line in lines] == ["rule-in-words", "rule-in-words"]
    assert all("seedbed plan --author llm" in line["hint"] for line in lines)


def test_an_error_stands_alone(project):
    """Warnings and notes about a plan that cannot be carried out can wait."""
    run(project, "plan")
    path = project / "seedbed.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("rows: 100", "rows: per nobody"), encoding="utf-8")
    done = run(project, "generate")
    assert done.exit_code == 1
    assert "nobody" in done.stderr
    assert "rule-in-words" not in done.stderr
